package loss

import . "github.com/gomlx/gomlx/core/graph"

// EMMA is efficient margin maximization (Hu et al. 2023). It raises the logit of each wrong class j
// by clip(z_y - z_j, 0, Offset), divides the logits by Temperature and takes their cross-entropy.
//
// The gradient treats the raise as a constant. So a class whose margin is below Offset counts as if
// it were level with the true class. Beyond Offset, EMMA is the loss Offset.
type EMMA struct{ Offset, Temperature, Gap float64 }

// Loss implements Loss.
func (e EMMA) Loss(labels, logits []*Node) *Node {
	z, y := scaled(labels, logits, e.Gap)
	raised := StopGradient(ClipScalar(margins(z, y), 0, e.Offset))
	return crossEntropy(Add(z, raised), y, e.Temperature)
}
