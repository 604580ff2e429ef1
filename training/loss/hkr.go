package loss

import . "github.com/gomlx/gomlx/core/graph"

// HKR is the hinge-regularised Kantorovich–Rubinstein loss, one class against the others (Serrurier
// et al. 2021). It is the sum over classes k of E[z_k | not k] - E[z_k | k], plus Weight times the
// mean of the hinges (Offset/2 - s_k z_k)_+. s_k is 1 for the true class and -1 for the others.
//
// A margin of Offset clears the hinges of two logits. The first term is 0 for a class where the
// batch lacks images of the class, or of all others.
type HKR struct{ Offset, Weight, Gap float64 }

// Loss implements Loss.
func (h HKR) Loss(labels, logits []*Node) *Node {
	z, y := scaled(labels, logits, h.Gap)
	mean := func(mask *Node) (of, seen *Node) { // of z_k over the images in the mask, [classes]
		n := ReduceSum(mask, 0)
		return Div(ReduceSum(Mul(mask, z), 0), MaxScalar(n, 1)), MinScalar(n, 1)
	}
	own, some := mean(y)
	others, more := mean(OneMinus(y))
	transport := ReduceAllSum(Mul(Mul(some, more), Sub(others, own)))
	sign := AddScalar(MulScalar(y, 2), -1)
	hinges := ReduceSum(hinge(AddScalar(Neg(Mul(sign, z)), h.Offset/2)), -1)
	return Add(transport, MulScalar(ReduceAllMean(hinges), h.Weight))
}
