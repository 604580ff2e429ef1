package lip

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// SLLScale returns t, [inner], with WᵀW ⪯ diag(t) for the convolution W, from inner channels to c,
// of kernel, [k, k, inner, c]: t_i = Σ_j Σ_s |autocorrelation|_ij(s)·q_j/q_i with q = e^logq,
// [inner] (Araujo et al. 2023, Theorem 3). W/√t is then a W of Residual.
//
// Araujo et al. write x - 2·V·t⁻¹·relu(Vᵀx + b'). It is the same with V = W·√t and b' = √t·b, as
// relu(√t·y) = √t·relu(y). Cost: as AOLConvolution.
func SLLScale(kernel, logq *Node) *Node {
	q := Exp(logq)
	pairs := Squeeze(autocorrelation(kernel, 1), 0)
	sum := Squeeze(DotProduct(pairs, ExpandAxes(q, -1)), -1)
	return AddScalar(Div(sum, q), 1e-12)
}

func sllKernel(scope *model.Scope, g *Graph, r Residual, in Size) *Node {
	k := r.variable(scope, g, in)
	t := SLLScale(k, variable(scope, g, "logq", 0, r.Inner))
	return Mul(k, Reshape(reciprocalRoot(t), 1, 1, -1, 1))
}
