package lip

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Affine is LiResNet's residual block without its activation: (x + conv(x))/‖I + conv‖ + b, linear
// in x. Hu et al. (2023) divide the margin by the norm instead. The effective kernel holds the
// identity and the norm. The norm is estimated while training. The bound is proved from the final
// weights.
//
// Cost: 3·powerSteps convolutions of one image.
type Affine struct {
	Kernel  int    // odd
	Padding string // as that of Convolution
}

func (a Affine) String() string {
	if a.Padding == Zero {
		return fmt.Sprintf("affine residual %d×%d (LiResNet, zero padding)", a.Kernel, a.Kernel)
	}
	return fmt.Sprintf("affine residual %d×%d (LiResNet)", a.Kernel, a.Kernel)
}

func (a Affine) Out(in Size) (Size, error) {
	switch {
	case len(in) != 3:
		return nil, fmt.Errorf("%v needs an input [h, w, c], not %v", a, in)
	case !knownPadding(a.Padding):
		return nil, noPadding(a.Padding)
	case !fits(a.Kernel, in):
		return nil, fmt.Errorf("%v needs an odd kernel no larger than the image %v", a, in)
	}
	return in, nil
}

// Weights are the kernel, [k, k, c, c], and the bias, [c].
func (a Affine) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	k, c := a.Kernel, in[2]
	// A small residual at first: the block is nearly the identity.
	w := variable(scope, g, "kernel", 0.25/math.Sqrt(float64(k*k*c)), k, k, c, c)
	centre := make([]float32, k*k)
	centre[k*k/2] = 1
	w = Add(w, Mul(Reshape(Const(g, centre), k, k, 1, 1), Reshape(identity(w, c), 1, 1, c, c)))
	conv := func(x *Node) *Node { return Conv(x, w, a.Padding, 1) }
	norm := estimated(scope, g, conv, append(Size{1}, in...)...)
	return []*Node{Div(w, norm), variable(scope, g, "b", 0, c)}
}

func (a Affine) Apply(x *Node, w []*Node) *Node {
	return Add(Conv(x, w[0], a.Padding, 1), Reshape(w[1], 1, 1, 1, -1))
}

func (a Affine) Bound(w []*tensors.Tensor, in Size) Bound {
	return ConvolutionNorm(flat(w[0]), a.geometry(in))
}

func (a Affine) geometry(in Size) Geometry { return centred(a.Kernel, in, in[2], a.Padding) }

func (a Affine) operator(w []*tensors.Tensor, in Size) (o operator, ok bool) {
	g := a.geometry(in)
	if g.entries() > affordableEntries {
		return o, false
	}
	return g.operator(doubles(flat(w[0]))), true
}

func (a Affine) rounding(w []*tensors.Tensor, in Size, _, norm float64) (roundoff, error) {
	zero := vectorNorm(flat(w[1]), in[0]*in[1])
	abs := a.geometry(in).absoluteNorm(flat(w[0]))
	return roundoff{sums(a.Kernel*a.Kernel*in[2], in.Entries(), abs, norm, zero), zero}, nil
}
