package loss

import (
	. "github.com/gomlx/gomlx/core/graph"
	gomlx "github.com/gomlx/gomlx/ml/train/loss"
)

// Offset lowers the true class's logit by Offset, divides the logits by Temperature and takes their
// cross-entropy (Prach & Lampert 2022). It asks for a margin of about Offset, and for no more than
// a few temperatures beyond that.
type Offset struct{ Offset, Temperature, Gap float64 }

// Loss implements Loss.
func (o Offset) Loss(labels, logits []*Node) *Node {
	z, y := scaled(labels, logits, o.Gap)
	return crossEntropy(Sub(z, MulScalar(y, o.Offset)), y, o.Temperature)
}

func crossEntropy(z, y *Node, temperature float64) *Node {
	return gomlx.CategoricalCrossEntropyLogits([]*Node{y}, []*Node{MulScalar(z, 1/temperature)})
}
