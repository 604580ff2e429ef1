package loss

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// HKR is the hinge-regularised Kantorovich–Rubinstein loss, one class against the others (Serrurier
// et al. 2021). It is the sum over classes k of E[z_k | not k] - E[z_k | k], plus Weight times the
// mean of the hinges (Offset/2 - s_k z_k)_+. s_k is 1 for the true class and -1 for the others.
//
// A margin of Offset clears the hinges of two logits. The first term is 0 for a class where the
// batch lacks images of the class, or of all others.
//
// With Balanced, the true class's hinge counts as many times as there are other classes. That is
// deel-torchlip's HKRMulticlassLoss with alpha = Weight/(1+Weight), times classes·(1+Weight).
type HKR struct {
	Offset, Weight, Gap float64
	Balanced            bool
}

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
	hinges := hinge(AddScalar(Neg(Mul(sign, z)), h.Offset/2))
	if h.Balanced {
		hinges = Mul(hinges, AddScalar(MulScalar(y, float64(z.Shape().Dim(-1)-2)), 1))
	}
	return Add(transport, MulScalar(ReduceAllMean(ReduceSum(hinges, -1)), h.Weight))
}

// LSEHKR is deel-torchlip's LseHKRMulticlassLoss. One number stands for all wrong classes j:
// s = τ·log Σ exp(z_j/τ), at most Offset/2 above the largest z_j. The loss is the mean of
// s - z_y, plus Weight times the hinges (Offset/2 - z_y)_+ and (Offset/2 + s)_+. A margin of Offset
// or a little more clears both.
type LSEHKR struct{ Offset, Weight, Gap float64 }

// Loss implements Loss.
func (h LSEHKR) Loss(labels, logits []*Node) *Node {
	z, y := scaled(labels, logits, h.Gap)
	others := Where(GreaterThan(y, ZerosLike(y)), MulScalar(OnesLike(z), -1e30), z)
	s := ReduceMax(others, -1)
	// τ leaves Offset/2 for as many equal logits. With one wrong class, or no offset, s is the
	// largest.
	if wrong := float64(z.Shape().Dim(-1) - 1); wrong > 1 && h.Offset > 0 {
		τ := h.Offset / 2 / math.Log(wrong)
		far := MulScalar(Sub(others, StopGradient(ExpandAxes(s, -1))), 1/τ)
		s = Add(StopGradient(s), MulScalar(Log(ReduceSum(Exp(far), -1)), τ))
	}
	own := ReduceSum(Mul(z, y), -1)
	hinges := Add(hinge(AddScalar(Neg(own), h.Offset/2)), hinge(AddScalar(s, h.Offset/2)))
	return ReduceAllMean(Add(Sub(s, own), MulScalar(hinges, h.Weight)))
}
