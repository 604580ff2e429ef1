package prove

import (
	"math"

	"github.com/lipsmooth/lipsmooth/training/lip"
)

// work counts what a proof may still spend, in floating-point operations. The count depends on the
// file alone, so a proof is the same on every machine.
type work struct{ left float64 }

// spend says whether so many operations are left, and takes them.
func (w *work) spend(operations float64) bool {
	if operations > w.left {
		return false
	}
	w.left -= operations
	return true
}

// near is how near to the largest norm of a row a bound is good enough.
const near = 1 + 5e-4

// norm takes the least of some bounds, the cheap ones first.
func (c conv) norm(w *work) float64 {
	row, column, _, _ := c.sums()
	bound, least := root(times(row, column)), c.longestRow()
	alone := c.overlap() == 1
	if bound > least*near && alone {
		bound = min(bound, c.flatNorm(w))
	}
	if bound > least*near && (!alone || bound >= c.triangle(1)) {
		bound = min(bound, c.gramNorm(w))
	}
	if bound > least*near && !alone {
		bound = min(bound, c.patternNorm(w))
	}
	return plus(bound, c.slack())
}

// patternNorm is that at the frequencies of a torus, or where that takes too much, of the kernel as
// a matrix; and it is that of the padded convolution where that is smaller.
func (c conv) patternNorm(w *work) float64 {
	bound := c.frequencyNorm(w)
	if math.IsInf(bound, 1) {
		bound = c.flatNorm(w)
	}
	if c.circular || c.count() > affordableEntries/4 {
		return bound
	}
	if s, ok := sparse(c.exact()); ok {
		bound = min(bound, sparseNorm(s, bound, w))
	}
	return bound
}

// exact is c with its weights as they are.
func (c conv) exact() conv {
	c.off = inaccuracy{}
	return c
}

// longestRow is the largest norm of a row, about: an estimate from below of the norm.
func (c conv) longestRow() float64 {
	n, most := len(c.weights)/c.out, 0.0
	for o := range c.out {
		s := 0.0
		for _, v := range c.weights[o*n:][:n] {
			s += v * v
		}
		most = max(most, s)
	}
	return math.Sqrt(most)
}

// group is the kernel of one group, [out, in, kernel…].
func (c conv) group(g int) []float64 {
	n := len(c.weights) / c.groups
	return c.weights[g*n:][:n]
}

// gramNorm bounds the norm by the matrix A·Aᵀ of the convolution on the whole plane, or by that of
// its adjoint. The norm of a symmetric matrix is at most the largest sum of sizes in a row, where
// rows may be divided and columns multiplied by any positive numbers q. An image with zeros around
// it, and a torus, see a part of the plane or a sum of such parts. It is exact where rows or
// columns are orthogonal, and at most 1 for AOL (Prach & Lampert 2022).
func (c conv) gramNorm(w *work) float64 {
	bound := c.rowGramNorm(w)
	if t, ok := c.adjoint().(conv); ok && !t.transposed && !c.transposed {
		bound = min(bound, t.rowGramNorm(w))
	}
	return bound
}

func (c conv) rowGramNorm(w *work) float64 {
	outer := c.out / c.groups
	pairs := c.tapPairs()
	if !w.spend(2 * float64(len(c.weights)) * float64(outer) * float64(pairs) / float64(c.taps())) {
		return math.Inf(1)
	}
	bound := 0.0
	for g := range c.groups {
		bound = max(bound, root(perron(c.rowGram(c.group(g)), outer)))
	}
	return bound
}

// tapPairs counts the pairs of taps that two outputs can have in common.
func (c conv) tapPairs() int {
	n := 1
	for a, k := range c.kernel {
		count := 0
		for i := range k {
			for j := range k {
				if (i-j)*c.dilation[a]%c.stride[a] == 0 {
					count++
				}
			}
		}
		n *= count
	}
	return n
}

// rowGram bounds, for every two channels of a group, the sum of sizes of the products of a row of
// one with all rows of the other: [out, out].
func (c conv) rowGram(weights []float64) []float64 {
	outer, inner, taps := c.out/c.groups, c.in/c.groups, c.taps()
	kh, kw := c.kernel[0], c.kernel[1]
	sum := make([]float64, outer*outer)
	longest := c.longestRow()
	shifts := 0
	// Output p reads by tap t what output q reads by tap t', where p-q = shift is (t'-t)·dilation
	// over stride.
	for dy := 1 - kh; dy < kh; dy++ {
		if dy*c.dilation[0]%c.stride[0] != 0 {
			continue
		}
		for dx := 1 - kw; dx < kw; dx++ {
			if dx*c.dilation[1]%c.stride[1] != 0 {
				continue
			}
			shifts++
			for a := range outer {
				for b := range outer {
					s := 0.0
					for i := range inner {
						p, q := weights[(a*inner+i)*taps:][:taps], weights[(b*inner+i)*taps:][:taps]
						for y := max(0, -dy); y < min(kh, kh-dy); y++ {
							for x := max(0, -dx); x < min(kw, kw-dx); x++ {
								s += p[y*kw+x] * q[(y+dy)*kw+x+dx]
							}
						}
					}
					sum[a*outer+b] += math.Abs(s)
				}
			}
		}
	}
	// A product of two rows errs by n·u times their norms.
	n := float64(inner*taps + 4)
	e := float64(shifts) * n * u * longest * longest * 1.02
	for i := range sum {
		sum[i] = sum[i]*(1+2*float64(shifts+2)*u) + e + 1e-290
	}
	return sum
}

