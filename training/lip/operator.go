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

// An operator is a linear map as a sparse matrix.
type operator struct {
	rows    [][]entry // of the output; a column at most once in each
	columns int
	slack   float64 // bounds the norm of what is missing through rounding
}

type entry struct {
	column int
	value  float64
}

// transpose returns the adjoint.
func (o operator) transpose() operator {
	t := operator{rows: make([][]entry, o.columns), columns: len(o.rows), slack: o.slack}
	for i, row := range o.rows {
		for _, e := range row {
			t.rows[e.column] = append(t.rows[e.column], entry{i, e.value})
		}
	}
	return t
}

// times is o·x.
func (o operator) times(x []float64) []float64 {
	y := make([]float64, len(o.rows))
	for i, row := range o.rows {
		for _, e := range row {
			y[i] += e.value * x[e.column]
		}
	}
	return y
}

// square returns an upper bound on the sum of squares of all entries.
func (o operator) square() float64 {
	s, n := 0.0, 0
	for _, row := range o.rows {
		n += len(row)
		for _, e := range row {
			s += e.value * e.value
		}
	}
	return s*(1+2*float64(n+4)*u) + 1e-290
}

// What is affordable: seconds of work, 200 MB for a band matrix and for a sparse one.
const (
	affordableWork    = 1e10
	affordableSpace   = 25e6
	affordableEntries = 8e6
)

// norm proves an upper bound on the largest singular value, close to an estimate s of it:
// where the Cholesky factorisation of s²(1+δ) - AᵀA, a band matrix in float64, runs to its end, that matrix is
// positive definite but for an error known beforehand (Rump, BIT 46, 2006). It is not ok
// where the matrix is too large, the estimate too low, or another bound, enough, hardly above it.
func (o operator) norm(enough float64) (bound float64, ok bool) {
	a, t := o, o.transpose()
	if len(o.rows) < o.columns {
		a, t = t, a
	}
	n, band, tallest := a.columns, 0, 0
	for _, row := range a.rows {
		least, most := n, 0
		for _, e := range row {
			least, most = min(least, e.column), max(most, e.column)
		}
		band = max(band, most-least)
	}
	for _, column := range t.rows {
		tallest = max(tallest, len(column))
	}
	if float64(n)*float64(band+1)*float64(band+1) > affordableWork || n*(band+1) > affordableSpace {
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
	// Rounding, in norm: every entry of AᵀA is a sum of at most tallest products, and |A|ᵀ|A| has a norm of at most
	// square; the diagonal is subtracted from s²(1+δ); the factorisation errs by γ(n+1) times the trace.
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

// definite says whether top - gram has a Cholesky factorisation in float64; entry (i, i+j) of gram, n×n, lies at [i·(band+1) + j].
func definite(gram []float64, n, band int, top float64) bool {
	m := make([]float64, len(gram))
	for i, v := range gram {
		m[i] = -v
	}
	for i := range n {
		m[i*(band+1)] += top
	}
	_, ok := lapack64.Pbtrf(blas64.SymmetricBand{Uplo: blas.Upper, N: n, K: band, Data: m, Stride: band + 1})
	return ok && !math.IsNaN(m[(n-1)*(band+1)]) // Pbtrf lets NaN pass
}

// estimate is what so many steps of Lanczos's method find of the norm of o, whose transpose is t: no proof.
func (o operator) estimate(t operator) float64 {
	const steps = 60
	r := rand.New(rand.NewPCG(1, 2))
	v, before := make([]float64, o.columns), make([]float64, o.columns)
	for i := range v {
		v[i] = r.NormFloat64()
	}
	vector := func(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Data: x, Inc: 1} }
	blas64.Scal(1/blas64.Nrm2(vector(v)), vector(v))
	var diagonal, beside []float64 // of AᵀA in the basis found
	for range min(steps, o.columns) {
		next := t.times(o.times(v))
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
	n := len(diagonal)
	m := mat.NewSymDense(n, nil)
	for i, a := range diagonal {
		m.SetSym(i, i, a)
		if i+1 < n {
			m.SetSym(i, i+1, beside[i])
		}
	}
	var e mat.EigenSym
	if !e.Factorize(m, false) {
		return 0
	}
	return math.Sqrt(max(0, slices.Max(e.Values(nil))))
}

// gap bounds the norm of the difference of two rows.
func (o operator) gap() float64 {
	most := 0.0
	x := make([]float64, o.columns)
	for a, row := range o.rows {
		clear(x)
		for _, e := range row {
			x[e.column] = e.value
		}
		for _, other := range o.rows[:a] {
			s := 0.0
			for _, e := range other {
				x[e.column] -= e.value
			}
			for _, v := range x {
				s += v * v
			}
			for _, e := range other {
				x[e.column] = 0
			}
			for _, e := range row {
				x[e.column] = e.value
			}
			most = max(most, up(math.Sqrt(up(s*(1+2*float64(o.columns+4)*u)))))
		}
	}
	if o.slack == 0 {
		return most
	}
	return up(most + up(up(math.Sqrt2)*o.slack))
}

// after composes o with what comes before it; not ok where that is more than affordable.
func (o operator) after(before operator) (composed operator, ok bool) {
	work, longest := 0.0, 0
	for _, row := range o.rows {
		longest = max(longest, len(row))
		for _, e := range row {
			work += float64(len(before.rows[e.column]))
		}
	}
	if work > affordableWork/3 || min(work, float64(len(o.rows))*float64(before.columns)) > affordableEntries {
		return operator{}, false
	}
	a, b := math.Sqrt(before.square()), math.Sqrt(o.square())
	composed = operator{
		rows: make([][]entry, len(o.rows)), columns: before.columns,
		// A sum of at most longest products; then what either leaves out, and all of it rounded.
		slack: 1.01 * (float64(longest+2)*u*a*b + (a+before.slack)*o.slack + b*before.slack),
	}
	x := make([]float64, before.columns)
	for i, row := range o.rows {
		clear(x)
		for _, e := range row {
			for _, f := range before.rows[e.column] {
				x[f.column] += e.value * f.value
			}
		}
		for column, v := range x {
			if v != 0 {
				composed.rows[i] = append(composed.rows[i], entry{column, v})
			}
		}
	}
	return composed, true
}
