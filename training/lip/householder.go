package lip

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

var householder = activationKind{
	name: "Householder",
	weights: func(scope *model.Scope, g *Graph, channels int) []*Node {
		// Near π/2, MaxMin.
		angle := AddScalar(variable(scope, g, "angle", 0.1, channels/2), math.Pi/2)
		return []*Node{directions(angle)}
	},
	apply: func(x *Node, _ Activation, w []*Node) *Node {
		if w[0].Rank() == 1 {
			return Householder(x, directions(w[0]))
		}
		return Householder(x, w[0])
	},
	group: pairs, prove: householderBound, rounding: householderRounding,
}

// directions are (sin θ/2, cos θ/2), [2, c/2], of angles θ. Models of earlier versions hold the
// angles, [c/2].
func directions(angle *Node) *Node {
	half := MulScalar(angle, 0.5)
	return Stack([]*Node{Sin(half), Cos(half)}, 0)
}

// Householder takes the pair p of channels i and i+c/2 to p - 2·min(v·p, 0)·v, for v = (s_i, -c_i).
// For |v| = 1 it reflects p where v·p < 0, and keeps norms. It is continuous, and its slopes are
// orthogonal (Singla, Singla & Feizi 2022). With s = c it is MaxMin. The shapes are x [..., c] and
// direction [2, c/2], s above c. Householder needs c even.
func Householder(x, direction *Node) *Node {
	a, b := halves(x, "Householder")
	wide := func(i int) *Node {
		t := Squeeze(SliceAxis(direction, 0, AxisElem(i)), 0)
		return BroadcastToShape(ExpandLeftToRank(t, x.Rank()), a.Shape())
	}
	s, c := wide(0), wide(1)
	reflected := MulScalar(MinScalar(Sub(Mul(a, s), Mul(b, c)), 0), 2) // 2·min(v·p, 0)
	return Concatenate([]*Node{Sub(a, Mul(reflected, s)), Add(b, Mul(reflected, c))}, -1)
}

// householderBound is max(1, 2|v|² - 1), as the slopes are I and I - 2vvᵀ. In float32, |v| isn't
// quite 1. Sine and cosine of an angle are, in real arithmetic.
func householderBound(w []*tensors.Tensor) Bound {
	if w[0].Rank() == 1 {
		return Isometry()
	}
	return Bound{max(1, up(2*squaredLength(w)-1)), "slopes I and I - 2vvᵀ"}
}

// squaredLength bounds the largest |v|².
func squaredLength(w []*tensors.Tensor) float64 {
	v := flat(w[0])
	most, n := 0.0, len(v)/2
	for i := range n {
		s, c := float64(v[i]), float64(v[n+i])
		most = max(most, up(up(s*s)+up(c*c)))
	}
	return most
}

// householderRounding: let V be the largest |v|². In float32, v·p is off by
// γ₂(|as| + |bc|) ≤ γ₂|v||p|. So is min(v·p, 0), whichever branch float32 takes, as the slopes of
// min(·, 0) are at most 1. Times 2v and rounded again, this is off by 2Vγ₃|p|. The last subtraction
// adds u of its result. Squares add up over the pairs.
func householderRounding(w []*tensors.Tensor, in Size, bound, norm float64) (roundoff, error) {
	if w[0].Rank() == 1 {
		return unrounded(Activation{Kind: "householder"})
	}
	square := squaredLength(w)
	if !(4*(1+square)*norm <= largestSum) {
		return roundoff{fresh: math.Inf(1)}, nil
	}
	e := 2 * square * gamma(3) * norm
	underflow := 4 * tiny * math.Sqrt(float64(in.Entries())) * (1 + square) * (1 + norm)
	return roundoff{fresh: outward(e + u32*(bound*norm+e) + underflow)}, nil
}
