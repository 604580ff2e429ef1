package lip

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// AOL scales the rows of w, [in, out], so that x ↦ x·w is at most 1-Lipschitz:
// d_i = Σ_j |w·wᵀ|_ij, w_i ← w_i/√d_i (Prach & Lampert 2022, Theorem 1). Cost: in²·out products.
func AOL(w *Node) *Node {
	d := ReduceAndKeep(Abs(Einsum("io,jo->ij", w, w)), ReduceSum, -1)
	return Mul(w, reciprocalRoot(AddScalar(d, 1e-12)))
}

func aolDense(scope *model.Scope, g *Graph, in, units int) *Node {
	return AOL(freeDense(scope, g, in, units))
}

// AOLConvolution is AOL for a kernel, [k, k, in, out], at any padding and this stride. Entry (tap,
// i) is divided by the root of Σ_j Σ_s |Σ_t Σ_o k_i(t)·k_j(t+s)|. The sum over t takes the taps
// that meet the same inputs: the taps of one place modulo the stride.
//
// Cost: k⁴·in²·out products, and (2k-1)²·k⁴·in² additions at each of stride² places.
func AOLConvolution(kernel *Node, stride int) *Node {
	d := kernel.Shape().Dimensions
	sum := ReduceSum(autocorrelation(kernel, stride), -1)
	s := reciprocalRoot(AddScalar(sum, 1e-12)) // [stride², in]
	if stride == 1 {
		return Mul(kernel, Reshape(s, 1, 1, -1, 1))
	}
	at := make([][]float32, d[0]*d[0])
	for t := range at {
		at[t] = make([]float32, stride*stride)
		at[t][place(t, d[0], stride)] = 1
	}
	return Mul(kernel, Reshape(DotProduct(Const(kernel.Graph(), at), s), d[0], d[0], d[2], 1))
}

func aolKernel(scope *model.Scope, g *Graph, c Convolution, in Size) *Node {
	return AOLConvolution(freeKernel(scope, g, c, in), c.stride())
}

// place is a tap's place modulo the stride.
func place(tap, k, stride int) int { return tap/k%stride*stride + tap%k%stride }

// autocorrelation returns Σ_s |Σ_t Σ_o k_i(t)·k_j(t+s)| over all shifts s of kernel, [k, k, in,
// out]. The channels i and j are of the third axis, and there is one sum for each place of t modulo
// the stride: [stride², in, in].
//
// The computation is two matrix products: all pairs of taps, then the sum of the pairs at the same
// place and shift.
func autocorrelation(kernel *Node, stride int) *Node {
	d := kernel.Shape().Dimensions
	k, taps, in := d[0], d[0]*d[0], d[2]
	m := Reshape(kernel, taps, in, d[3])
	pairs := Reshape(Einsum("aio,bjo->abij", m, m), taps*taps, in*in)
	shifts := (2*k - 1) * (2*k - 1)
	sums := make([][]float32, stride*stride*shifts)
	for s := range sums {
		sums[s] = make([]float32, taps*taps)
	}
	for a := range taps {
		for b := range taps {
			shift := (a/k-b/k+k-1)*(2*k-1) + a%k - b%k + k - 1
			sums[place(a, k, stride)*shifts+shift][a*taps+b] = 1
		}
	}
	c := Abs(DotProduct(Const(kernel.Graph(), sums), pairs))
	return Reshape(ReduceSum(Reshape(c, stride*stride, shifts, -1), 1), stride*stride, in, in)
}
