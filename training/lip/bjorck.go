package lip

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Bjorck returns the matrix with orthonormal rows or columns that is nearest to w, [in, out], or to
// each of several matrices, [n, in, out]. It scales w and then iterates w ← w(3/2·I - 1/2·wᵀw)
// (Björck & Bowie 1971; Anil et al. 2019).
//
// A singular value of σ times the largest takes about 6 + 2.5·ln(1/σ) iterations. With fewer, the
// singular value stays below 1. Cost: min(in, out)³ an iteration, on the smaller Gram matrix.
func Bjorck(w *Node, iterations int) *Node {
	d := w.Shape().Dimensions
	if d[len(d)-2] < d[len(d)-1] {
		return Transpose(Bjorck(Transpose(w, -2, -1), iterations), -2, -1)
	}
	g := gram(w)
	// The largest absolute row sum is at least the largest eigenvalue.
	most := ReduceAndKeep(ReduceAndKeep(Abs(g), ReduceSum, -1), ReduceMax, -2)
	s := Reciprocal(AddScalar(most, 1e-12))
	g, w = Mul(g, s), Mul(w, Sqrt(s))
	id := BroadcastToShape(ExpandLeftToRank(identity(g, d[len(d)-1]), g.Rank()), g.Shape())
	for iterations > 0 {
		p := id
		for range min(iterations, gramLife) {
			q := Sub(MulScalar(id, 1.5), MulScalar(g, 0.5))
			p = MatMul(p, q)
			g = MatMul(MatMul(q, g), q)
		}
		w = MatMul(w, p)
		if iterations -= gramLife; iterations > 0 {
			g = gram(w)
		}
	}
	return w
}

// gramLife is how many iterations one Gram matrix serves. Its rounding errors, 1e-6 at most, may be
// negative eigenvalues, which grow by 9/4 in each iteration.
const gramLife = 12

// gram returns wᵀw.
func gram(w *Node) *Node {
	if w.Rank() == 2 {
		return Einsum("ij,ik->jk", w, w)
	}
	return Einsum("nij,nik->njk", w, w)
}

// iterations of Björck's method that take a scaled random matrix to float32's precision.
const iterations = 12

func bjorckDense(scope *model.Scope, g *Graph, in, units int) *Node {
	return Bjorck(freeDense(scope, g, in, units), iterations)
}
