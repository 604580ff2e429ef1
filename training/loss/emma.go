package loss

import . "github.com/gomlx/gomlx/core/graph"

// EMMA (efficient margin maximization, Hu et al. 2023) is the cross-entropy of logits of which each wrong class j's
// was raised by clip(z_y - z_j, 0, Offset), then divided by Temperature. The gradient takes what was raised for a
// constant. So a class that Offset doesn't clear is pushed against as if level with the true one, and beyond
// Offset this is Offset's loss.
type EMMA struct{ Offset, Temperature, Gap float64 }

// Loss implements Loss.
func (e EMMA) Loss(labels, logits []*Node) *Node {
	z, y := scaled(labels, logits, e.Gap)
	raised := StopGradient(ClipScalar(margins(z, y), 0, e.Offset))
	return crossEntropy(Add(z, raised), y, e.Temperature)
}
