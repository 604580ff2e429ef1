package lip

import (
	"fmt"
	"maps"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Convolution is a convolution with a bias, its kernel centred: [h, w, in] to [⌈h/stride⌉, ⌈w/stride⌉, channels].
type Convolution struct {
	Kind     string // a key of convolutions
	Kernel   int    // side, odd
	Channels int
	Padding  string // circular (the empty string too) or zero
	Stride   int    // 0 is 1; with circular padding a divisor of h and w
	Groups   int    // 0 is 1; divides in and Channels, whose parts don't mix
}

// Paddings of a convolution.
const (
	Circular = "circular"
	Zero     = "zero"
)

// A kind of convolution, of one group. Its effective weight is a kernel, [k, k, in, out], of Conv, but for what
// geometry, apply and bound say, which are nil otherwise.
type kind struct {
	// kernel makes the effective weight.
	kernel func(scope *model.Scope, g *Graph, c Convolution, in Size) *Node
	// refuse says why the kind can't have these sizes, "" where it can; nil refuses nothing.
	refuse func(c Convolution, in Size) string
	// folds: a stride is space to depth and then a convolution at stride 1, which is all that the kind sees.
	folds bool
	// geometry is another one of a kernel, apply another function of it, and bound its proof where it isn't linear in x
	// with the kernel for a matrix.
	geometry func(c Convolution, in Size) Geometry
	apply    func(c Convolution, x, kernel *Node) *Node
	bound    func(c Convolution, kernel []float32, in Size) Bound
	// rounding bounds what float32 adds for x of at most this norm, bound being the layer's; nil is a sum of products as Conv has it.
	rounding func(c Convolution, kernel []float32, in Size, bound, norm float64) float64
}

// convolutions are the kinds of Convolution.
var convolutions = map[string]kind{
	"aol":      {kernel: aolKernel},
	"bcop":     {kernel: bcopKernel, refuse: refuseBCOP},
	"cayley":   {kernel: cayleyKernel, refuse: refuseCayley, folds: true, geometry: cayleyGeometry, apply: applyCayley, rounding: cayleyRounding},
	"free":     {kernel: freeKernel},
	"soc":      {kernel: socKernel, folds: true, apply: applySOC, bound: boundSOC, rounding: socRounding},
	"spectral": {kernel: spectralKernel},
}

// Convolutions lists the kinds of Convolution.
func Convolutions() []string { return slices.Sorted(maps.Keys(convolutions)) }

func (c Convolution) String() string {
	s := fmt.Sprintf("conv %d×%d %d (%s", c.Kernel, c.Kernel, c.Channels, c.Kind)
	if c.Padding == Zero {
		s += ", zero padding"
	}
	if c.stride() > 1 {
		s += fmt.Sprintf(", stride %d", c.Stride)
	}
	if c.groups() > 1 {
		s += fmt.Sprintf(", %d groups", c.Groups)
	}
	return s + ")"
}

func (c Convolution) stride() int { return max(c.Stride, 1) }
func (c Convolution) groups() int { return max(c.Groups, 1) }

// group is one of the groups, alone, and its input.
func (c Convolution) group(in Size) (Convolution, Size) {
	s, n := c.stride(), c.groups()
	c.Channels, c.Groups = c.Channels/n, 1
	in = Size{in[0], in[1], in[2] / n}
	if convolutions[c.Kind].folds {
		in, c.Stride = Size{in[0] / s, in[1] / s, s * s * in[2]}, 1
	}
	return c, in
}

func (c Convolution) Out(in Size) (Size, error) {
	kind, known := convolutions[c.Kind]
	s, n := c.stride(), c.groups()
	switch {
	case !known:
		return nil, unknown("convolution", c.Kind, convolutions)
	case len(in) != 3 || c.Channels < 1:
		return nil, fmt.Errorf("%v needs an input [h, w, c] and at least one channel, not %v", c, in)
	case c.Padding != "" && c.Padding != Circular && c.Padding != Zero:
		return nil, noPadding(c.Padding)
	case c.Stride < 0 || (c.Padding != Zero || kind.folds) && (in[0]%s != 0 || in[1]%s != 0):
		return nil, fmt.Errorf("%v needs an input with h and w multiples of its stride, not %v", c, in)
	case c.Groups < 0 || in[2]%n != 0 || c.Channels%n != 0:
		return nil, fmt.Errorf("%v needs channels, in and out, that are multiples of its groups, not %v", c, in)
	}
	one, part := c.group(in)
	if !fits(c.Kernel, part) {
		return nil, fmt.Errorf("%v needs an odd kernel no larger than the image %v", c, part)
	}
	if kind.refuse != nil {
		if why := kind.refuse(one, part); why != "" {
			return nil, fmt.Errorf("%v needs %s", c, why)
		}
	}
	return Size{(in[0] + s - 1) / s, (in[1] + s - 1) / s, c.Channels}, nil
}

// fits says whether a kernel of side k is odd and no larger than the image.
func fits(k int, in Size) bool { return k >= 1 && k%2 == 1 && k <= min(in[0], in[1]) }

// Weights are the groups' effective weights, then the bias, [channels].
func (c Convolution) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	one, part := c.group(in)
	var w []*Node
	for i := range c.groups() {
		inner := scope
		if c.groups() > 1 {
			inner = scope.In("group_%d", i)
		}
		w = append(w, convolutions[c.Kind].kernel(inner, g, one, part))
	}
	return append(w, variable(scope, g, "b", 0, c.Channels))
}

func (c Convolution) Apply(x *Node, w []*Node) *Node {
	return Add(c.linear(x, w), Reshape(w[c.groups()], 1, 1, 1, -1))
}

// linear is Apply without the bias.
func (c Convolution) linear(x *Node, w []*Node) *Node {
	n, kind := c.groups(), convolutions[c.Kind]
	one, _ := c.group(Size{1, 1, n})
	parts := []*Node{x}
	if n > 1 {
		parts = Split(x, -1, n)
	}
	for i, part := range parts {
		if kind.folds {
			part = SpaceToDepth(part, c.stride())
		}
		if kind.apply == nil {
			parts[i] = Conv(part, w[i], c.Padding, c.stride())
		} else {
			parts[i] = kind.apply(one, part, w[i])
		}
	}
	if n == 1 {
		return parts[0]
	}
	return Concatenate(parts, -1)
}

func (c Convolution) Bound(w []*tensors.Tensor, in Size) Bound {
	one, part := c.group(in)
	kind := convolutions[c.Kind]
	var most Bound
	for i := range c.groups() { // block diagonal: the largest
		var b Bound
		if kernel := flat(w[i]); kind.bound == nil {
			b = ConvolutionNorm(kernel, one.geometry(part))
		} else {
			b = kind.bound(one, kernel, part)
		}
		if i == 0 || b.value > most.value {
			most = b
		}
	}
	return most
}

// geometry is that of one group, alone.
func (c Convolution) geometry(in Size) Geometry {
	if other := convolutions[c.Kind].geometry; other != nil {
		return other(c, in)
	}
	return Geometry{Kernel: Size{c.Kernel, c.Kernel}, In: in, Out: c.Channels, Stride: c.stride(), Zero: c.Padding == Zero}
}

// freeKernel bounds nothing while it trains; what it came to is proved as for any kernel.
func freeKernel(scope *model.Scope, g *Graph, c Convolution, in Size) *Node {
	k := c.Kernel
	return variable(scope, g, "kernel", 1/math.Sqrt(float64(k*k*max(in[2], c.Channels))), k, k, in[2], c.Channels)
}
