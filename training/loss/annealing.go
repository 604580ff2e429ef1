package loss

import . "github.com/gomlx/gomlx/core/graph"

// Annealing is logit annealing (Lai et al. 2025). With p the softmax of the true class behind the
// offset and the temperature of Offset, it is -(1-p)⁵·log p; the paper multiplies by Temperature.
// So an image with a large margin costs next to nothing, and its gradient falls faster than that of
// Offset.
type Annealing struct{ Offset, Temperature, Gap float64 }

// Loss implements Loss.
func (a Annealing) Loss(labels, logits []*Node) *Node {
	z, y := scaled(labels, logits, a.Gap)
	logs := LogSoftmax(MulScalar(Sub(z, MulScalar(y, a.Offset)), 1/a.Temperature))
	log := ReduceSum(Mul(logs, y), -1)
	q := OneMinus(Exp(log))
	return Neg(ReduceAllMean(Mul(log, Mul(q, Square(Square(q))))))
}
