package lip

import (
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// SOC is e^L·x, x [batch, h, w, c], for the convolution L of a skew kernel, [k, k, c, c], its adjoint's negative: orthogonal
// at either padding (Singla & Feizi 2021). The series is cut after so many terms, which for ‖L‖ ≤ t are
// terms-1 convolutions and an error of at most t^terms/terms!.
func SOC(x, skew *Node, padding string, terms int) *Node {
	sum, power := x, x
	for n := 1; n < terms; n++ {
		power = DivScalar(Conv(power, skew, padding, 1), float64(n))
		sum = Add(sum, power)
	}
	return sum
}

// socTerms and socNorm: the last layer of a trained network is orthogonal to 1.5¹⁰/10! = 2e-5.
const (
	socTerms = 10
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

// applySOC adds channels of zeros where there are too few, and drops those that are too many.
func applySOC(c Convolution, x, skew *Node) *Node {
	n, d := skew.Shape().Dimensions[2], slices.Clone(x.Shape().Dimensions)
	if in := d[3]; in < n {
		d[3] = n - in
		x = Concatenate([]*Node{x, Zeros(x.Graph(), f32(d...))}, -1)
	}
	return SliceAxis(SOC(x, skew, c.Padding, socTerms), -1, AxisRange(0, c.Channels))
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
	for i := range socTerms {
		rest = up(rest * up(t/float64(i+1)))
	}
	return Bound{up(1 + rest), "exponential of a skew convolution, Taylor's remainder"}
}
