package lip

import (
	"fmt"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"
)

// chain is a network of these layers with its weights at the start of training.
type chain struct {
	layers  []Layer
	sizes   []Size
	weights [][]*tensors.Tensor
}

func newChain(t *testing.T, in Size, layers ...Layer) (c chain) {
	t.Helper()
	c.layers = layers
	for _, l := range layers {
		c.sizes = append(c.sizes, in)
		var err error
		if in, err = l.Out(in); err != nil {
			t.Fatal(err)
		}
	}
	store := model.NewStore()
	store.SetParam(model.ParamInitialSeed, int64(5))
	var counts []int
	exec := must(model.NewExec(pure, store, func(scope *model.Scope, x *Node) []*Node {
		out := []*Node{x}
		counts = nil
		for i, l := range layers {
			w := l.Weights(scope.In("layer_%d", i), x.Graph(), c.sizes[i])
			counts = append(counts, len(w))
			out = append(out, w...)
		}
		return out
	}))
	defer exec.Finalize()
	flat := must(exec.Call(float32(0)))[1:]
	for _, n := range counts {
		c.weights = append(c.weights, flat[:n])
		flat = flat[n:]
	}
	return c
}

func (c chain) apply(x *Node, w []*Node) *Node {
	for i, l := range c.layers {
		n := len(c.weights[i])
		x = l.Apply(x, w[:n])
		w = w[n:]
	}
	return x
}

func (c chain) flat() (w []*tensors.Tensor) {
	for _, l := range c.weights {
		w = append(w, l...)
	}
	return w
}

// TestProve: what ascent observes ≤ the bound of composed linear runs ≤ the product of bounds; the middle one
// is exact for a linear network.
func TestProve(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-72s %9s %9s %9s\n", "layers", "observed", "composed", "product")
	for _, c := range []struct {
		layers  []Layer
		in      Size
		linear  bool
		shorter bool
	}{
		{[]Layer{Dense{Kind: "free", Units: 12}, Dense{Kind: "aol", Units: 9}, Dense{Units: 4}}, Size{15}, true, true},
		{[]Layer{Convolution{Kind: "aol", Kernel: 3, Channels: 4, Padding: Zero}, AveragePool{3}, Depth{2}, Affine{Kernel: 1}, Flat{}, Dense{Kind: "normalised", Units: 3}}, Size{6, 12, 2}, true, true},
		{[]Layer{Convolution{Kind: "spectral", Kernel: 3, Channels: 6, Stride: 2, Groups: 2}, Convolution{Kind: "cayley", Kernel: 3, Channels: 4}, Convolution{Kind: "cayley", Kernel: 1, Channels: 4, Stride: 1, Groups: 2}, Flat{}, Dense{Units: 3}}, Size{6, 10, 2}, true, true},
		{[]Layer{Convolution{Kind: "cayley", Kernel: 1, Channels: 4, Stride: 2, Groups: 2}, Convolution{Kind: "aol", Kernel: 1, Channels: 4}, Flat{}, Dense{Units: 3}}, Size{6, 10, 2}, true, true},
		{[]Layer{Convolution{Kind: "aol", Kernel: 3, Channels: 4}, AveragePool{2}, Activation{}, Flat{}, Dense{Kind: "spectral", Units: 8}, Activation{Kind: "abs"}, Dense{Units: 3}}, Size{6, 4, 2}, false, true},
		{[]Layer{Depth{2}, Convolution{Kind: "bcop", Kernel: 1, Channels: 4}, Activation{}, Flat{}, Dense{Units: 3}}, Size{6, 4, 2}, false, false},
		{[]Layer{Flat{}, Sandwich{9}, Residual{Kernel: 1, Inner: 9}, Activation{Kind: "relu"}, Dense{Kind: "free", Units: 3}}, Size{6, 4, 2}, false, false},
		// SOC's series has no matrix here: the runs beside it have.
		{[]Layer{Convolution{Kind: "soc", Kernel: 3, Channels: 4}, AveragePool{2}, Flat{}, Dense{Kind: "free", Units: 3}}, Size{6, 4, 2}, false, false},
	} {
		net := newChain(t, c.in, c.layers...)
		p := Prove(net.layers, net.weights, net.sizes)
		product, composed := p.Product.Value(), p.Composed.Value()
		// Every pair's difference, times each of the others.
		last := c.layers[len(c.layers)-1].(Dense).Units
		pairs := func(x *Node, w []*Node) *Node {
			z := Split(net.apply(x, w), 1, last)
			var d []*Node
			for a := range z {
				for b := range a {
					d = append(d, Sub(z[a], z[b]))
				}
			}
			return Concatenate(d, 1)
		}
		observed, truth := 0.0, 0.0
		for pair := range last * (last - 1) / 2 {
			s, _, err := Observed(pure, func(x *Node, w []*Node) *Node { return SliceAxis(pairs(x, w), 1, AxisElem(pair)) }, net.flat(), c.in, 25)
			if err != nil {
				t.Fatal(err)
			}
			observed = max(observed, s)
		}
		if c.linear {
			n := c.in.Entries()
			g := run(pure, func(v []*Node) []*Node {
				return []*Node{Sub(net.apply(v[0], v[2:]), net.apply(v[1], v[2:]))}
			}, append([]*tensors.Tensor{eye(n, c.in), zeros(append(Size{n}, c.in...)...)}, net.flat()...)...)
			m := matrix(g[0], n, last)
			for a := range last {
				for b := range a {
					var d mat.VecDense
					d.SubVec(m.ColView(a), m.ColView(b))
					truth = max(truth, d.Norm(2))
				}
			}
			if !(truth <= composed*(1+1e-5) && composed <= truth*(1+1e-4)) {
				t.Errorf("%v: composed bound %v, norm %v", c.layers, composed, truth)
			}
		}
		fmt.Fprintf(&table, "%-72.72s %9.5f %9.5f %9.5f\n", fmt.Sprint(c.layers), observed, composed, product)
		if !(observed <= composed*(1+1e-5) && composed <= product) || observed < 0.1*composed {
			t.Errorf("%v: observed %v, composed %v, product %v", c.layers, observed, composed, product)
		}
		if c.shorter != (composed < product*(1-1e-6)) {
			t.Errorf("%v: composed %v, product %v", c.layers, composed, product)
		}
		for i, b := range p.Layers {
			if b.Proof() == "" || math.IsInf(b.Value(), 0) {
				t.Errorf("%v: no proof: %v", c.layers[i], b)
			}
		}
	}
	t.Log(table.String())
}

