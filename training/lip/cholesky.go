package lip

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// norm proves an upper bound on the largest singular value, close to an estimate s of it. The bound
// isn't ok where the matrix is too large, where the estimate is too low, or where another bound,
// enough, is hardly above the estimate.
//
// s²(1+δ) - AᵀA is a band matrix. Where its Cholesky factorisation in float64 runs to the end, the
// matrix is positive definite but for an error known beforehand (Rump, BIT 46, 2006).
func (o operator) norm(enough float64) (bound float64, ok bool) {
	a, t, band, tallest := o.upright()
	n := a.columns
	work := float64(n) * float64(band+1) * float64(band+1)
	if work > affordableWork || n*(band+1) > affordableSpace {
		return 0, false
	}
	square := a.square()
	s := a.estimate(t)
	if enough <= s*(1+1e-3) {
		return 0, false
	}
	if s == 0 {
		return up(math.Sqrt(square)) + o.slack, true
	}
	gram := make([]float64, n*(band+1))
	for _, row := range a.rows {
		for _, e := range row {
			for _, f := range row {
				if j := f.column - e.column; j >= 0 {
					gram[e.column*(band+1)+j] += e.value * f.value
				}
			}
		}
	}
	// Rounding, in norm: every entry of AᵀA is a sum of at most tallest products, and |A|ᵀ|A| has a
	// norm of at most square; the diagonal is subtracted from s²(1+δ); the factorisation errs by
	// γ(n+1) times the trace.
	for _, delta := range []float64{1e-4, 1e-3, 4e-3, 2e-2} {
		top := s * s * (1 + delta)
		if !definite(gram, n, band, top) {
			continue
		}
		e := 1.01 * u * (float64(tallest+4)*square + 4*top + 2*float64(n+10)*float64(n)*top)
		return up(up(math.Sqrt(up(up(top+up(e))+1e-290))) + o.slack), true
	}
	return 0, false
}

// upright returns o or its transpose, whichever has fewer columns, and then the other. The matrix
// aᵀa has entries at most band beside its diagonal, and tallest bounds those of a column of a.
func (o operator) upright() (a, t operator, band, tallest int) {
	a, t = o, o.transpose()
	if len(o.rows) < o.columns {
		a, t = t, a
	}
	for _, row := range a.rows {
		least, most := a.columns, 0
		for _, e := range row {
			least, most = min(least, e.column), max(most, e.column)
		}
		band = max(band, most-least)
	}
	for _, column := range t.rows {
		tallest = max(tallest, len(column))
	}
	return a, t, band, tallest
}

// definite says whether top - gram has a Cholesky factorisation in float64. The matrix gram is n×n,
// and its entry (i, i+j) lies at [i·(band+1) + j].
func definite(gram []float64, n, band int, top float64) bool {
	m := make([]float64, len(gram))
	for i, v := range gram {
		m[i] = -v
	}
	for i := range n {
		m[i*(band+1)] += top
	}
	matrix := blas64.SymmetricBand{Uplo: blas.Upper, N: n, K: band, Data: m, Stride: band + 1}
	_, ok := lapack64.Pbtrf(matrix)
	return ok && !math.IsNaN(m[(n-1)*(band+1)]) // Pbtrf lets NaN pass
}

// estimate is about the norm of o, whose transpose is t. It proves nothing.
func (o operator) estimate(t operator) float64 {
	return math.Sqrt(lanczos(o.columns, func(v []float64) []float64 { return t.times(o.times(v)) }))
}

// lanczos is about the largest eigenvalue of a symmetric n×n matrix that isn't negative, after some
// steps of Lanczos's method, or 0.
func lanczos(n int, product func(v []float64) []float64) float64 {
	const steps = 60
	r := rand.New(rand.NewPCG(1, 2))
	v, before := make([]float64, n), make([]float64, n)
	for i := range v {
		v[i] = r.NormFloat64()
	}
	vector := func(x []float64) blas64.Vector {
		return blas64.Vector{N: len(x), Data: x, Inc: 1}
	}
	blas64.Scal(1/blas64.Nrm2(vector(v)), vector(v))
	var diagonal, beside []float64 // of AᵀA in the basis found
	for range min(steps, n) {
		next := product(v)
		a := blas64.Dot(vector(v), vector(next))
		blas64.Axpy(-a, vector(v), vector(next))
		if n := len(beside); n > 0 {
			blas64.Axpy(-beside[n-1], vector(before), vector(next))
		}
		diagonal = append(diagonal, a)
		b := blas64.Nrm2(vector(next))
		if !(b > 1e-12*a) {
			break
		}
		beside = append(beside, b)
		blas64.Scal(1/b, vector(next))
		v, before = next, v
	}
	k := len(diagonal)
	m := mat.NewSymDense(k, nil)
	for i, a := range diagonal {
		m.SetSym(i, i, a)
		if i+1 < k {
			m.SetSym(i, i+1, beside[i])
		}
	}
	var e mat.EigenSym
	if !e.Factorize(m, false) {
		return 0
	}
	return max(0, slices.Max(e.Values(nil)))
}
