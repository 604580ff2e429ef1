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

// Residual is a step x - 2·W·relu(Wᵀx + b) with ‖W‖ ≤ 1, by convolutions, or of a flat input by matrices.
type Residual struct {
	Kind    string // a key of residuals; empty is sll
	Kernel  int    // odd; 1 for a flat input
	Inner   int    // channels of the hidden side
	Padding string // as that of Convolution
}

// residuals make an effective kernel, [k, k, inner, c], by Kind.
var residuals = map[string]func(scope *model.Scope, g *Graph, r Residual, in Size) *Node{
	"cpl": cplKernel,
	"sll": sllKernel,
}

// Residuals lists the kinds of Residual.
func Residuals() []string { return slices.Sorted(maps.Keys(residuals)) }

func (r Residual) kind() string { return cmp.Or(r.Kind, "sll") }

func (r Residual) String() string {
	s := fmt.Sprintf("residual %d×%d %d (%s", r.Kernel, r.Kernel, r.Inner, map[string]string{"sll": "SLL", "cpl": "CPL"}[r.kind()])
	if r.Padding == Zero {
		s += ", zero padding"
	}
	return s + ")"
}

func (r Residual) Out(in Size) (Size, error) {
	image := asImage(in)
	switch {
	case residuals[r.kind()] == nil:
		return nil, unknown("residual layer", r.Kind, residuals)
	case len(in) == 1 && r.Kernel != 1, len(image) != 3 || r.Inner < 1:
		return nil, fmt.Errorf("%v needs an input [h, w, c], or a flat one and a kernel of 1, and at least one channel, not %v", r, in)
	case r.Padding != "" && r.Padding != Circular && r.Padding != Zero:
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

func noPadding(padding string) error {
	return fmt.Errorf("no padding %q; known: %s, %s", padding, Circular, Zero)
}

func (r Residual) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	return []*Node{residuals[r.kind()](scope, g, r, asImage(in)), variable(scope, g, "b", 0, r.Inner)}
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

// InnerBound proves a bound on ‖W‖ alone.
func (r Residual) InnerBound(w []*tensors.Tensor, in Size) Bound {
	in = asImage(in)
	return ConvolutionNorm(flat(w[0]), Geometry{Kernel: Size{r.Kernel, r.Kernel}, In: Size{in[0], in[1], r.Inner}, Out: in[2], Stride: 1, Zero: r.Padding == Zero})
}

func (r Residual) variable(scope *model.Scope, g *Graph, in Size) *Node {
	return variable(scope, g, "kernel", 1/math.Sqrt(float64(r.Kernel*r.Kernel*in[2])), r.Kernel, r.Kernel, r.Inner, in[2])
}
