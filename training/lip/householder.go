package lip

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// householder has no proof of its rounding, as it takes a sine.
var householder = activationKind{
	name: "Householder",
	weights: func(scope *model.Scope, g *Graph, channels int) []*Node {
		// Near π/2, MaxMin.
		return []*Node{AddScalar(variable(scope, g, "angle", 0.1, channels/2), math.Pi/2)}
	},
	apply: func(x *Node, _ Activation, w []*Node) *Node { return Householder(x, w[0]) },
	group: pairs, bound: Isometry(),
}

// Householder reflects the pair p of channels i and i+c/2 where v·p < 0, for
// v = (sin θ_i/2, -cos θ_i/2). It is continuous, and its slopes are orthogonal (Singla, Singla &
// Feizi 2022). With θ = π/2 it is MaxMin. The shapes are x [..., c] and angle θ [c/2].
func Householder(x, angle *Node) *Node {
	a, b := halves(x, "Householder")
	wide := func(t *Node) *Node {
		return BroadcastToShape(ExpandLeftToRank(t, x.Rank()), a.Shape())
	}
	half := MulScalar(angle, 0.5)
	s, c := wide(Sin(half)), wide(Cos(half))
	reflected := MulScalar(MinScalar(Sub(Mul(a, s), Mul(b, c)), 0), 2) // 2·min(v·p, 0)
	return Concatenate([]*Node{Sub(a, Mul(reflected, s)), Add(b, Mul(reflected, c))}, -1)
}
