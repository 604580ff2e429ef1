package lip

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
)

// SLLScale returns t, [inner], with WᵀW ⪯ diag(t) for the circular convolution W that kernel,
// [k, k, inner, c] (from inner channels to c), stands for: t_i = Σ_{j,s} |autocorrelation|·q_j/q_i, q = e^logq, [inner]
// (Araujo et al. 2023, Theorem 3).
func SLLScale(kernel, logq *Node) *Node {
	d := kernel.Shape().Dimensions
	x := TransposeAllAxes(kernel, 2, 0, 1, 3)
	y := TransposeAllAxes(kernel, 0, 1, 3, 2)
	p := d[0] - 1
	c := ReduceSum(Abs(Convolve(x, y).PaddingPerDim([][2]int{{p, p}, {p, p}}).Done()), 1, 2) // [inner, inner]
	q := Exp(logq)
	return AddScalar(Div(Squeeze(DotProduct(c, ExpandAxes(q, -1)), -1), q), 1e-12)
}

// SLL is the residual step x - 2·W(relu(Wᵀx + b)), kernel [k, k, inner, c] already divided by √t
// (then ‖W‖ ≤ 1), scale 1/√t applied to neither: with W' = W·diag(t)^(-1/2) the layer of Araujo et al. is
// x - 2·W'·diag(t)^(-1/2)·relu(diag(t)^(1/2)·(W'ᵀx + b')), which relu's homogeneity turns into this form.
func SLL(x, kernel, bias *Node) *Node {
	transposed := adjoint(kernel)
	y := Add(Circular(x, transposed), Reshape(bias, 1, 1, 1, -1))
	return Sub(x, MulScalar(Circular(MaxScalar(y, 0), kernel), 2))
}

// adjoint returns the kernel, [k, k, out, in], of the transpose of kernel's circular convolution.
func adjoint(kernel *Node) *Node {
	d := kernel.Shape().Dimensions
	taps := Split(Reshape(TransposeAllAxes(kernel, 0, 1, 3, 2), d[0]*d[1], d[3], d[2]), 0, d[0]*d[1])
	slices.Reverse(taps)
	return Reshape(Concatenate(taps, 0), d[0], d[1], d[3], d[2])
}
