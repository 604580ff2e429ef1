package loss

import (
	. "github.com/gomlx/gomlx/core/graph"
	gomlx "github.com/gomlx/gomlx/ml/train/loss"
)

// Offset is the cross-entropy of logits from which the true class's was lowered by Offset, then
// divided by Temperature (Prach & Lampert 2022): it asks for a margin of about Offset and no
// more than a few temperatures beyond it.
type Offset struct{ Offset, Temperature, Gap float64 }

// Loss implements Loss.
func (o Offset) Loss(labels, logits []*Node) *Node {
	z, y := scaled(labels, logits, o.Gap)
	return crossEntropy(Sub(z, MulScalar(y, o.Offset)), y, o.Temperature)
}

func crossEntropy(z, y *Node, temperature float64) *Node {
	return gomlx.CategoricalCrossEntropyLogits([]*Node{y}, []*Node{MulScalar(z, 1/temperature)})
}
