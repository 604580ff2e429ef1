package lip

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Normalised divides the columns of w, [in, classes], by their norms: last layer normalisation (LLN; Singla, Singla &
// Feizi 2022), where each logit is 1-Lipschitz and the difference of two at most 2-Lipschitz: LogitGap has
// the true constant.
func Normalised(w *Node) *Node {
	return Mul(w, reciprocalRoot(AddScalar(ReduceAndKeep(Square(w), ReduceSum, 0), 1e-12)))
}

func normalisedDense(scope *model.Scope, g *Graph, in, units int) *Node {
	return Normalised(freeDense(scope, g, in, units))
}
