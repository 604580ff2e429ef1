package lip

import . "github.com/gomlx/gomlx/core/graph"

// AOL scales the rows of w, [in, out], so that x ↦ x·w is at most 1-Lipschitz:
// d_i = Σ_j |w·wᵀ|_ij, w_i ← w_i/√d_i (Prach & Lampert 2022, Theorem 1).
func AOL(w *Node) *Node {
	d := ReduceAndKeep(Abs(Einsum("io,jo->ij", w, w)), ReduceSum, -1)
	return Mul(w, reciprocalRoot(AddScalar(d, 1e-12)))
}

// AOLConvolution is AOL for a kernel, [k, k, in, out], at any padding: the rescaling of input channel
// i is Σ_j Σ_s |Σ_o k_i ⋆ k_j|(s), from the kernel's autocorrelation.
func AOLConvolution(kernel *Node) *Node {
	d := ReduceSum(autocorrelation(kernel), -1)
	return Mul(kernel, Reshape(reciprocalRoot(AddScalar(d, 1e-12)), 1, 1, -1, 1))
}

// autocorrelation returns Σ_s |Σ_o k_i ⋆ k_j|(s) over all shifts s for channels i and j of the third
// axis of kernel, [k, k, in, out]: [in, in].
func autocorrelation(kernel *Node) *Node {
	d := kernel.Shape().Dimensions
	// As a convolution: "images" are the channels i, filters the channels j.
	x := TransposeAllAxes(kernel, 2, 0, 1, 3) // [in, k, k, out]
	y := TransposeAllAxes(kernel, 0, 1, 3, 2) // [k, k, out, in]
	p := d[0] - 1
	return ReduceSum(Abs(Convolve(x, y).PaddingPerDim([][2]int{{p, p}, {p, p}}).Done()), 1, 2)
}
