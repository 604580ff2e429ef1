package lip

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"gonum.org/v1/gonum/mat"
)

// Size is the shape of what flows between layers, without the batch: [h, w, c], or [c] once flat.
type Size []int

// Entries returns the number of entries.
func (s Size) Entries() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

func (s Size) String() string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint([]int(s)), "[]"), " ", "×")
}

// A Layer is one step of a network, a value with public fields.
type Layer interface {
	// String names the layer with its sizes.
	String() string
	// Out returns the size of the output, or an error that says why the layer can't take that input.
	Out(in Size) (Size, error)
	// Weights makes or finds the layer's variables in scope and returns its effective weights.
	Weights(scope *model.Scope, g *Graph, in Size) []*Node
	// Apply maps x, [batch, in…], to [batch, out…] with effective weights.
	Apply(x *Node, weights []*Node) *Node
	// Bound proves what the layer stretches, from effective weights.
	Bound(weights []*tensors.Tensor, in Size) Bound
}

// iterations of Björck's method from a scaled random matrix to float32's precision.
const iterations = 12

func variable(scope *model.Scope, g *Graph, name string, std float64, dimensions ...int) *Node {
	init := initializer.Zero
	if std > 0 {
		init = initializer.RandomNormalFn(scope, std)
	}
	return scope.WithInitializer(init).VariableWithShape(name, f32(dimensions...)).NodeValue(g)
}

// Dense is x·w + b with orthonormal rows or columns (Bjorck).
type Dense struct{ Units int }

func (d Dense) String() string { return fmt.Sprintf("dense %d (Björck)", d.Units) }

func (d Dense) Out(in Size) (Size, error) {
	if len(in) != 1 || d.Units < 1 {
		return nil, fmt.Errorf("%v needs a flat input and at least one unit, not %v", d, in)
	}
	return Size{d.Units}, nil
}

func (d Dense) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	w := variable(scope, g, "w", 1/math.Sqrt(float64(max(in[0], d.Units))), in[0], d.Units)
	return []*Node{Bjorck(w, iterations), variable(scope, g, "b", 0, d.Units)}
}

func (d Dense) Apply(x *Node, w []*Node) *Node { return Add(DotProduct(x, w[0]), ExpandAxes(w[1], 0)) }

func (d Dense) Bound(w []*tensors.Tensor, in Size) Bound {
	return SpectralNorm(matrix(w[0], in[0], d.Units))
}

// Convolution is a circular convolution at stride 1, with a bias.
type Convolution struct {
	Kind     string // a key of convolutions
	Kernel   int    // odd
	Channels int
}

// Convolutions lists the kinds of Convolution.
func Convolutions() []string { return slices.Sorted(maps.Keys(convolutions)) }

// convolutions make an effective kernel, [k, k, in, out], by Kind.
var convolutions = map[string]func(scope *model.Scope, g *Graph, k, in, out int) *Node{
	"bcop": func(scope *model.Scope, g *Graph, k, in, out int) *Node {
		c := max(in, out)
		std := 1 / math.Sqrt(float64(c))
		var half *Node
		if k > 1 {
			half = variable(scope, g, "half", std, BCOPTaps(k), c, c/2)
		}
		return BCOP(variable(scope, g, "mix", std, in, out), half, k, iterations)
	},
	"aol": func(scope *model.Scope, g *Graph, k, in, out int) *Node {
		return AOLConvolution(variable(scope, g, "kernel", 1/math.Sqrt(float64(k*k*max(in, out))), k, k, in, out))
	},
}

func (c Convolution) String() string {
	return fmt.Sprintf("conv %d×%d %d (%s)", c.Kernel, c.Kernel, c.Channels, c.Kind)
}

func (c Convolution) Out(in Size) (Size, error) {
	switch {
	case convolutions[c.Kind] == nil:
		return nil, fmt.Errorf("no convolution %q; known: %s", c.Kind, strings.Join(Convolutions(), ", "))
	case len(in) != 3 || c.Channels < 1:
		return nil, fmt.Errorf("%v needs an input [h, w, c] and at least one channel, not %v", c, in)
	case !fits(c.Kernel, in):
		return nil, fmt.Errorf("%v needs an odd kernel no larger than the image %v", c, in)
	case c.Kind == "bcop" && max(in[2], c.Channels)%2 != 0:
		return nil, fmt.Errorf("%v needs an even number of channels on its wider side, from %d", c, in[2])
	}
	return Size{in[0], in[1], c.Channels}, nil
}

// fits says whether a kernel of side k is odd and no larger than the image.
func fits(k int, in Size) bool { return k >= 1 && k%2 == 1 && k <= min(in[0], in[1]) }

