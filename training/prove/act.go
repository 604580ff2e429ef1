package prove

import (
	"math"
	"slices"
)

// An activation is a map that isn't linear, of one vector.
type activation struct {
	name string
	// stretch bounds the Lipschitz constant.
	stretch float64
	// An elementwise map has slopes between low and high.
	elementwise bool
	low, high   float64
	eval        func(x []float64) []float64
	squares     bool // x ↦ x², which has no Lipschitz constant
}

// slopes is an elementwise map with slopes between low and high.
func slopes(name string, low, high float64, f func(float64) float64) *activation {
	return &activation{name: name, stretch: max(-low, high), elementwise: true, low: low,
		high: high, eval: func(x []float64) []float64 {
			y := make([]float64, len(x))
			for i, v := range x {
				y[i] = f(v)
			}
			return y
		}}
}

// sorts each group of entries, the largest first. It permutes entries, in each region of the input
// differently, and is continuous. So it is 1-Lipschitz.
func sorts(groups [][]int32) *activation {
	return &activation{name: "sort", stretch: 1, eval: func(x []float64) []float64 {
		y := make([]float64, len(x))
		var group []float64
		for _, g := range groups {
			group = group[:0]
			for _, i := range g {
				group = append(group, x[i])
			}
			slices.Sort(group)
			for k, i := range g {
				y[i] = group[len(g)-1-k]
			}
		}
		return y
	}}
}

// largestOf is the largest entry of each window. A change of its result is at most the change of
// one entry of the window, so the squares of all changes are at most those of the input, each as
// often as it lies in a window.
func largestOf(windows [][]int32, n int) *activation {
	return &activation{name: "largest of windows", stretch: overlapRoot(windows, n),
		eval: func(x []float64) []float64 {
			y := make([]float64, len(windows))
			for w, window := range windows {
				y[w] = math.Inf(-1)
				for _, i := range window {
					y[w] = max(y[w], x[i])
				}
			}
			return y
		}}
}

// overlapRoot is the root of how many windows an entry lies in, of n entries.
func overlapRoot(windows [][]int32, n int) float64 {
	count, most := make([]int, n), 0
	for _, w := range windows {
		for _, i := range w {
			count[i]++
			most = max(most, count[i])
		}
	}
	if f := float64(most); exactRoot(f) {
		return math.Sqrt(f)
	}
	return root(float64(most))
}

// norms are √(Σ a·x² + c) with a and c at least 0. Each is a norm of the vector of √a·x and √c, so
// a change of it is at most the root of Σ a times the square of x's change.
func norms(squares linear, offset []float64) *activation {
	_, n := squares.size()
	column := make([]float64, n)
	squares.each(func(_, c int, v float64) { column[c] += v })
	rows, _ := squares.size()
	most := largest(column)*(1+2*float64(rows+4)*u) + squares.slack()*math.Sqrt(float64(rows))
	stretch := 1.0
	if most != 1 {
		stretch = root(up(most))
	}
	return &activation{name: "l2 norm", stretch: stretch, eval: func(x []float64) []float64 {
		square := make([]float64, n)
		for i, v := range x {
			square[i] = v * v
		}
		y := apply(squares, square)
		for i := range y {
			if offset != nil {
				y[i] += offset[i]
			}
			y[i] = math.Sqrt(max(0, y[i]))
		}
		return y
	}}
}
