package lip

import . "github.com/gomlx/gomlx/core/graph"

// AOL scales the rows of w, [in, out], so that x ↦ x·w is at most 1-Lipschitz:
// d_i = Σ_j |w·wᵀ|_ij, w_i ← w_i/√d_i (Prach & Lampert 2022, Theorem 1).
func AOL(w *Node) *Node {
	d := ReduceAndKeep(Abs(Einsum("io,jo->ij", w, w)), ReduceSum, -1)
	return Mul(w, reciprocalRoot(AddScalar(d, 1e-12)))
}

// AOLConvolution is AOL for a kernel, [k, k, in, out], at any padding: the rescaling of input channel
// i is Σ_{j,s} |Σ_o k_i ⋆ k_j|(s), the sum of the kernel's absolute autocorrelation.
func AOLConvolution(kernel *Node) *Node {
	return Mul(kernel, Reshape(reciprocalRoot(AddScalar(kernelGram(kernel), 1e-12)), 1, 1, -1, 1))
}

// kernelGram returns Σ_{j,s} |autocorrelation of input channels i and j at shift s|, [in].
func kernelGram(kernel *Node) *Node {
	d := kernel.Shape().Dimensions // k, k, in, out
	// As a convolution: "images" are the input channels, the k·k positions with out channels.
	x := TransposeAllAxes(kernel, 2, 0, 1, 3) // [in, k, k, out]
	y := TransposeAllAxes(kernel, 0, 1, 3, 2) // [k, k, out, in]
	if d[0] == 1 {
		return ReduceSum(Abs(DotProduct(Reshape(x, d[2], d[3]), Reshape(y, d[3], d[2]))), -1)
	}
	p := d[0] - 1
	c := Convolve(x, y).PaddingPerDim([][2]int{{p, p}, {p, p}}).Done()
	return ReduceSum(Abs(c), 1, 2, 3)
}