func (c Convolution) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	return []*Node{convolutions[c.Kind](scope, g, c.Kernel, in[2], c.Channels), variable(scope, g, "b", 0, c.Channels)}
}

func (c Convolution) Apply(x *Node, w []*Node) *Node {
	return Add(Circular(x, w[0]), Reshape(w[1], 1, 1, 1, -1))
}

func (c Convolution) Bound(w []*tensors.Tensor, in Size) Bound {
	return CircularNorm(flat(w[0]), c.Kernel, in[2], c.Channels, in[0], in[1])
}

// Residual is the SDP-based step of SLL, x - 2·W·relu(Wᵀx + b), by circular convolutions.
type Residual struct {
	Kernel int // odd
	Inner  int // channels of the hidden side
}

func (r Residual) String() string {
	return fmt.Sprintf("residual %d×%d %d (SLL)", r.Kernel, r.Kernel, r.Inner)
}

func (r Residual) Out(in Size) (Size, error) {
	switch {
	case len(in) != 3 || r.Inner < 1:
		return nil, fmt.Errorf("%v needs an input [h, w, c] and at least one channel, not %v", r, in)
	case !fits(r.Kernel, in):
		return nil, fmt.Errorf("%v needs an odd kernel no larger than the image %v", r, in)
	}
	return in, nil
}

func (r Residual) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	k := variable(scope, g, "kernel", 1/math.Sqrt(float64(r.Kernel*r.Kernel*in[2])), r.Kernel, r.Kernel, r.Inner, in[2])
	t := SLLScale(k, variable(scope, g, "logq", 0, r.Inner))
	return []*Node{Mul(k, Reshape(reciprocalRoot(t), 1, 1, -1, 1)), variable(scope, g, "b", 0, r.Inner)}
}

func (r Residual) Apply(x *Node, w []*Node) *Node { return SLL(x, w[0], w[1]) }

func (r Residual) Bound(w []*tensors.Tensor, in Size) Bound {
	return ResidualNorm(r.InnerBound(w, in))
}

// InnerBound proves a bound on ‖W‖ alone.
func (r Residual) InnerBound(w []*tensors.Tensor, in Size) Bound {
	return CircularNorm(flat(w[0]), r.Kernel, r.Inner, in[2], in[0], in[1])
}

// Pairs is MaxMin as a layer.
type Pairs struct{}

func (Pairs) String() string { return "MaxMin" }

func (p Pairs) Out(in Size) (Size, error) {
	if in[len(in)-1]%2 != 0 {
		return nil, fmt.Errorf("%v needs an even number of channels, not %v", p, in)
	}
	return in, nil
}

func (Pairs) Weights(*model.Scope, *Graph, Size) []*Node { return nil }
func (Pairs) Apply(x *Node, _ []*Node) *Node             { return MaxMin(x) }
func (Pairs) Bound([]*tensors.Tensor, Size) Bound        { return Isometry() }

// Depth is SpaceToDepth as a layer.
type Depth struct{ By int }

func (d Depth) String() string { return fmt.Sprintf("space to depth %d×%d", d.By, d.By) }

func (d Depth) Out(in Size) (Size, error) {
	if len(in) != 3 || d.By < 1 || in[0]%d.By != 0 || in[1]%d.By != 0 {
		return nil, fmt.Errorf("%v needs an input [h, w, c] with h and w multiples of %d, not %v", d, d.By, in)
	}
	return Size{in[0] / d.By, in[1] / d.By, d.By * d.By * in[2]}, nil
}

func (Depth) Weights(*model.Scope, *Graph, Size) []*Node { return nil }
func (d Depth) Apply(x *Node, _ []*Node) *Node           { return SpaceToDepth(x, d.By) }
func (Depth) Bound([]*tensors.Tensor, Size) Bound        { return Isometry() }

// Flat makes [h, w, c] one axis.
type Flat struct{}

func (Flat) String() string                             { return "flatten" }
func (Flat) Out(in Size) (Size, error)                  { return Size{in.Entries()}, nil }
func (Flat) Weights(*model.Scope, *Graph, Size) []*Node { return nil }
func (Flat) Apply(x *Node, _ []*Node) *Node {
	return Reshape(x, x.Shape().Dimensions[0], -1)
}
func (Flat) Bound([]*tensors.Tensor, Size) Bound { return Isometry() }

// flat copies a float32 tensor's values.
func flat(t *tensors.Tensor) []float32 { return tensors.MustCopyFlatData[float32](t) }

func matrix(t *tensors.Tensor, rows, columns int) *mat.Dense {
	w := mat.NewDense(rows, columns, nil)
	for i, v := range flat(t) {
		w.Set(i/columns, i%columns, float64(v))
	}
	return w
}
