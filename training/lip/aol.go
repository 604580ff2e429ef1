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
// axis of kernel, [k, k, in, out]: [in, in]. It is two matrix products: all pairs of taps, and the sum of
// those at the same shift.
func autocorrelation(kernel *Node) *Node {
	d := kernel.Shape().Dimensions
	k, taps, in := d[0], d[0]*d[0], d[2]
	m := Reshape(kernel, taps, in, d[3])
	pairs := Reshape(Einsum("aio,bjo->abij", m, m), taps*taps, in*in)
	shifts := make([][]float32, (2*k-1)*(2*k-1))
	for s := range shifts {
		shifts[s] = make([]float32, taps*taps)
	}
	for a := range taps {
		for b := range taps {
			shifts[(a/k-b/k+k-1)*(2*k-1)+a%k-b%k+k-1][a*taps+b] = 1
		}
	}
	return Reshape(ReduceSum(Abs(DotProduct(Const(kernel.Graph(), shifts), pairs)), 0), in, in)
}
