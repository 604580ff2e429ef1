package lip

import (
	"maps"
	"math"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// TestExtension adds a kind to each table and a layer, from the code of this file alone. A kind
// takes one line in its table, a layer none. All of them pass the common tests.
func TestExtension(t *testing.T) {
	halfDense := denseKind{"half", func(scope *model.Scope, g *Graph, in, units int) *Node {
		return MulScalar(freeDense(scope, g, in, units), 0.5)
	}}
	halfKernel := func(scope *model.Scope, g *Graph, c Convolution, in Size) *Node {
		return MulScalar(freeKernel(scope, g, c, in), 0.5)
	}
	small := residualKind{"small", func(scope *model.Scope, g *Graph, r Residual, in Size) *Node {
		return MulScalar(r.variable(scope, g, in), 0.25)
	}}
	enter(t, denses, halfDense)
	enter(t, convolutions, convolutionKind{kernel: halfKernel})
	enter(t, residuals, small)
	enter(t, activations, leaky)
	for _, c := range []layerCase{
		{Dense{Kind: "new", Units: 5}, Size{7}, false},
		{Convolution{Kind: "new", Kernel: 3, Channels: 4, Stride: 2}, Size{6, 4, 2}, false},
		{Convolution{Kind: "new", Kernel: 3, Channels: 4, Padding: Zero}, Size{6, 5, 2}, false},
		{Residual{Kind: "new", Kernel: 3, Inner: 2}, Size{5, 7, 3}, false},
		{Activation{Kind: "new"}, Size{5, 3, 3}, false},
		{scaling{}, Size{5, 3, 3}, false},
	} {
		c.test(t)
		c.testRounding(t)
	}
	// The proof composes the new layer with its linear neighbours.
	net := newChain(t, Size{2, 3, 3}, scaling{}, Flat{}, Dense{Kind: "new", Units: 4})
	p := net.Prove()
	truth, composed := 0.0, p.Composed.Value()
	net.linearGaps(func(_, _ int, norm float64) { truth = max(truth, norm) })
	if !(truth <= composed*(1+1e-5) && composed <= truth*(1+1e-4)) {
		t.Errorf("composed bound %v, norm %v", composed, truth)
	}
	if r, err := net.Rounding(p.Layers, 1, 0); err != nil || len(r.Layers) != 3 {
		t.Errorf("%d layers rounded, %v", len(r.Layers), err)
	}
}

// enter adds a kind to its table, by the name new, until the test ends.
func enter[K any](t *testing.T, table map[string]K, kind K) {
	table["new"] = kind
	t.Cleanup(func() { delete(table, "new") })
}

// leaky is x where x > 0, and 0.75·x elsewhere.
var leaky = activationKind{
	name:  "leaky",
	apply: func(x *Node, _ Activation, _ []*Node) *Node { return Max(x, MulScalar(x, 0.75)) },
	bound: slopes,
	rounding: func(_ []*tensors.Tensor, in Size, _, norm float64) (roundoff, error) {
		return roundoff{fresh: outward(u32*norm + tiny*math.Sqrt(float64(in.Entries())))}, nil
	},
}

// scaling multiplies each channel by a weight.
type scaling struct{}

func (scaling) String() string            { return "scaling" }
func (scaling) Out(in Size) (Size, error) { return in, nil }

func (scaling) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	return []*Node{variable(scope, g, "scale", 1, in[len(in)-1])}
}

func (scaling) Apply(x *Node, w []*Node) *Node { return Mul(x, ExpandLeftToRank(w[0], x.Rank())) }

func (scaling) Bound(w []*tensors.Tensor, in Size) Bound {
	most := 0.0
	for _, s := range flat(w[0]) {
		most = max(most, math.Abs(float64(s)))
	}
	return Bound{most, "largest weight"}
}

func (scaling) operator(w []*tensors.Tensor, in Size) (operator, bool) {
	o, scale := operator{columns: in.Entries()}, flat(w[0])
	for i := range in.Entries() {
		o.rows = append(o.rows, []entry{{i, float64(scale[i%len(scale)])}})
	}
	return o, true
}

func (scaling) rounding(_ []*tensors.Tensor, in Size, bound, norm float64) (roundoff, error) {
	return roundoff{fresh: sums(1, in.Entries(), bound, norm, 0)}, nil
}

// TestEveryKind: each kind of each table takes the common tests.
func TestEveryKind(t *testing.T) {
	missing := map[string]bool{}
	for _, k := range denses {
		missing["dense "+k.name] = true
	}
	for k := range convolutions {
		missing["convolution "+k] = true
	}
	for _, k := range residuals {
		missing["residual "+k.name] = true
	}
	for _, k := range activations {
		missing["activation "+k.name] = true
	}
	for _, c := range trainedLayers {
		switch l := c.layer.(type) {
		case Dense:
			delete(missing, "dense "+l.kind().name)
		case Convolution:
			delete(missing, "convolution "+l.Kind)
		case Residual:
			delete(missing, "residual "+l.kind().name)
		case Activation:
			delete(missing, "activation "+l.kind().name)
		}
	}
	if len(missing) > 0 {
		t.Errorf("not among the trained layers: %v", slices.Sorted(maps.Keys(missing)))
	}
}
