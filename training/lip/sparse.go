package lip

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// A Sparse is a linear map as a sparse matrix of float64, with a bound on the norm of its rounding
// errors. Package prove composes the layers of other tools' files with it.
type Sparse struct{ o operator }

// NewSparse makes a rows×columns matrix of what entries adds, entries of one place summed. The
// argument slack bounds the norm of the errors that the entries already have.
func NewSparse(rows, columns int, slack float64, entries func(add func(row, column int, v float64)),
) Sparse {
	o := operator{rows: make([][]entry, rows), columns: columns, slack: slack}
	entries(func(row, column int, v float64) {
		if v != 0 {
			o.rows[row] = append(o.rows[row], entry{column, v})
		}
	})
	before, most := o.square(), 0
	for i, row := range o.rows {
		sorted := func(a, b entry) int { return cmp.Compare(a.column, b.column) }
		if !slices.IsSortedFunc(row, sorted) {
			slices.SortStableFunc(row, sorted)
		}
		merged, count := row[:0], 0
		for _, e := range row {
			if n := len(merged); n > 0 && merged[n-1].column == e.column {
				merged[n-1].value += e.value
				count++
				most = max(most, count)
				continue
			}
			merged, count = append(merged, e), 0
		}
		o.rows[i] = merged
	}
	if most > 0 { // a sum of n terms errs by n·u times the sum of their sizes
		n := float64(most + 1)
		o.slack = up(o.slack + 1.01*n*math.Sqrt(n)*u*up(math.Sqrt(before)))
	}
	return Sparse{o}
}

// Size returns the numbers of rows and of columns.
func (s Sparse) Size() (rows, columns int) { return len(s.o.rows), s.o.columns }

// Slack bounds the norm of the rounding errors.
func (s Sparse) Slack() float64 { return s.o.slack }

// Entries returns the number of entries that may differ from 0.
func (s Sparse) Entries() int {
	n := 0
	for _, row := range s.o.rows {
		n += len(row)
	}
	return n
}

// Each calls f with every entry that may differ from 0, row by row.
func (s Sparse) Each(f func(row, column int, v float64)) {
	for i, row := range s.o.rows {
		for _, e := range row {
			f(i, e.column, e.value)
		}
	}
}

// Norm proves an upper bound on the largest singular value. It isn't ok where that would take more
// than is affordable, or where the bound would hardly lie below enough.
func (s Sparse) Norm(enough float64) (bound float64, ok bool) {
	if len(s.o.rows) == 0 || s.o.columns == 0 {
		return s.o.slack, true
	}
	if bound, ok = s.o.norm(enough); ok {
		return bound, bound < enough
	}
	return 0, false
}

// Cost is about how many floating-point operations Norm takes, +Inf where that is never affordable.
func (s Sparse) Cost() float64 {
	a, _, band, _ := s.o.upright()
	n, b := float64(a.columns), float64(band+1)
	if n*b*b > affordableWork || n*b > affordableSpace {
		return math.Inf(1)
	}
	return 2*n*b*b + 240*float64(s.Entries())
}

// Schur bounds the largest singular value by the root of the largest sum of sizes in a row times
// the largest such sum in a column (Schur's test).
func (s Sparse) Schur() float64 {
	row, column := 0.0, make([]float64, s.o.columns)
	for _, r := range s.o.rows {
		sum := 0.0
		for _, e := range r {
			sum += math.Abs(e.value)
			column[e.column] += math.Abs(e.value)
		}
		row = max(row, sum)
	}
	most := 0.0
	for _, v := range column {
		most = max(most, v)
	}
	n := float64(max(len(s.o.rows), s.o.columns) + 4)
	return up(up(math.Sqrt(up(row*most))*(1+2*n*u)) + s.o.slack + 1e-290)
}

// After composes s with the map before it. It isn't ok where that is more than affordable.
func (s Sparse) After(before Sparse) (composed Sparse, ok bool) {
	o, ok := s.o.after(before.o)
	return Sparse{o}, ok
}

// Transposed returns the adjoint.
func (s Sparse) Transposed() Sparse { return Sparse{s.o.transpose()} }

// Gaps calls each with an upper bound on the distance of every two rows, b < a.
func (s Sparse) Gaps(each func(a, b int, distance float64)) { s.o.gaps(each) }

// Times returns s·x.
func (s Sparse) Times(x []float64) []float64 { return s.o.times(x) }

// SpectralNormOf proves an upper bound on the norm of the row-major matrix, rows×columns, as
// SpectralNorm does.
func SpectralNormOf(matrix []float64, rows, columns int) Bound {
	return SpectralNorm(mat.NewDense(rows, columns, matrix))
}
