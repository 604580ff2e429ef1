// Package loss holds losses that train a margin.
package loss

import (
	. "github.com/gomlx/gomlx/core/graph"
	gomlx "github.com/gomlx/gomlx/ml/train/loss"
)

// Offset is the cross-entropy of logits from which the true class's was lowered by Offset, then
// divided by Temperature (Prach & Lampert 2022): it asks for a margin of about Offset and no
// more than a few temperatures beyond it. Both are in units of radius: logits are first divided by
// Gap, the constant of a difference of two logits.
type Offset struct{ Offset, Temperature, Gap float64 }

// Loss takes labels [batch, 1] (integers) and logits [batch, classes] and returns the mean over the batch, a scalar.
func (o Offset) Loss(labels, logits []*Node) *Node {
	z := logits[0]
	d := z.Shape().Dimensions
	y := OneHot(Reshape(labels[0], d[0]), d[1], z.DType())
	z = Sub(MulScalar(z, 1/o.Gap), MulScalar(y, o.Offset))
	return gomlx.CategoricalCrossEntropyLogits([]*Node{y}, []*Node{MulScalar(z, 1/o.Temperature)})
}
