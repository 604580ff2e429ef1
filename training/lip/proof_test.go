package lip

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"
)

func TestLogitGap(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, c := range []struct {
		w           []float32
		in, classes int
		want        float64
	}{
		{[]float32{1, 0, 0, 1}, 2, 2, math.Sqrt2},
		{[]float32{3, 0, 0, 0, 4, 0}, 2, 3, 5},
		{[]float32{1, 1, 1, 1}, 2, 2, 0},
		{[]float32{0.1, 0.3}, 1, 2, float64(float32(0.3)) - float64(float32(0.1))},
	} {
		if got := LogitGap(c.w, c.in, c.classes).Value(); got < c.want ||
			got > c.want*(1+1e-12)+1e-100 {
			t.Errorf("LogitGap(%v) = %v, want %v", c.w, got, c.want)
		}
	}
	// Against the norm of the difference of columns by gonum, and never above √2 times the norm.
	w := floats(r, 50*7)
	m := mat.NewDense(50, 7, nil)
	for i, v := range w {
		m.Set(i/7, i%7, float64(v))
	}
	want := 0.0
	for a := range 7 {
		for b := range a {
			var d mat.VecDense
			d.SubVec(m.ColView(a), m.ColView(b))
			want = max(want, d.Norm(2))
		}
	}
	if got := LogitGap(w, 50, 7).Value(); got < want*(1-1e-15) || got > want*(1+1e-12) ||
		got > math.Sqrt2*SpectralNorm(m).Value() {
		t.Errorf("LogitGap %v, want %v", got, want)
	}
}

// newChain is a network of these layers with its weights at the start of training.
func newChain(t *testing.T, in Size, layers ...Layer) (c Chain) {
	t.Helper()
	c.Layers = layers
	for _, l := range layers {
		c.Sizes = append(c.Sizes, in)
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
			w := l.Weights(scope.In("layer_%d", i), x.Graph(), c.Sizes[i])
			counts = append(counts, len(w))
			out = append(out, w...)
		}
		return out
	}))
	defer exec.Finalize()
	all := must(exec.Call(float32(0)))[1:]
	for _, n := range counts {
		c.Weights = append(c.Weights, all[:n])
		all = all[n:]
	}
	return c
}

// apply takes x through all layers, w their weights.
func (c Chain) apply(x *Node, w []*Node) *Node {
	for i, l := range c.Layers {
		n := len(c.Weights[i])
		x, w = l.Apply(x, w[:n]), w[n:]
	}
	return x
}

// provedChains are networks, linear or not, and whether Composed is shorter than Product.
var provedChains = []struct {
	layers  []Layer
	in      Size
	linear  bool
	shorter bool
}{
	{[]Layer{Dense{Kind: "free", Units: 12}, Dense{Kind: "aol", Units: 9}, Dense{Units: 4}},
		Size{15}, true, true},
	{[]Layer{Convolution{Kind: "aol", Kernel: 3, Channels: 4, Padding: Zero}, AveragePool{3},
		Depth{2}, Affine{Kernel: 1}, Flat{}, Dense{Kind: "normalised", Units: 3}},
		Size{6, 12, 2}, true, true},
	{[]Layer{Convolution{Kind: "spectral", Kernel: 3, Channels: 6, Stride: 2, Groups: 2},
		Convolution{Kind: "cayley", Kernel: 3, Channels: 4},
		Convolution{Kind: "cayley", Kernel: 1, Channels: 4, Stride: 1, Groups: 2}, Flat{},
		Dense{Units: 3}}, Size{6, 10, 2}, true, true},
	{[]Layer{Convolution{Kind: "cayley", Kernel: 1, Channels: 4, Stride: 2, Groups: 2},
		Convolution{Kind: "aol", Kernel: 1, Channels: 4}, Flat{}, Dense{Units: 3}},
		Size{6, 10, 2}, true, true},
	{[]Layer{Convolution{Kind: "aol", Kernel: 3, Channels: 4}, AveragePool{2}, Activation{},
		Flat{}, Dense{Kind: "spectral", Units: 8}, Activation{Kind: "abs"}, Dense{Units: 3}},
		Size{6, 4, 2}, false, true},
	{[]Layer{Depth{2}, Convolution{Kind: "bcop", Kernel: 1, Channels: 4}, Activation{}, Flat{},
		Dense{Units: 3}}, Size{6, 4, 2}, false, false},
	{[]Layer{Flat{}, Sandwich{9}, Residual{Kernel: 1, Inner: 9}, Activation{Kind: "relu"},
		Dense{Kind: "free", Units: 3}}, Size{6, 4, 2}, false, false},
	// SOC's series has no matrix here: the runs beside it have.
	{[]Layer{Convolution{Kind: "soc", Kernel: 3, Channels: 4}, AveragePool{2}, Flat{},
		Dense{Kind: "free", Units: 3}}, Size{6, 4, 2}, false, false},
}

