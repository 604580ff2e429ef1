package lip

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
)

// SLLScale returns t, [inner], with WᵀW ⪯ diag(t) for the circular convolution W, from inner
// channels to c, of kernel, [k, k, inner, c]: t_i = Σ_j Σ_s |autocorrelation|_ij(s)·q_j/q_i, q = e^logq,
// [inner] (Araujo et al. 2023, Theorem 3).
func SLLScale(kernel, logq *Node) *Node {
	q := Exp(logq)
	sum := Squeeze(DotProduct(autocorrelation(kernel), ExpandAxes(q, -1)), -1)
	return AddScalar(Div(sum, q), 1e-12)
}

// SLL is the residual step x - 2·W·relu(Wᵀx + b) with ‖W‖ ≤ 1: W is the circular convolution of kernel,
// [k, k, inner, c], whose channels were divided by √t (SLLScale), and bias is [inner]. Araujo et
// al. write x - 2·V·t⁻¹·relu(Vᵀx + b'): the same with V = W·√t and b' = √t·b, as relu(√t·y) = √t·relu(y).
func SLL(x, kernel, bias *Node) *Node {
	y := Add(Circular(x, adjoint(kernel)), Reshape(bias, 1, 1, 1, -1))
	return Sub(x, MulScalar(Circular(MaxScalar(y, 0), kernel), 2))
}

// adjoint returns the kernel, [k, k, out, in], of the transpose of kernel's circular convolution.
func adjoint(kernel *Node) *Node {
	d := kernel.Shape().Dimensions
	taps := Split(Reshape(TransposeAllAxes(kernel, 0, 1, 3, 2), d[0]*d[1], d[3], d[2]), 0, d[0]*d[1])
	slices.Reverse(taps)
	return Reshape(Concatenate(taps, 0), d[0], d[1], d[3], d[2])
}
