package net

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// margins returns by how much a difference of two logits differs at most.
func margins(a, b []float64, classes int) (most float64) {
	for i := range a {
		for j := i / classes * classes; j < i; j++ {
			most = max(most, math.Abs(a[i]-a[j]-(b[i]-b[j])))
		}
	}
	return most
}

const (
	roundedClasses, roundedImages, roundedSide = 5, 40, 12
	roundedSigma                               = 0.5
	roundedReach                               = roundedSide/2. + roundedSigma*(roundedSide+12)
)

// roundedNets are networks with every kind of layer, by name.
func roundedNets(t *testing.T) map[string]*Network {
	t.Helper()
	in := lip.Size{roundedSide, roundedSide, 1}
	head := []lip.Layer{lip.Flat{}, lip.Dense{Units: 32}, lip.Activation{},
		lip.Dense{Units: roundedClasses}}
	body := func(layers ...lip.Layer) []lip.Layer {
		aol := lip.Convolution{Kind: "aol", Kernel: 3, Channels: 4}
		return slices.Concat([]lip.Layer{lip.Depth{By: 2}, aol, lip.Activation{}}, layers, head)
	}
	nets := map[string]*Network{}
	for name, layers := range map[string][]lip.Layer{
		"dense": head,
		"conv": body(lip.Depth{By: 2}, lip.Convolution{Kind: "bcop", Kernel: 3, Channels: 8},
			lip.Activation{}),
		"residual": body(lip.Residual{Kernel: 3, Inner: 8}, lip.AveragePool{By: 2},
			lip.Residual{Kind: "cpl", Kernel: 3, Inner: 4}),
		"affine": body(lip.Affine{Kernel: 3}, lip.Activation{Kind: "householder"}, lip.NormPool{By: 2},
			lip.Affine{Kernel: 3, Padding: lip.Zero}),
		"sandwich": {lip.Flat{}, lip.Sandwich{Units: 32}, lip.Sandwich{Units: 16},
			lip.Dense{Units: roundedClasses, Kind: "normalised"}},
	} {
		n, err := Of(in, layers...)
		if err != nil {
			t.Fatal(err)
		}
		nets[name] = n
	}
	settings := []Setting{{Architecture: "conv", Convolution: "soc", Padding: lip.Zero}}
	for name := range Architectures {
		settings = append(settings, Setting{Architecture: name, Convolution: "aol"})
	}
	for _, kind := range lip.Convolutions() {
		settings = append(settings, Setting{Architecture: "conv", Convolution: kind})
	}
	for _, s := range settings {
		s.Width = 4
		n, err := New(in, roundedClasses, s)
		if err != nil {
			t.Fatal(err)
		}
		nets[fmt.Sprintf("%s %s %s", s.Architecture, s.Convolution, s.Padding)] = n
	}
	return nets
}

// byLayer cuts the effective weights of all layers, in order.
func byLayer(t *testing.T, n *Network, all []*tensors.Tensor) [][]*tensors.Tensor {
	t.Helper()
	weights := make([][]*tensors.Tensor, len(n.Layers))
	_, err := model.CallOnceN(backend, model.NewStore(),
		func(scope *model.Scope, g *Graph) []*Node {
			for i, w := range n.Effective(scope.In("model"), g) {
				weights[i], all = all[:len(w)], all[len(w):]
			}
			return []*Node{Const(g, 0)}
		})
	if err != nil {
		t.Fatal(err)
	}
	return weights
}

