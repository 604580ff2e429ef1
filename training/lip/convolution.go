package lip

import (
	"fmt"
	"maps"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lipsmooth/lipsmooth/internal/named"
)

// Convolution is a convolution with a bias, its kernel centred: [h, w, in] to
// [⌈h/stride⌉, ⌈w/stride⌉, channels].
type Convolution struct {
	Kind     string // a key of convolutions
	Kernel   int    // side, odd
	Channels int
	Padding  string // circular (the empty string too) or zero
	Stride   int    // 0 means 1; with circular padding a divisor of h and w
	Groups   int    // 0 means 1; a divisor of in and Channels, whose parts don't mix
}

// Paddings of a convolution.
const (
	Circular = "circular"
	Zero     = "zero"
)

// A convolutionKind is a parametrisation of a convolution of one group. Its effective weight is a
// kernel, [k, k, in, out], of Conv. The fields geometry, apply, bound and rounding say what differs
// from that; each is nil where nothing does.
type convolutionKind struct {
	// kernel makes the effective weight.
	kernel func(scope *model.Scope, g *Graph, c Convolution, in Size) *Node
	// refuse says why the kind can't have these sizes, "" where it can; nil refuses nothing.
	refuse func(c Convolution, in Size) string
	// folds makes a stride space to depth, followed by a convolution at stride 1. The other fields
	// see that convolution alone.
	folds bool
	// geometry says how the kernel lies on the image.
	geometry func(c Convolution, in Size) Geometry
	// apply maps x by the kernel, the bias aside.
	apply func(c Convolution, x, kernel *Node) *Node
	// bound proves what apply stretches where the kernel isn't its matrix.
	bound func(c Convolution, kernel []float32, in Size) Bound
	// rounding bounds what float32 adds for x of at most this norm. The argument bound is the
	// layer's.
	rounding func(c Convolution, kernel []float32, in Size, bound, norm float64) float64
}

// convolutions are the kinds of Convolution.
var convolutions = map[string]convolutionKind{
	"aol":      {kernel: aolKernel},
	"bcop":     {kernel: bcopKernel, refuse: refuseBCOP},
	"bro":      broConvolution,
	"cayley":   cayleyConvolution,
	"free":     {kernel: freeKernel},
	"rko":      {kernel: rkoKernel},
	"soc":      socConvolution,
	"spectral": {kernel: spectralKernel},
}

// Convolutions lists the kinds of Convolution.
func Convolutions() []string { return slices.Sorted(maps.Keys(convolutions)) }

func (c Convolution) kind() convolutionKind { return convolutions[c.Kind] }

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
	if c.kind().folds {
		in, c.Stride = Size{in[0] / s, in[1] / s, s * s * in[2]}, 1
	}
	return c, in
}

func (c Convolution) Out(in Size) (Size, error) {
	kind, s, n := c.kind(), c.stride(), c.groups()
	switch {
	case kind.kernel == nil:
		return nil, unknown("convolution", c.Kind, convolutions)
	case len(in) != 3 || c.Channels < 1:
		return nil, fmt.Errorf("%v needs an input [h, w, c] and at least one channel, not %v",
			c, in)
	case !knownPadding(c.Padding):
		return nil, noPadding(c.Padding)
	case c.Stride < 0 || (c.Padding != Zero || kind.folds) && (in[0]%s != 0 || in[1]%s != 0):
		return nil, fmt.Errorf("%v needs an input with h and w multiples of its stride, not %v",
			c, in)
	case c.Groups < 0 || in[2]%n != 0 || c.Channels%n != 0:
		return nil, fmt.Errorf(
			"%v needs channels, in and out, that are multiples of its groups, not %v", c, in)
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

func knownPadding(padding string) bool {
	return padding == "" || padding == Circular || padding == Zero
}

func noPadding(padding string) error {
	return named.Unknown("padding", padding, []string{Circular, Zero})
}

// Weights are the groups' effective weights, then the bias, [channels].
func (c Convolution) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	one, part := c.group(in)
	var w []*Node
	for i := range c.groups() {
		inner := scope
		if c.groups() > 1 {
			inner = scope.In("group_%d", i)
		}
		w = append(w, c.kind().kernel(inner, g, one, part))
	}
	return append(w, variable(scope, g, "b", 0, c.Channels))
}

func (c Convolution) Apply(x *Node, w []*Node) *Node {
	n, kind := c.groups(), c.kind()
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
	if n > 1 {
		parts[0] = Concatenate(parts, -1)
	}
	return Add(parts[0], Reshape(w[n], 1, 1, 1, -1))
}

// Bound is the largest of the groups, as the matrix is block diagonal.
func (c Convolution) Bound(w []*tensors.Tensor, in Size) Bound {
	one, part := c.group(in)
	kind := c.kind()
	var most Bound
	for i := range c.groups() {
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
	if other := c.kind().geometry; other != nil {
		return other(c, in)
	}
	g := centred(c.Kernel, in, c.Channels, c.Padding)
	g.Stride = c.stride()
	return g
}

func (c Convolution) operator(w []*tensors.Tensor, in Size) (o operator, ok bool) {
	one, part := c.group(in)
	kind, g, n := c.kind(), one.geometry(part), c.groups()
	if kind.bound != nil || g.entries()*n > affordableEntries {
		return o, false
	}
	channels := in[2] / n
	o = operator{columns: in.Entries(), rows: make([][]entry, g.rows()*g.columns()*c.Channels)}
	for i := range n {
		m := g.operator(doubles(flat(w[i])))
		if kind.folds {
			cells, _ := Depth{c.stride()}.operator(nil, Size{in[0], in[1], channels})
			if m, ok = m.after(cells); !ok {
				return o, false
			}
			m.slack = 0 // a permutation rounds nothing
		}
		for r, row := range m.rows {
			to := r/one.Channels*c.Channels + i*one.Channels + r%one.Channels
			for _, e := range row {
				from := e.column/channels*in[2] + i*channels + e.column%channels
				o.rows[to] = append(o.rows[to], entry{from, e.value})
			}
		}
	}
	return o, true
}

// rounding takes the groups' kernels, then one addition of the bias.
func (c Convolution) rounding(w []*tensors.Tensor, in Size, bound, norm float64) (roundoff, error) {
	one, part := c.group(in)
	kind, n := c.kind(), c.groups()
	if kind.apply != nil && kind.rounding == nil {
		return unrounded(c)
	}
	size, err := c.Out(in)
	if err != nil {
		return roundoff{}, err
	}
	zero := vectorNorm(flat(w[n]), size[0]*size[1])
	squares := 0.0
	for i := range n {
		kernel, e := flat(w[i]), 0.0
		if kind.rounding == nil {
			abs := one.geometry(part).absoluteNorm(kernel)
			e = sums(c.Kernel*c.Kernel*part[2], size.Entries()/n, abs, norm, 0)
		} else {
			e = kind.rounding(one, kernel, part, bound, norm)
		}
		squares += e * e
	}
	fresh := math.Sqrt(squares)
	addition, underflow := u32*(bound*norm+fresh+zero), tiny*math.Sqrt(float64(size.Entries()))
	return roundoff{outward(fresh + addition + underflow), zero}, nil
}

// freeKernel bounds nothing while it trains. What the kernel came to is proved as for any kernel.
func freeKernel(scope *model.Scope, g *Graph, c Convolution, in Size) *Node {
	k := c.Kernel
	std := 1 / math.Sqrt(float64(k*k*max(in[2], c.Channels)))
	return variable(scope, g, "kernel", std, k, k, in[2], c.Channels)
}
