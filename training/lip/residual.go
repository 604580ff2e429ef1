package lip

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Residual is a step x - 2·W·relu(Wᵀx + b) with ‖W‖ ≤ 1. W is a convolution, or a matrix where the
// input is flat.
type Residual struct {
	Kind    string // a key of residuals, sll by default
	Kernel  int    // odd; 1 for a flat input
	Inner   int    // channels of the hidden side
	Padding string // as that of Convolution
}

// A residualKind is a parametrisation of Residual.
type residualKind struct {
	name string
	// kernel makes the effective kernel of W, [k, k, inner, c].
	kernel func(scope *model.Scope, g *Graph, r Residual, in Size) *Node
}

// residuals are the kinds of Residual.
var residuals = map[string]residualKind{
	"cpl": {"CPL", cplKernel},
	"sll": {"SLL", sllKernel},
}

// Residuals lists the kinds of Residual.
func Residuals() []string { return slices.Sorted(maps.Keys(residuals)) }

func (r Residual) kind() residualKind { return residuals[cmp.Or(r.Kind, "sll")] }

func (r Residual) String() string {
	s := fmt.Sprintf("residual %d×%d %d (%s", r.Kernel, r.Kernel, r.Inner, r.kind().name)
	if r.Padding == Zero {
		s += ", zero padding"
	}
	return s + ")"
}

func (r Residual) Out(in Size) (Size, error) {
	image := asImage(in)
	switch {
	case r.kind().kernel == nil:
		return nil, unknown("residual layer", r.Kind, residuals)
	case len(in) == 1 && r.Kernel != 1, len(image) != 3 || r.Inner < 1:
		return nil, fmt.Errorf("%v needs an input [h, w, c], or a flat one and a kernel of 1, "+
			"and at least one channel, not %v", r, in)
	case !knownPadding(r.Padding):
		return nil, noPadding(r.Padding)
	case !fits(r.Kernel, image):
		return nil, fmt.Errorf("%v needs an odd kernel no larger than the image %v", r, in)
	}
	return in, nil
}

// asImage makes a flat size an image of one pixel.
func asImage(in Size) Size {
	if len(in) == 1 {
		return Size{1, 1, in[0]}
	}
	return in
}

// Weights are the kernel of W, [k, k, inner, c], and the bias, [inner].
func (r Residual) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	w := r.kind().kernel(scope, g, r, asImage(in))
	return []*Node{w, variable(scope, g, "b", 0, r.Inner)}
}

// variable is a free kernel of W.
func (r Residual) variable(scope *model.Scope, g *Graph, in Size) *Node {
	std := 1 / math.Sqrt(float64(r.Kernel*r.Kernel*in[2]))
	return variable(scope, g, "kernel", std, r.Kernel, r.Kernel, r.Inner, in[2])
}

func (r Residual) Apply(x *Node, w []*Node) *Node {
	if d := x.Shape().Dimensions; len(d) == 2 {
		return Reshape(residual(Reshape(x, d[0], 1, 1, d[1]), w[0], w[1], r.Padding), d...)
	}
	return residual(x, w[0], w[1], r.Padding)
}

// residual is x - 2·W·relu(Wᵀx + b), W the convolution of kernel, [k, k, inner, c], bias [inner].
func residual(x, kernel, bias *Node, padding string) *Node {
	y := Add(Conv(x, adjoint(kernel), padding, 1), Reshape(bias, 1, 1, 1, -1))
	return Sub(x, MulScalar(Conv(MaxScalar(y, 0), kernel, padding, 1), 2))
}

func (r Residual) Bound(w []*tensors.Tensor, in Size) Bound {
	return ResidualNorm(r.InnerBound(w, in))
}

// ResidualNorm bounds x - 2·W·J·Wᵀ·x over all diagonal 0 ≤ J ≤ 1, given a bound on ‖W‖. The
// symmetric W·J·Wᵀ lies between 0 and ‖W‖², so the map lies between 1 - 2‖W‖² and 1.
func ResidualNorm(w Bound) Bound {
	return Bound{max(1, up(2*up(w.Value()*w.Value())-1)), "residual of " + w.proof}
}

// InnerBound proves a bound on ‖W‖ alone.
func (r Residual) InnerBound(w []*tensors.Tensor, in Size) Bound {
	return ConvolutionNorm(flat(w[0]), r.geometry(asImage(in)))
}

// geometry is that of W.
func (r Residual) geometry(in Size) Geometry {
	return centred(r.Kernel, Size{in[0], in[1], r.Inner}, in[2], r.Padding)
}

// rounding takes ‖W‖² ≤ (bound + 1)/2.
func (r Residual) rounding(w []*tensors.Tensor, in Size, bound, norm float64) (roundoff, error) {
	image := asImage(in)
	k, places := r.Kernel*r.Kernel, image[0]*image[1]
	inner := outward(math.Sqrt((bound + 1) / 2))
	abs := r.geometry(image).absoluteNorm(flat(w[0]))
	s := hiddenStep{
		first:  factor{norm: inner, abs: abs, terms: k * image[2], out: places * r.Inner},
		second: factor{norm: inner, abs: abs, terms: k * r.Inner, out: in.Entries()},
		bias:   w[1], places: places,
	}
	e, size, zero := s.rounding(norm)
	// 2 is a power of two; then one subtraction.
	subtraction, underflow := u32*(norm+2*(size+e)), tiny*math.Sqrt(float64(in.Entries()))
	return roundoff{outward(2*e + subtraction + underflow), outward(2 * zero)}, nil
}
