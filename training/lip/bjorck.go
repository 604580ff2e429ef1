package lip

import . "github.com/gomlx/gomlx/core/graph"

// Bjorck returns the matrix with orthonormal rows or columns nearest w, [in, out], by
// iterations of Björck & Bowie 1971, w ← w(3/2·I - 1/2·wᵀw), after scaling w so that they
// converge (Anil et al. 2019). They run on the smaller Gram matrix alone:
// min(in, out)³ a step, and the large matrix is multiplied twice in all.
func Bjorck(w *Node, iterations int) *Node {
	d := w.Shape().Dimensions
	if d[0] < d[1] {
		return Transpose(Bjorck(Transpose(w, 0, 1), iterations), 0, 1)
	}
	g := Einsum("ij,ik->jk", w, w)
	// The largest absolute row sum is at least the largest eigenvalue.
	s := Reciprocal(AddScalar(ReduceAllMax(ReduceSum(Abs(g), -1)), 1e-12))
	g = Mul(g, s)
	id := identity(g, d[1])
	p := MulScalar(id, 1)
	for range iterations {
		q := Sub(MulScalar(id, 1.5), MulScalar(g, 0.5))
		p = DotProduct(p, q)
		g = DotProduct(DotProduct(q, g), q)
	}
	return DotProduct(w, Mul(p, Sqrt(s)))
}
