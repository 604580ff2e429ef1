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

// TestRounding: the margins of float32, on XLA and in pure Go, are off from those of float64 by less than the proof says, which isn't
// absurd; images in [0, 1], noisy ones, and as far from grey as can be.
func TestRounding(t *testing.T) {
	const classes, images, side = 5, 40, 12
	pure, err := device.PureGo()
	if err != nil {
		t.Fatal(err)
	}
	head := []lip.Layer{lip.Flat{}, lip.Dense{Units: 32}, lip.Activation{}, lip.Dense{Units: classes}}
	body := func(layers ...lip.Layer) []lip.Layer {
		first := []lip.Layer{lip.Depth{By: 2}, lip.Convolution{Kind: "aol", Kernel: 3, Channels: 4}, lip.Activation{}}
		return slices.Concat(first, layers, head)
	}
	nets := map[string][]lip.Layer{
		"dense":    head,
		"conv":     body(lip.Depth{By: 2}, lip.Convolution{Kind: "bcop", Kernel: 3, Channels: 8}, lip.Activation{}),
		"residual": body(lip.Residual{Kernel: 3, Inner: 8}, lip.AveragePool{By: 2}, lip.Residual{Kind: "cpl", Kernel: 3, Inner: 4}),
		"affine":   body(lip.Affine{Kernel: 3}, lip.Activation{}, lip.NormPool{By: 2}, lip.Affine{Kernel: 3, Padding: lip.Zero}),
		"sandwich": {lip.Flat{}, lip.Sandwich{Units: 32}, lip.Sandwich{Units: 16}, lip.Dense{Units: classes, Kind: "normalised"}},
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
		n, err := New(lip.Size{side, side, 1}, classes, s)
		if err != nil {
			t.Fatal(err)
		}
		nets[fmt.Sprintf("%s %s %s", s.Architecture, s.Convolution, s.Padding)] = n.Layers
	}
	for name, layers := range nets {
		n, err := Of(lip.Size{side, side, 1}, layers...)
		if err != nil {
			t.Fatal(err)
		}
		store := model.NewStore()
		store.SetParam(model.ParamInitialSeed, int64(3))
		var counts []int
		flat, err := model.CallOnceN(pure, store, func(scope *model.Scope, g *Graph) (all []*Node) {
			counts = nil
			for _, w := range n.Effective(scope.In("model"), g) {
				counts, all = append(counts, len(w)), append(all, w...)
			}
			return all
		})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(5, 6))
		weights, all := make([][]*tensors.Tensor, len(layers)), flat
		for i, c := range counts {
			for j, w := range all[:c] {
				if j == c-1 { // the bias, which is 0 so far
					b := tensors.MustCopyFlatData[float32](w)
					for k := range b {
						b[k] = float32(0.1 * r.NormFloat64())
					}
					w = tensors.FromFlatDataAndDimensions(b, w.Shape().Dimensions...)
				}
				weights[i] = append(weights[i], w)
			}
			all = all[c:]
		}
		p := n.Prove(weights)
		const sigma = 0.5
		const reach = side/2. + sigma*(side+12)
		proof, err := n.Rounding(weights, p, reach)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, images*side*side)
		for i := range x {
			switch i / (side * side) % 3 {
			case 0:
				x[i] = r.Float32()
			case 1:
				x[i] = float32(r.Float64() + sigma*r.NormFloat64())
			case 2:
				x[i] = float32(0.5 + reach/side*0.999*float64(1-2*r.IntN(2)))
			}
		}
		logits := func(on compute.Backend, dtype dtypes.DType, f func(z, x *Node) *Node) []float64 {
			in := []any{tensors.FromFlatDataAndDimensions(x, images, side, side, 1)}
			for _, w := range slices.Concat(weights...) {
				own, err := w.LocalClone()
				if err != nil {
					t.Fatal(err)
				}
				in = append(in, own)
			}
			z := MustExecOnce(on, func(v []*Node) *Node {
				for i := range v {
					v[i] = ConvertDType(v[i], dtype)
				}
				w, rest := make([][]*Node, len(weights)), v[1:]
				for i := range w {
					w[i], rest = rest[:len(weights[i])], rest[len(weights[i]):]
				}
				return ConvertDType(f(n.Logits(v[0], w), v[0]), dtypes.Float64)
			}, in...)
			return tensors.MustCopyFlatData[float64](z)
		}
		plain := func(z, _ *Node) *Node { return z }
		bound := proof.Margin.Value()
		if strings.Contains(name, "cayley") || strings.Contains(name, "soc") { // whose graphs are of float32 alone: two ways to round
			if most := margins(logits(backend, dtypes.Float32, plain), logits(pure, dtypes.Float32, plain), classes); most > 2*bound {
				t.Errorf("%s: margins differ by %g, bound %g", name, most, bound)
			}
			continue
		}
		// The last images go as far as they can to where the largest logit and another are far apart.
		gradient := logits(pure, dtypes.Float64, func(z, x *Node) *Node {
			return Gradient(Sub(ReduceAllSum(ReduceMax(z, 1)), ReduceAllSum(SliceAxis(z, 1, AxisElem(0)))), x)[0]
		})
		for i := 3 * images / 4; i < images; i++ {
			g, size := gradient[i*side*side:][:side*side], 1e-30
			for _, v := range g {
				size += v * v
			}
			for k, v := range g {
				x[i*side*side+k] = float32(0.5 + 0.999*reach*v/math.Sqrt(size))
			}
		}
		exact := logits(pure, dtypes.Float64, plain)
		for _, on := range []compute.Backend{backend, pure} {
			most := margins(logits(on, dtypes.Float32, plain), exact, classes)
			t.Logf("%-16s %-10s off by %.3g, bound %.3g", name, on.Name(), most, bound)
			// Errors of either sign cancel, and an untrained sandwich shrinks what it passes on.
			if most > bound || most < 5e-5*bound {
				t.Errorf("%s on %s: margins are off by %g, bound %g", name, on.Name(), most, bound)
			}
		}
	}
	// What has no proof is an error.
	n, err := Of(lip.Size{4, 4, 2}, lip.Activation{Kind: "householder"}, lip.Flat{}, lip.Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	w := [][]*tensors.Tensor{{normal(rand.New(rand.NewPCG(1, 1)), 1)}, nil, {normal(rand.New(rand.NewPCG(1, 2)), 32, 2), normal(rand.New(rand.NewPCG(1, 3)), 2)}}
	if _, err := n.Rounding(w, n.Prove(w), 1); err == nil || err.Error() != "Householder: nothing is proved of its rounding in float32" {
		t.Errorf("Householder: %v", err)
	}
}
