package lip

import "math"

// An operator is a linear map as a sparse matrix.
type operator struct {
	rows    [][]entry // of the output; a column at most once in each
	columns int
	slack   float64 // bounds the norm of the rounding errors
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

// gap is an upper bound on the largest distance of two rows.
func (o operator) gap() float64 {
	most := 0.0
	o.gaps(func(_, _ int, distance float64) { most = max(most, distance) })
	return most
}

// gaps calls each with an upper bound on the distance of every two rows, b < a.
func (o operator) gaps(each func(a, b int, distance float64)) {
	x := make([]float64, o.columns)
	for a, row := range o.rows {
		clear(x)
		for _, e := range row {
			x[e.column] = e.value
		}
		for b, other := range o.rows[:a] {
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
			distance := up(math.Sqrt(up(s * (1 + 2*float64(o.columns+4)*u))))
			if o.slack != 0 {
				distance = up(distance + up(up(math.Sqrt2)*o.slack))
			}
			each(a, b, distance)
		}
	}
}

// after composes o with the operator before it. It isn't ok where that is more than affordable.
func (o operator) after(before operator) (composed operator, ok bool) {
	work, longest := 0.0, 0
	for _, row := range o.rows {
		longest = max(longest, len(row))
		for _, e := range row {
			work += float64(len(before.rows[e.column]))
		}
	}
	entries := min(work, float64(len(o.rows))*float64(before.columns))
	if work > affordableWork/3 || entries > affordableEntries {
		return operator{}, false
	}
	a, b := math.Sqrt(before.square()), math.Sqrt(o.square())
	composed = operator{
		rows: make([][]entry, len(o.rows)), columns: before.columns,
		// A sum of at most longest products; then the slack of either factor.
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