// perron bounds the spectral radius of a positive n×n matrix by the largest ratio of (m·q) to q.
func perron(m []float64, n int) float64 {
	q, next := make([]float64, n), make([]float64, n)
	for i := range q {
		q[i] = 1
	}
	best := math.Inf(1)
	for range 30 {
		most, scale := 0.0, 0.0
		for i := range n {
			s := 0.0
			for j, v := range m[i*n:][:n] {
				s += v * q[j]
			}
			next[i] = s
			most, scale = max(most, s/q[i]), max(scale, s)
		}
		best = min(best, most*(1+2*float64(n+4)*u))
		for i := range q {
			q[i] = max(next[i]/scale, 1e-6)
		}
	}
	return best
}

// flatNorm is that of the kernel as a matrix [out, in·kernel…], times the root of how many patches
// an entry of the image may lie in.
func (c conv) flatNorm(w *work) float64 {
	outer, columns, overlap := c.out/c.groups, len(c.weights)/c.out, c.overlap()
	small, large := float64(min(outer, columns)), float64(max(outer, columns))
	norm := func(weights []float64) float64 {
		return lip.SpectralNormOf(weights, outer, columns).Value()
	}
	cost := 2*small*small*large + 30*small*small*small
	if small > 200 { // products of large matrices are fast
		cost = (small*small*large + small*small*small/3) / 2
		norm = func(weights []float64) float64 {
			if bound, ok := lip.DenseNorm(weights, outer, columns); ok {
				return bound
			}
			return math.Inf(1)
		}
	}
	bound := c.triangle(1)
	if w.spend(float64(c.groups) * cost) {
		most := 0.0
		for g := range c.groups {
			most = max(most, norm(c.group(g)))
		}
		bound = min(bound, most)
	}
	return times(bound, root(overlap))
}

// overlap bounds how many patches an entry of the image lies in.
func (c conv) overlap() float64 {
	overlap := 1.0
	for a, k := range c.kernel {
		step := c.stride[a] / gcd(c.stride[a], c.dilation[a])
		if c.circular {
			overlap *= float64(k)
		} else {
			overlap *= float64(min((k+step-1)/step, c.outSide[a]))
		}
	}
	return overlap
}

// triangle is flatNorm by the Frobenius norm.
func (c conv) triangle(overlap float64) float64 {
	s := 0.0
	for _, v := range c.weights {
		s += v * v
	}
	return times(root(s*(1+2*float64(len(c.weights)+4)*u)), root(overlap))
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// torus is a torus on which a circular convolution at this stride has c as a part. It isn't ok
// where there is none.
func (c conv) torus() (side [2]int, stride int, ok bool) {
	stride = gcd(c.stride[0], c.stride[1])
	oneRow := c.side[0] == 1 && c.outSide[0] == 1 && c.kernel[0] == 1 && c.before[0] == 0
	if oneRow {
		stride = c.stride[1]
	}
	for a, n := range c.side {
		if a == 0 && oneRow {
			side[a] = stride
			continue
		}
		if c.circular {
			if n%stride != 0 || c.outSide[a]*c.stride[a] > n {
				return side, stride, false
			}
			side[a] = n
			continue
		}
		last := (c.outSide[a]-1)*c.stride[a] + (c.kernel[a]-1)*c.dilation[a] - c.before[a]
		after := last - (n - 1)
		n = max(n, n+c.before[a], n+after, c.stride[a]*c.outSide[a])
		side[a] = (n + stride - 1) / stride * stride
	}
	return side, stride, true
}

// frequencyNorm is that of a circular convolution on a torus of which this one is a part.
func (c conv) frequencyNorm(w *work) float64 {
	side, stride, ok := c.torus()
	if !ok {
		return math.Inf(1) // never: circular convolutions have one
	}
	inner, outer, s := c.in/c.groups, c.out/c.groups, stride*stride
	a, b := float64(2*inner*s), float64(2*outer)
	small, large := min(a, b), max(a, b)
	frequencies := float64(side[0]/stride/2+1) * float64(side[1]/stride)
	each := small*small*large + 8*small*small*small + 40*float64(inner*outer*c.taps())
	if !w.spend(float64(c.groups) * frequencies * each) {
		return math.Inf(1)
	}
	kh, kw := (c.kernel[0]-1)*c.dilation[0]+1, (c.kernel[1]-1)*c.dilation[1]+1
	if float64(kh)*float64(kw)*float64(inner*outer) > affordableEntries*8 {
		return math.Inf(1)
	}
	bound := 0.0
	for g := range c.groups {
		weights := make([]float64, kh*kw*inner*outer)
		for i, v := range c.group(g) {
			o, in, k := i/(inner*c.taps()), i/c.taps()%inner, i%c.taps()
			y, x := k/c.kernel[1]*c.dilation[0], k%c.kernel[1]*c.dilation[1]
			weights[((y*kw+x)*inner+in)*outer+o] = v
		}
		bound = max(bound, lip.ConvolutionNorm64(weights, lip.Geometry{Kernel: lip.Size{kh, kw},
			In: lip.Size{side[0], side[1], inner}, Out: outer, Stride: stride}).Value())
	}
	return bound
}

// sparseNorm is s.Norm where that is affordable, +Inf where it isn't.
func sparseNorm(s lip.Sparse, enough float64, w *work) float64 {
	if !w.spend(s.Cost()) {
		return math.Inf(1)
	}
	if bound, ok := s.Norm(enough); ok {
		return bound
	}
	return math.Inf(1)
}
