package plain

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// Convolution is a convolution with a bias, its kernel centred: [h, w, in] to
// [⌈h/stride⌉, ⌈w/stride⌉, channels], with zeros around the image. Inside gives only the places
// where the kernel lies inside the image: [h-k+1, w-k+1, channels] for a kernel of side k.
type Convolution struct {
	unproved
	Kernel   int // side, odd
	Channels int
	Stride   int // 0 means 1; Inside takes no other
	Inside   bool
	Norm     bool // batch normalisation in place of the bias (Ioffe & Szegedy 2015)
}

// Batch normalisation adds varianceFloor to variances. A step moves the running statistics by the
// fraction momentum. Both numbers are PyTorch's defaults.
const varianceFloor, momentum = 1e-5, 0.1

func (c Convolution) String() string {
	s := fmt.Sprintf("conv %d×%d %d (plain", c.Kernel, c.Kernel, c.Channels)
	if c.stride() > 1 {
		s += fmt.Sprintf(", stride %d", c.Stride)
	}
	if c.Inside {
		s += ", no padding"
	}
	if c.Norm {
		s += ", batch norm"
	}
	return s + ")"
}

func (c Convolution) stride() int { return max(c.Stride, 1) }

func (c Convolution) Out(in lip.Size) (lip.Size, error) {
	switch {
	case len(in) != 3 || c.Channels < 1:
		return nil, fmt.Errorf("%v needs an input [h, w, c] and at least one channel, not %v", c, in)
	case c.Kernel < 1 || c.Kernel%2 == 0 || c.Kernel > min(in[0], in[1]):
		return nil, fmt.Errorf("%v needs an odd kernel no larger than the image %v", c, in)
	case c.Stride < 0 || c.Inside && c.stride() > 1:
		return nil, fmt.Errorf("%v can't have stride %d", c, c.Stride)
	case c.Inside:
		return lip.Size{in[0] - c.Kernel + 1, in[1] - c.Kernel + 1, c.Channels}, nil
	}
	s := c.stride()
	return lip.Size{(in[0] + s - 1) / s, (in[1] + s - 1) / s, c.Channels}, nil
}

// kernel starts with normal draws of variance 2/(k²·in) (He et al. 2015).
func (c Convolution) kernel(scope *model.Scope, g *Graph, in lip.Size) *Node {
	std := math.Sqrt(2 / float64(c.Kernel*c.Kernel*in[2]))
	return variable(scope, "kernel", normal(scope, std), c.Kernel, c.Kernel, in[2],
		c.Channels).NodeValue(g)
}

// Weights are the kernel, [k, k, in, channels], and the bias, [channels]. Batch normalisation is
// folded into both with its running statistics.
func (c Convolution) Weights(scope *model.Scope, g *Graph, in lip.Size) []*Node {
	kernel := c.kernel(scope, g, in)
	if !c.Norm {
		return []*Node{kernel, variable(scope, "b", initializer.Zero, c.Channels).NodeValue(g)}
	}
	mean, variance := c.running(scope)
	scale, shift := c.affine(scope, g, mean.NodeValue(g), variance.NodeValue(g))
	return []*Node{Mul(kernel, Reshape(scale, 1, 1, 1, -1)), shift}
}

// running are the running mean and variance of the channels, [channels].
func (c Convolution) running(scope *model.Scope) (mean, variance *model.Variable) {
	return variable(scope, "mean", initializer.Zero, c.Channels).SetTrainable(false),
		variable(scope, "variance", initializer.One, c.Channels).SetTrainable(false)
}

// affine is batch normalisation with these statistics as x ↦ scale·x + shift, each [channels].
func (c Convolution) affine(scope *model.Scope, g *Graph, mean, variance *Node) (scale,
	shift *Node) {
	scale = variable(scope, "scale", initializer.One, c.Channels).NodeValue(g)
	scale = Div(scale, Sqrt(AddScalar(variance, varianceFloor)))
	shift = variable(scope, "b", initializer.Zero, c.Channels).NodeValue(g)
	return scale, Sub(shift, Mul(mean, scale))
}

// Apply implements lip.Layer.
func (c Convolution) Apply(x *Node, w []*Node) *Node {
	return Add(c.convolve(x, w[0]), Reshape(w[1], 1, 1, 1, -1))
}

func (c Convolution) convolve(x, kernel *Node) *Node {
	if c.Inside {
		return lip.ConvInside(x, kernel, 1)
	}
	return lip.Conv(x, kernel, lip.Zero, c.stride())
}

// Train is Apply in a training step. Batch normalisation takes the statistics of x and updates the
// running ones, which Weights takes.
func (c Convolution) Train(scope *model.Scope, x *Node, w []*Node) *Node {
	if !c.Norm {
		return c.Apply(x, w)
	}
	g := x.Graph()
	y := c.convolve(x, c.kernel(scope, g, x.Shape().Dimensions[1:]))
	mean := ReduceMean(y, 0, 1, 2)
	variance := ReduceMean(Square(Sub(y, Reshape(mean, 1, 1, 1, -1))), 0, 1, 2)
	scale, shift := c.affine(scope, g, mean, variance)
	m, v := c.running(scope)
	n := float64(y.Shape().Size() / c.Channels)
	follow := func(running *model.Variable, now *Node) {
		was := running.NodeValue(g)
		running.SetNodeValue(Add(was, MulScalar(Sub(StopGradient(now), was), momentum)))
	}
	follow(m, mean)
	follow(v, MulScalar(variance, n/max(1, n-1))) // the unbiased estimate
	return Add(Mul(y, Reshape(scale, 1, 1, 1, -1)), Reshape(shift, 1, 1, 1, -1))
}
