package lip

import (
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// SOC is e^L·x, x [batch, h, w, in], for the convolution L of a skew kernel, [k, k, c, c], which is
// its adjoint's negative. It is orthogonal at either padding (Singla & Feizi 2021). If x has fewer
// than c channels, SOC adds zeros. It keeps the first out channels of e^L·x.
//
// The series is cut after this many terms. For ‖L‖ ≤ t the rest is at most t^terms/terms!. Cost:
// with zero padding, terms-1 convolutions; with circular padding, a FourierConvolution and
// terms/3+1 products of h·w/2 matrices of 2c×2c.
func SOC(x, skew *Node, out int, padding string, terms int) *Node {
	d, c := slices.Clone(x.Shape().Dimensions), skew.Shape().Dim(-1)
	if padding != Zero {
		re, im := transfer(skew, d[1], d[2])
		re, im = series(re, im, terms)
		part := func(x *Node) *Node {
			return Slice(x, AxisRange(), AxisRange(), AxisRange(0, d[3]), AxisRange(0, out))
		}
		return filter(x, part(re), part(im))
	}
	if in := d[3]; in < c {
		d[3] = c - in
		x = Concatenate([]*Node{x, Zeros(x.Graph(), f32(d...))}, -1)
	}
	sum, power := x, x
	for n := 1; n < terms; n++ {
		power = DivScalar(Conv(power, skew, padding, 1), float64(n))
		sum = Add(sum, power)
	}
	return SliceAxis(sum, -1, AxisRange(0, out))
}

// series is Σ mⁿ/n!, n < terms, of complex matrices m = re + i·im, [..., c, c]. It goes by the
// cubes of m, in the order of Paterson & Stockmeyer 1973.
func series(re, im *Node, terms int) (*Node, *Node) {
	// R + iS as the real [[R, S], [-S, R]].
	above, below := Concatenate([]*Node{re, im}, -1), Concatenate([]*Node{Neg(im), re}, -1)
	m := Concatenate([]*Node{above, below}, -2)
	c := re.Shape().Dim(-1)
	powers := []*Node{identities(m), m, MatMul(m, m)}
	cube := MatMul(m, powers[2])
	var sum *Node
	for first := (terms - 1) / 3 * 3; first >= 0; first -= 3 {
		if sum != nil {
			sum = MatMul(sum, cube)
		}
		for i := 0; i < 3 && first+i < terms; i++ {
			term := MulScalar(powers[i], 1/math.Gamma(float64(first+i+1)))
			if sum == nil {
				sum = term
			} else {
				sum = Add(sum, term)
			}
		}
	}
	top := SliceAxis(sum, -2, AxisRange(0, c))
	return SliceAxis(top, -1, AxisRange(0, c)), SliceAxis(top, -1, AxisRange(c))
}

// The series is cut so that a trained convolution is orthogonal to socNorm^SOCTerms/SOCTerms! =
// 2e-5.
const (
	SOCTerms = 10  // terms of a convolution's series
	socNorm  = 1.5 // norm of the skew convolution, as power iteration estimates it
)

// socConvolution is orthogonal at either padding. It isn't linear in its kernel.
var socConvolution = convolutionKind{
	kernel: socKernel, folds: true, apply: applySOC, bound: boundSOC, rounding: socRounding,
}

// socKernel is skew, with max(in, channels) channels on either side.
func socKernel(scope *model.Scope, g *Graph, c Convolution, in Size) *Node {
	k, n := c.Kernel, max(in[2], c.Channels)
	w := variable(scope, g, "kernel", 1/math.Sqrt(float64(k*k*n)), k, k, n, n)
	w = Sub(w, adjoint(w))
	conv := func(x *Node) *Node { return Conv(x, w, c.Padding, 1) }
	t := estimated(scope, g, conv, 1, in[0], in[1], n)
	return MulScalar(Mul(w, reciprocalRoot(AddScalar(Square(t), socNorm*socNorm))), socNorm)
}

// socGeometry is that of the skew kernel.
func socGeometry(c Convolution, in Size) Geometry {
	n := max(in[2], c.Channels)
	return centred(c.Kernel, Size{in[0], in[1], n}, n, c.Padding)
}

func applySOC(c Convolution, x, skew *Node) *Node {
	return SOC(x, skew, c.Channels, c.Padding, SOCTerms)
}

// boundSOC bounds the cut series by 1 + t^n/n! for a skew L: its eigenvalues are imaginary, |e^it|
// = 1, and Taylor's remainder is at most t^n/n!. For any other L the bound is e^t.
func boundSOC(c Convolution, skew []float32, in Size) Bound {
	k, n := c.Kernel, max(in[2], c.Channels)
	t := ConvolutionNorm(skew, socGeometry(c, in)).Value()
	for i, v := range skew {
		tap, from, to := i/(n*n), i/n%n, i%n
		if v != -skew[((k*k-1-tap)*n+to)*n+from] {
			return Bound{up(up(math.Exp(t)) * (1 + 8*u)), "exponential of the norm"}
		}
	}
	rest := 1.0
	for i := range SOCTerms {
		rest = up(rest * up(t/float64(i+1)))
	}
	return Bound{up(1 + rest), "exponential of a skew convolution, Taylor's remainder"}
}

// socRounding follows the series: of matrices at each frequency, or with zero padding of images.
func socRounding(c Convolution, skew []float32, in Size, bound, norm float64) float64 {
	g := socGeometry(c, in)
	t, kappa := ConvolutionNorm(skew, g).Value(), g.absoluteNorm(skew)
	if c.Padding != Zero {
		f := torusFilter{h: in[0], w: in[1], in: in[2], bound: bound}
		f.abs = math.Sqrt(float64(min(in[2], c.Channels))) * bound
		f.off = seriesRounding(2*g.Out, SOCTerms, t, transferRounding(f.h, f.w, kappa))
		return f.rounding(norm)
	}
	// Each power is convolved and divided; then it is added.
	size, e := norm, 0.0 // of the power
	all, off := norm, 0.0
	for i := 1; i < SOCTerms; i++ {
		by := float64(i)
		e = (t*e + sums(c.Kernel*c.Kernel*g.Out+3, g.In.Entries(), kappa, size+e, 0)) / by
		size = t * size / by
		off += e
		all += size
		off += u32 * (all + off)
	}
	return outward(off + graphs(norm, t, math.Exp(t)))
}

// seriesRounding bounds the error of series, for n×n matrices of norm at most t that are off by at
// most off.
func seriesRounding(n, terms int, t, off float64) float64 {
	type term struct{ norm, off float64 }
	root := math.Sqrt(float64(n))
	// A computed product errs by γ times the Frobenius norms of both factors, each at most √n times
	// the norm.
	times := func(a, b term) term {
		a2, b2 := a.norm+a.off, b.norm+b.off
		product, underflow := gamma(n+1)*root*root*a2*b2, float64(n*n+1)*tiny*(1+a2)*(1+b2)
		return term{a.norm * b.norm, a.norm*b.off + a.off*b2 + product + underflow}
	}
	plus := func(a, b term) term {
		return term{a.norm + b.norm, a.off + b.off + u32*root*(a.norm+a.off+b.norm+b.off)}
	}
	m := term{t, off}
	powers := []term{{1, 0}, m, times(m, m)}
	cube := times(m, powers[2])
	var sum term
	for first := (terms - 1) / 3 * 3; first >= 0; first -= 3 {
		sum = times(sum, cube)
		for i := 0; i < 3 && first+i < terms; i++ {
			p, by := powers[i], math.Gamma(float64(first+i+1))
			sum = plus(sum, term{p.norm / by, (p.off + gamma(2)*root*(p.norm+p.off)) / by})
		}
	}
	return outward(sum.off + graphs(math.Exp(t)))
}