// eye is every image with one entry of 1.
func eye(n int, in Size) *tensors.Tensor {
	basis := make([]float32, n*n)
	for i := range n {
		basis[i*n+i] = 1
	}
	return tensors.FromFlatDataAndDimensions(basis, append(Size{n}, in...)...)
}

func TestObserved(t *testing.T) {
	net := newChain(t, Size{4, 5, 2}, Convolution{Kind: "free", Kernel: 3, Channels: 3})
	want := singular(t, convolutionMatrix(flat(net.weights[0][0]), Geometry{Size{3, 3}, Size{4, 5, 2}, 3, 1, false}))[0]
	last := 0.0
	for _, steps := range []int{1, 5, 60} {
		s, at, err := Observed(backend, net.apply, net.flat(), Size{4, 5, 2}, steps)
		if err != nil || at.Shape().String() != zeros(1, 4, 5, 2).Shape().String() {
			t.Fatal(at, err)
		}
		if !(s > last && s <= want*(1+1e-6)) {
			t.Errorf("%d steps: %v, before %v, the norm is %v", steps, s, last, want)
		}
		last = s
	}
	if last < 0.999*want {
		t.Errorf("60 steps: %v, the norm is %v", last, want)
	}
	// Where |x| is at most 1 the sine is steepest at 0, a map of norm 2.
	steep := func(x *Node, _ []*Node) *Node { return MulScalar(Sin(x), 2) }
	if s, _, err := Observed(pure, steep, nil, Size{1}, 100); err != nil || s > 2 || s < 1.9 {
		t.Errorf("2·sin: %v, %v", s, err)
	}
	if _, _, err := Observed(pure, net.apply, net.flat(), Size{40}, 1); err == nil {
		t.Error("a flat input to a convolution was observed")
	}
}