// TestProve compares, for each network, the largest slope observed ≤ the bound of composed linear
// runs ≤ the product of bounds. The middle one is exact for a linear network.
func TestProve(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-72s %9s %9s %9s\n", "layers", "observed", "composed", "product")
	for _, c := range provedChains {
		net := newChain(t, c.in, c.layers...)
		p := net.Prove()
		product, composed := p.Product.Value(), p.Composed.Value()
		observed := 0.0
		net.observedGaps(t, func(a, b int, slope float64) {
			observed = max(observed, slope)
			if pair := p.Pairs[a][b]; !(slope <= pair*(1+1e-5)) || p.Pairs[b][a] != pair {
				t.Errorf("%v: logits %d and %d: slope %v, bound %v", c.layers, a, b, slope, pair)
			}
		})
		widest := slices.Max(slices.Concat(p.Pairs...))
		if !(widest <= composed && composed <= widest*(1+1e-9)) {
			t.Errorf("%v: largest bound of a pair %v, of all %v", c.layers, widest, composed)
		}
		if c.linear {
			truth := 0.0
			net.linearGaps(func(a, b int, norm float64) {
				truth = max(truth, norm)
				if pair := p.Pairs[a][b]; !(norm <= pair*(1+1e-5) && pair <= norm*(1+1e-4)) {
					t.Errorf("%v: logits %d and %d: norm %v, bound %v", c.layers, a, b, norm, pair)
				}
			})
			if !(truth <= composed*(1+1e-5) && composed <= truth*(1+1e-4)) {
				t.Errorf("%v: composed bound %v, norm %v", c.layers, composed, truth)
			}
		}
		fmt.Fprintf(&table, "%-72.72s %9.5f %9.5f %9.5f\n", fmt.Sprint(c.layers), observed,
			composed, product)
		if !(observed <= composed*(1+1e-5) && composed <= product) || observed < 0.1*composed {
			t.Errorf("%v: observed %v, composed %v, product %v", c.layers, observed, composed,
				product)
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

// observedGaps calls each with the largest slope observed of the difference of every two logits.
func (c Chain) observedGaps(t *testing.T, each func(a, b int, slope float64)) {
	t.Helper()
	classes := c.Layers[len(c.Layers)-1].(Dense).Units
	for a := range classes {
		for b := range a {
			difference := func(x *Node, w []*Node) *Node {
				z := Split(c.apply(x, w), 1, classes)
				return Sub(z[a], z[b])
			}
			s, _, err := Observed(pure, difference, slices.Concat(c.Weights...), c.Sizes[0], 25)
			if err != nil {
				t.Fatal(err)
			}
			each(a, b, s)
		}
	}
}

// linearGaps calls each with the norm of the difference of every two logits of a linear network.
func (c Chain) linearGaps(each func(a, b int, norm float64)) {
	in, classes := c.Sizes[0], c.Layers[len(c.Layers)-1].(Dense).Units
	n := in.Entries()
	inputs := []*tensors.Tensor{eye(n, in), zeros(append(Size{n}, in...)...)}
	g := run(pure, func(v []*Node) []*Node {
		return []*Node{Sub(c.apply(v[0], v[2:]), c.apply(v[1], v[2:]))}
	}, append(inputs, slices.Concat(c.Weights...)...)...)
	m := matrix(g[0], n, classes)
	for a := range classes {
		for b := range a {
			var d mat.VecDense
			d.SubVec(m.ColView(a), m.ColView(b))
			each(a, b, d.Norm(2))
		}
	}
}

// eye is every image with one entry of 1.
func eye(n int, in Size) *tensors.Tensor {
	basis := make([]float32, n*n)
	for i := range n {
		basis[i*n+i] = 1
	}
	return tensors.FromFlatDataAndDimensions(basis, append(Size{n}, in...)...)
}
