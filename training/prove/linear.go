package prove

import (
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/training/lip"
)

// A linear is a linear map between vectors, in a form that is small.
type linear interface {
	size() (rows, columns int)
	count() float64 // of entries
	// each calls add with every entry. Entries of one place are summed.
	each(add func(row, column int, v float64))
	slack() float64 // bounds the norm of the errors of the entries
	adjoint() linear
	norm(w *work) float64 // is a proved upper bound on the largest singular value
}

// A pick takes each entry of its result from one entry of its input, times a number. Where it is
// transposed, it is the adjoint of that.
type pick struct {
	columns    int
	from       []int32   // of each row: a column, or -1 for 0
	scale      []float64 // of each row; nil is 1
	off        inaccuracy
	transposed bool
}

// same is the identity.
func same(n int) pick {
	p := pick{columns: n, from: make([]int32, n)}
	for i := range p.from {
		p.from[i] = int32(i)
	}
	return p
}

// isSame says whether p is the identity.
func (p pick) isSame() bool { return p.ordered() && p.scale == nil }

// ordered says whether p multiplies each entry of its input by a number.
func (p pick) ordered() bool {
	if len(p.from) != p.columns {
		return false
	}
	for i, c := range p.from {
		if int(c) != i {
			return false
		}
	}
	return true
}

// tidy undoes a transposition where that is again a pick.
func (p pick) tidy() pick {
	if !p.transposed {
		return p
	}
	t := pick{columns: len(p.from), from: slices.Repeat([]int32{-1}, p.columns), off: p.off}
	if p.scale != nil {
		t.scale = make([]float64, p.columns)
	}
	for i, c := range p.from {
		switch {
		case c < 0:
			continue
		case t.from[c] >= 0:
			return p
		}
		t.from[c] = int32(i)
		if p.scale != nil {
			t.scale[c] = p.scale[i]
		}
	}
	return t
}

func (p pick) factor(i int) float64 {
	if p.scale == nil {
		return 1
	}
	return p.scale[i]
}

func (p pick) size() (rows, columns int) {
	if p.transposed {
		return p.columns, len(p.from)
	}
	return len(p.from), p.columns
}

func (p pick) count() float64 { return float64(len(p.from)) }

func (p pick) each(add func(row, column int, v float64)) {
	for i, c := range p.from {
		switch {
		case c < 0:
		case p.transposed:
			add(int(c), i, p.factor(i))
		default:
			add(i, int(c), p.factor(i))
		}
	}
}

// most is the largest number of rows of one column, and the largest sum of their squares.
func (p pick) most() (rows int, squares float64) {
	n, s := make([]int, p.columns), make([]float64, p.columns)
	for i, c := range p.from {
		if c >= 0 {
			n[c]++
			f := p.factor(i)
			s[c] += f * f
		}
	}
	for c := range n {
		rows, squares = max(rows, n[c]), max(squares, s[c])
	}
	return rows, squares
}

func (p pick) slack() float64 {
	if p.off == (inaccuracy{}) {
		return 0
	}
	rows, squares := p.most()
	return plus(times(p.off.rel, 1.01, root(squares)), times(p.off.abs, root(float64(rows))))
}

func (p pick) adjoint() linear {
	p.transposed = !p.transposed
	return p.tidy()
}

// norm: columns of a pick are orthogonal.
func (p pick) norm(*work) float64 {
	rows, squares := p.most()
	if p.scale == nil && rows <= 1 {
		return float64(rows)
	}
	if rows > 1 || !exactRoot(squares) {
		squares = root(squares * (1 + 2*float64(rows+4)*u))
	} else {
		squares = math.Sqrt(squares)
	}
	return plus(squares, p.slack())
}

// exactRoot says whether x is the square of a small number, computed exactly.
func exactRoot(x float64) bool {
	r := math.Sqrt(x)
	return r == math.Trunc(r*1024)/1024 && r < 1024 && r*r == x
}

// A conv is a convolution of images [in, side…], its bias aside, or the adjoint of one. A product
// with a matrix is one of images of a single place.
type conv struct {
	groups, in, out  int // channels of all groups
	side, outSide    [2]int
	kernel           [2]int
	stride, dilation [2]int
	before           [2]int    // padding
	circular         bool      // beyond the image is its other side, not zeros
	weights          []float64 // [out, in/groups, kernel…]
	off              inaccuracy
	transposed       bool
}

// dense is a product with the matrix [out, in].
func dense(out, in int, weights []float64, off inaccuracy) conv {
	one := [2]int{1, 1}
	return conv{groups: 1, in: in, out: out, side: one, outSide: one, kernel: one, stride: one,
		dilation: one, weights: weights, off: off}
}

func (c conv) isDense() bool {
	one := [2]int{1, 1}
	return c.side == one && c.outSide == one && c.kernel == one && c.before == [2]int{} &&
		c.groups == 1 && !c.transposed
}

