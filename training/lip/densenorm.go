package lip

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// DenseNorm proves an upper bound on the largest singular value of the row-major matrix,
// rows×columns, as Sparse.Norm does: at most 1% above it, and mostly 0.005%. It isn't ok where an
// entry isn't finite, or where the estimate of the norm was too low.
//
// Cost: 2·rows·columns·min(rows, columns) products, fewer than SpectralNorm takes.
func DenseNorm(matrix []float64, rows, columns int) (bound float64, ok bool) {
	a := mat.NewDense(rows, columns, matrix)
	n, tallest := min(rows, columns), max(rows, columns)
	var gram mat.Dense
	if columns > rows {
		gram.Mul(a, a.T())
	} else {
		gram.Mul(a.T(), a)
	}
	g := gram.RawMatrix().Data
	symmetric := func(data []float64) blas64.Symmetric {
		return blas64.Symmetric{Uplo: blas.Upper, N: n, Stride: n, Data: data}
	}
	f := frobenius(a)
	square := up(f * f)
	if !(square < 1e150) {
		return 0, false
	}
	s := lanczos(n, func(v []float64) []float64 {
		y := make([]float64, n)
		blas64.Symv(1, symmetric(g), blas64.Vector{N: n, Data: v, Inc: 1}, 0,
			blas64.Vector{N: n, Data: y, Inc: 1})
		return y
	})
	if !(s > 0) {
		return f, true
	}
	// Rounding is that of Sparse.Norm, for sums and eliminations in any order.
	m := make([]float64, n*n)
	for _, delta := range []float64{1e-4, 1e-3, 2e-2} {
		top := s * (1 + delta)
		for i, v := range g {
			m[i] = -v
		}
		for i := range n {
			m[i*n+i] += top
		}
		_, definite := lapack64.Potrf(symmetric(m))
		for i := range n {
			definite = definite && m[i*n+i] > 0
		}
		if definite {
			e := 1.01 * u * (float64(tallest+4)*square + 4*top + 2*float64(n+10)*float64(n)*top)
			return up(math.Sqrt(up(up(top+up(e)) + 1e-290))), true
		}
	}
	return 0, false
}