// biased are the network's weights at the start of training, with random biases.
func biased(t *testing.T, n *Network, on compute.Backend, r *rand.Rand) [][]*tensors.Tensor {
	t.Helper()
	store := model.NewStore()
	store.SetParam(model.ParamInitialSeed, int64(3))
	all, err := model.CallOnceN(on, store, func(scope *model.Scope, g *Graph) []*Node {
		return slices.Concat(n.Effective(scope.In("model"), g)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	weights := byLayer(t, n, all)
	for _, w := range weights {
		last := len(w) - 1
		if last > 0 && w[last].Rank() == 2 {
			last-- // scales of prototypes
		}
		if last >= 0 {
			d := w[last].Shape().Dimensions
			b := make([]float32, lip.Size(d).Entries())
			for k := range b {
				b[k] = float32(0.1 * r.NormFloat64())
			}
			w[last] = tensors.FromFlatDataAndDimensions(b, d...)
		}
	}
	return weights
}

// evaluate runs f of the logits and images on a backend in this type, x of [images, side, side, 1].
func evaluate(t *testing.T, n *Network, weights [][]*tensors.Tensor, x []float32,
	e evaluation) []float64 {
	t.Helper()
	in := []any{tensors.FromFlatDataAndDimensions(x, roundedImages, roundedSide, roundedSide, 1)}
	for _, w := range slices.Concat(weights...) {
		own, err := w.LocalClone()
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, own)
	}
	z := MustExecOnce(e.on, func(v []*Node) *Node {
		for i := range v {
			v[i] = ConvertDType(v[i], e.dtype)
		}
		w, rest := make([][]*Node, len(weights)), v[1:]
		for i := range w {
			w[i], rest = rest[:len(weights[i])], rest[len(weights[i]):]
		}
		z := n.Logits(v[0], w)
		if e.f != nil {
			z = e.f(z, v[0])
		}
		return ConvertDType(z, dtypes.Float64)
	}, in...)
	return tensors.MustCopyFlatData[float64](z)
}

// An evaluation is of logits, or of f of logits and images where f isn't nil.
type evaluation struct {
	on    compute.Backend
	dtype dtypes.DType
	f     func(z, x *Node) *Node
}

// TestRounding: the margins of float32, on XLA and in pure Go, are off from the margins of float64
// by less than the proof says, and the proof isn't absurd. The images are in [0, 1], noisy, and as
// far from grey as can be.
func TestRounding(t *testing.T) {
	pure, err := device.PureGo()
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range roundedNets(t) {
		r := rand.New(rand.NewPCG(5, 6))
		weights := biased(t, n, pure, r)
		proof, err := n.Rounding(weights, n.Prove(weights), roundedReach)
		if err != nil {
			t.Fatal(err)
		}
		bound := proof.Margin.Value()
		x := hardImages(r)
		logits := func(on compute.Backend, dtype dtypes.DType) []float64 {
			return evaluate(t, n, weights, x, evaluation{on: on, dtype: dtype})
		}
		// The graphs of BRO, Cayley and SOC are of float32 alone: two ways to round.
		if slices.ContainsFunc([]string{"bro", "cayley", "soc"}, func(kind string) bool {
			return strings.Contains(name, kind)
		}) {
			a, b := logits(backend, dtypes.Float32), logits(pure, dtypes.Float32)
			if most := margins(a, b, roundedClasses); most > 2*bound {
				t.Errorf("%s: margins differ by %g, bound %g", name, most, bound)
			}
			continue
		}
		gradient := evaluate(t, n, weights, x,
			evaluation{pure, dtypes.Float64, func(z, x *Node) *Node {
				first := ReduceAllSum(SliceAxis(z, 1, AxisElem(0)))
				return Gradient(Sub(ReduceAllSum(ReduceMax(z, 1)), first), x)[0]
			}})
		spread(x, gradient)
		exact := logits(pure, dtypes.Float64)
		for _, on := range []compute.Backend{backend, pure} {
			most := margins(logits(on, dtypes.Float32), exact, roundedClasses)
			t.Logf("%-16s %-10s off by %.3g, bound %.3g", name, on.Name(), most, bound)
			// Errors of either sign cancel, and an untrained sandwich shrinks what it passes on.
			if most > bound || most < 5e-5*bound {
				t.Errorf("%s on %s: margins are off by %g, bound %g", name, on.Name(), most, bound)
			}
		}
	}
}

// hardImages are in [0, 1], noisy, or as far from grey as can be.
func hardImages(r *rand.Rand) []float32 {
	x := make([]float32, roundedImages*roundedSide*roundedSide)
	for i := range x {
		switch i / (roundedSide * roundedSide) % 3 {
		case 0:
			x[i] = r.Float32()
		case 1:
			x[i] = float32(r.Float64() + roundedSigma*r.NormFloat64())
		case 2:
			x[i] = float32(0.5 + roundedReach/roundedSide*0.999*float64(1-2*r.IntN(2)))
		}
	}
	return x
}

// spread makes the last images go as far as they can to where the largest logit and another are far
// apart.
func spread(x []float32, gradient []float64) {
	const size = roundedSide * roundedSide
	for i := 3 * roundedImages / 4; i < roundedImages; i++ {
		g, square := gradient[i*size:][:size], 1e-30
		for _, v := range g {
			square += v * v
		}
		for k, v := range g {
			x[i*size+k] = float32(0.5 + 0.999*roundedReach*v/math.Sqrt(square))
		}
	}
}

// TestUnrounded: a layer without a proof of its rounding is an error.
func TestUnrounded(t *testing.T) {
	n, err := Of(lip.Size{4, 4, 2}, lip.Activation{Kind: "householder"}, lip.Flat{},
		lip.Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	w := [][]*tensors.Tensor{{normal(r, 1)}, nil, {normal(r, 32, 2), normal(r, 2)}}
	want := "Householder: nothing is proved of its rounding in float32"
	if _, err := n.Rounding(w, n.Prove(w), 1); err == nil || err.Error() != want {
		t.Errorf("Householder: %v", err)
	}
}

// A network whose partial sums may overflow float32 has no rounding bound: a ReLU could hide an
// infinity, and the logits would be finite and wrong.
func TestOverflow(t *testing.T) {
	n, err := Of(lip.Size{2, 2, 2}, lip.Flat{}, lip.Dense{Units: 4}, lip.Activation{Kind: "relu"},
		lip.Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	w := [][]*tensors.Tensor{nil, {normal(r, 8, 4), normal(r, 4)}, nil, {normal(r, 4, 2), normal(r,
		2)}}
	if _, err := n.Rounding(w, n.Prove(w), 1); err != nil {
		t.Fatal(err)
	}
	for _, layer := range []int{1, 3} {
		tensors.MustMutableFlatData(w[layer][0], func(v []float32) { v[0] = 1e38 })
		if _, err := n.Rounding(w, n.Prove(w), 10); err == nil {
			t.Errorf("layer %d: no error", layer)
		}
		tensors.MustMutableFlatData(w[layer][0], func(v []float32) { v[0] = 1 })
	}
}
