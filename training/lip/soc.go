package lip

import (
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// SOC is e^L·x, x [batch, h, w, in], for the convolution L of a skew kernel, [k, k, c, c], its adjoint's negative: orthogonal
// at either padding (Singla & Feizi 2021). Channels are zeros where x has fewer than c, and dropped where there are more than out. The series
// is cut after so many terms, which for ‖L‖ ≤ t leaves an error of at most t^terms/terms!. Cost: with zero padding,
// terms-1 convolutions; with circular padding, as FourierConvolution, and terms/3+1 products of h·w/2 matrices of 2c×2c.
func SOC(x, skew *Node, out int, padding string, terms int) *Node {
	d, c := slices.Clone(x.Shape().Dimensions), skew.Shape().Dim(-1)
	if padding != Zero {
		re, im := transfer(skew, d[1], d[2])
		re, im = series(re, im, terms)
		part := func(x *Node) *Node { return Slice(x, AxisRange(), AxisRange(), AxisRange(0, d[3]), AxisRange(0, out)) }
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

// series is Σ mⁿ/n!, n < terms, of complex matrices m = re + i·im, [..., c, c], in the order of Paterson & Stockmeyer
// 1973: by their cubes.
func series(re, im *Node, terms int) (*Node, *Node) {
	// R + iS as the real [[R, S], [-S, R]].
	m := Concatenate([]*Node{Concatenate([]*Node{re, im}, -1), Concatenate([]*Node{Neg(im), re}, -1)}, -2)
	c := re.Shape().Dim(-1)
	id := BroadcastToShape(ExpandLeftToRank(identity(m, 2*c), m.Rank()), m.Shape())
	powers := []*Node{id, m, MatMul(m, m)}
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

// SOCTerms of the series that a convolution is, and socNorm: the last layer of a trained network is orthogonal to 1.5¹⁰/10! = 2e-5.
const (
	SOCTerms = 10
	socNorm  = 1.5
)

// socKernel is skew, with a norm below socNorm but for the error of power iteration. It has max(in, channels) channels on
// either side.
func socKernel(scope *model.Scope, g *Graph, c Convolution, in Size) *Node {
	k, n := c.Kernel, max(in[2], c.Channels)
	w := variable(scope, g, "kernel", 1/math.Sqrt(float64(k*k*n)), k, k, n, n)
	w = Sub(w, adjoint(w))
	t := estimated(scope, g, func(x *Node) *Node { return Conv(x, w, c.Padding, 1) }, 1, in[0], in[1], n)
	return MulScalar(Mul(w, reciprocalRoot(AddScalar(Square(t), socNorm*socNorm))), socNorm)
}

func applySOC(c Convolution, x, skew *Node) *Node {
	return SOC(x, skew, c.Channels, c.Padding, SOCTerms)
}

// boundSOC: |e^it| = 1 and Taylor's remainder is at most t^n/n!, which for a skew L, whose eigenvalues are
// imaginary, bounds the norm of the cut series by 1 + t^n/n!; for any other L, it is at most e^t.
func boundSOC(c Convolution, skew []float32, in Size) Bound {
	k, n := c.Kernel, max(in[2], c.Channels)
	t := ConvolutionNorm(skew, Geometry{Kernel: Size{k, k}, In: Size{in[0], in[1], n}, Out: n, Stride: 1, Zero: c.Padding == Zero}).Value()
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
