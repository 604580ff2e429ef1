package lip

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Normalised divides the columns of w, [in, classes], by their norms. It is last layer
// normalisation, LLN (Singla, Singla & Feizi 2022). Each logit is 1-Lipschitz, and the difference
// of two is at most 2-Lipschitz. LogitGap has the true constant.
func Normalised(w *Node) *Node {
	squares := ReduceAndKeep(Square(w), ReduceSum, 0)
	return Mul(w, reciprocalRoot(AddScalar(squares, 1e-12)))
}

func normalisedDense(scope *model.Scope, g *Graph, in, units int) *Node {
	return Normalised(freeDense(scope, g, in, units))
}