func (c conv) places() int    { return c.side[0] * c.side[1] }
func (c conv) outPlaces() int { return c.outSide[0] * c.outSide[1] }
func (c conv) taps() int      { return c.kernel[0] * c.kernel[1] }

func (c conv) size() (rows, columns int) {
	rows, columns = c.out*c.outPlaces(), c.in*c.places()
	if c.transposed {
		return columns, rows
	}
	return rows, columns
}

func (c conv) count() float64 {
	return float64(c.outPlaces()) * float64(len(c.weights))
}

// at is the input's place on an axis that a tap of an output reads, or -1.
func (c conv) at(axis, out, tap int) int {
	p := out*c.stride[axis] + tap*c.dilation[axis] - c.before[axis]
	n := c.side[axis]
	if c.circular {
		return ((p % n) + n) % n
	}
	if p < 0 || p >= n {
		return -1
	}
	return p
}

func (c conv) each(add func(row, column int, v float64)) {
	inner, outer := c.in/c.groups, c.out/c.groups
	for o := range c.out {
		first := o / outer * inner
		for oy := range c.outSide[0] {
			for ox := range c.outSide[1] {
				row := (o*c.outSide[0]+oy)*c.outSide[1] + ox
				w := c.weights[o*inner*c.taps():]
				for i := range inner {
					for ky := range c.kernel[0] {
						y := c.at(0, oy, ky)
						if y < 0 {
							continue
						}
						for kx := range c.kernel[1] {
							x := c.at(1, ox, kx)
							if x < 0 {
								continue
							}
							column := ((first+i)*c.side[0]+y)*c.side[1] + x
							v := w[(i*c.kernel[0]+ky)*c.kernel[1]+kx]
							if c.transposed {
								add(column, row, v)
							} else {
								add(row, column, v)
							}
						}
					}
				}
			}
		}
	}
}

// adjoint is a convolution again at stride 1, and otherwise a transposed one.
func (c conv) adjoint() linear {
	if c.stride != [2]int{1, 1} || c.transposed {
		c.transposed = !c.transposed
		return c
	}
	inner, outer, taps := c.in/c.groups, c.out/c.groups, c.taps()
	t := c
	t.in, t.out, t.side, t.outSide = c.out, c.in, c.outSide, c.side
	for a := range t.before {
		t.before[a] = (c.kernel[a]-1)*c.dilation[a] - c.before[a]
	}
	if c.circular && c.side != c.outSide {
		c.transposed = true
		return c
	}
	t.weights = make([]float64, len(c.weights))
	for o := range c.out {
		for i := range inner {
			channel := o/outer*inner + i
			for k := range taps {
				t.weights[(channel*outer+o%outer)*taps+taps-1-k] = c.weights[(o*inner+i)*taps+k]
			}
		}
	}
	return t
}

// sums are the largest sums of sizes in a row and in a column, and the most entries of either.
func (c conv) sums() (row, column float64, wide, tall int) {
	inner, outer, taps := c.in/c.groups, c.out/c.groups, c.taps()
	for o := range c.out {
		s := 0.0
		for _, v := range c.weights[o*inner*taps:][:inner*taps] {
			s += math.Abs(v)
		}
		row = max(row, s)
	}
	// Of the taps of one axis, an entry of the input meets those of one remainder of the stride.
	class, classes := make([]int, taps), map[[2]int]int{}
	for k := range taps {
		y, x := k/c.kernel[1]*c.dilation[0], k%c.kernel[1]*c.dilation[1]
		rest := [2]int{y % c.stride[0], x % c.stride[1]}
		if _, ok := classes[rest]; !ok && !c.circular {
			classes[rest] = len(classes)
		}
		class[k] = classes[rest]
	}
	s := make([]float64, taps)
	for g := range c.groups {
		for i := range inner {
			clear(s)
			for k := range taps {
				for o := range outer {
					s[class[k]] += math.Abs(c.weights[((g*outer+o)*inner+i)*taps+k])
				}
			}
			column = max(column, slices.Max(s))
		}
	}
	n := 1 + 2*float64(len(c.weights)+8)*u
	return row * n, column * n, inner * taps, outer * taps
}

func (c conv) slack() float64 {
	if c.off == (inaccuracy{}) {
		return 0
	}
	row, column, wide, tall := c.sums()
	return plus(times(c.off.rel, root(times(row, column))),
		times(c.off.abs, root(float64(wide)*float64(tall))))
}

// sparse is a map as a matrix of entries. It isn't ok where that would be too large.
func sparse(l linear) (s lip.Sparse, ok bool) {
	if l.count() > affordableEntries {
		return s, false
	}
	rows, columns := l.size()
	return lip.NewSparse(rows, columns, l.slack(), l.each), true
}

// affordableEntries bounds the entries of a matrix.
const affordableEntries = 8e6

// apply returns l·x.
func apply(l linear, x []float64) []float64 {
	rows, _ := l.size()
	y := make([]float64, rows)
	l.each(func(row, column int, v float64) { y[row] += v * x[column] })
	return y
}
