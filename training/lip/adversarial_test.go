package lip

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// hardLayers are layers with more than one sum, and those whose roundoff isn't that of a sum.
var hardLayers = []layerCase{
	{Dense{Units: 9}, Size{31}, false},
	{Dense{Units: 3}, Size{600}, false},
	{Sandwich{17}, Size{31}, false},
	{Convolution{Kind: "free", Kernel: 3, Channels: 4, Padding: Zero, Stride: 2}, Size{9, 7, 2},
		false},
	{Convolution{Kind: "cayley", Kernel: 3, Channels: 4}, Size{5, 6, 3}, false},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 3}, Size{5, 7, 3}, false},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 3, Padding: Zero}, Size{7, 5, 3}, false},
	{Affine{Kernel: 3}, Size{7, 5, 4}, false},
	{Residual{Kernel: 3, Inner: 3}, Size{7, 7, 4}, false},
	{Residual{Kernel: 1, Inner: 20}, Size{17}, false},
	{Activation{}, Size{5, 3, 6}, false},
	{Activation{Kind: "groupsort", Group: 3}, Size{3, 3, 6}, false},
	{Activation{Kind: "abs"}, Size{5, 3, 3}, false},
	{Activation{Kind: "beta-abs"}, Size{5, 3, 3}, false},
	{Centring{}, Size{5, 3, 3}, false},
	{SpatialShift{}, Size{5, 3, 9}, false},
	{Activation{Kind: "relu"}, Size{5, 3, 3}, false},
	{Activation{Kind: "householder"}, Size{5, 3, 6}, false},
	{NormPool{3}, Size{9, 6, 2}, false},
	{AveragePool{3}, Size{9, 6, 2}, false},
	{Depth{3}, Size{9, 3, 3}, false},
	{Flat{}, Size{5, 3, 3}, false},
}

// hardWeights change a layer's weights: as they are, large, small, of sizes far apart, cancelling
// each other, of one sign, and so small that products or the weights themselves underflow.
var hardWeights = []func(r *rand.Rand, i int, v float64) float64{
	func(_ *rand.Rand, _ int, v float64) float64 { return v },
	func(_ *rand.Rand, _ int, v float64) float64 { return 1e4 * v },
	func(_ *rand.Rand, _ int, v float64) float64 { return 1e-4 * v },
	func(r *rand.Rand, _ int, v float64) float64 { return v * math.Exp(3*r.NormFloat64()) },
	func(r *rand.Rand, i int, _ float64) float64 { return float64(1-2*(i%2)) + 1e-6*r.NormFloat64() },
	func(_ *rand.Rand, _ int, v float64) float64 { return math.Abs(v) },
	func(_ *rand.Rand, _ int, v float64) float64 { return 1e-20 * v },
	func(_ *rand.Rand, _ int, v float64) float64 { return 1e-39 * v },
}

// hardImages are inputs of a layer: normal, of one sign, nearly cancelling, of sizes far apart, far
// away, and so small that products or the entries themselves underflow.
func hardImages(r *rand.Rand, in Size) (x []float32) {
	for i := range 7 {
		for j := range in.Entries() {
			z := r.NormFloat64()
			alternating := float64(1-2*(j%2)) * (1 + 1e-6*z)
			x = append(x, float32([]float64{z, 30 * math.Abs(z), alternating,
				z * math.Exp(5*z), 1e6 * z, 1e-20 * z, 1e-38 * z}[i]))
		}
	}
	return x
}

// TestAdversarialRounding: float32's error is below its bound for hard weights and images, on XLA,
// which flushes denormals to zero, and in pure Go.
func TestAdversarialRounding(t *testing.T) {
	for _, c := range hardLayers {
		r := rand.New(rand.NewPCG(23, uint64(c.in.Entries())))
		trained := must(Trained(pure, c.layer, c.in, 20))
		x := hardImages(r, c.in)
		xs := tensors.FromFlatDataAndDimensions(x, append([]int{7}, c.in...)...)
		var execs []*Exec
		for _, on := range []compute.Backend{backend, pure} {
			execs = append(execs, must(NewExec(on, func(v []*Node) *Node {
				return c.layer.Apply(v[0], v[1:])
			})))
		}
		worst := 0.0
		for kind, change := range hardWeights {
			if len(trained) == 0 && kind > 0 {
				break
			}
			var w []*tensors.Tensor
			for _, v := range trained {
				values := flat(v)
				for i := range values {
					values[i] = float32(change(r, i, float64(values[i])))
				}
				w = append(w, tensors.FromFlatDataAndDimensions(values, v.Shape().Dimensions...))
			}
			worst = max(worst, c.hard(t, kind, w, xs, execs))
		}
		for _, e := range execs {
			e.Finalize()
		}
		t.Logf("%-50v bound attained to %.3f", c.layer, worst)
	}
}

// hard returns by how much of its bound float32 is off at most, over the inputs xs.
func (c layerCase) hard(t *testing.T, kind int, w []*tensors.Tensor, xs *tensors.Tensor,
	execs []*Exec) (worst float64) {
	x, exact := flat(xs), wide(c.layer, c.in, w, xs)
	count := xs.Shape().Dim(0)
	n, out := c.in.Entries(), len(exact)/count
	bound := c.layer.Bound(w, c.in).Value()
	for k, exec := range execs {
		args := []any{must(xs.LocalClone())}
		for _, v := range w {
			args = append(args, must(v.LocalClone()))
		}
		y := flat(must(exec.Call(args...))[0])
		for i := range count {
			b, err := c.layer.(roundingLayer).rounding(w, c.in, bound,
				norm(x[i*n:][:n])*(1+1e-12))
			if err != nil {
				t.Fatal(err)
			}
			e := distance(y[i*out:][:out], exact[i*out:][:out])
			if !(e <= b.fresh) {
				t.Errorf("%v, weights %d, image %d, backend %d: off by %g, bound %g", c.layer, kind,
					i, k, e, b.fresh)
			}
			if !math.IsInf(b.fresh, 1) {
				worst = max(worst, e/b.fresh)
			}
		}
	}
	return worst
}

// TestHouseholderRounding: near the plane where Householder switches, and for any direction.
func TestHouseholderRounding(t *testing.T) {
	r := rand.New(rand.NewPCG(29, 29))
	c := layerCase{Activation{Kind: "householder"}, Size{64}, false}
	const count = 2000
	var angles []float32
	for range 32 {
		angles = append(angles, float32(10*r.NormFloat64()))
	}
	v := run(pure, func(in []*Node) []*Node { return []*Node{directions(in[0])} },
		tensors.FromValue(angles))[0]
	d, x := flat(v), make([]float32, count*64)
	for i := range count {
		scale := math.Exp(10 * r.NormFloat64())
		for j := range 32 {
			// Along the plane v·p = 0, and off by rounding errors.
			a, b := scale*float64(d[32+j]), scale*float64(d[j])
			x[i*64+j] = float32(a * (1 + float64(r.IntN(5)-2)*0x1p-24))
			x[i*64+32+j] = float32(b * (1 + float64(r.IntN(5)-2)*0x1p-24))
		}
	}
	xs := tensors.FromFlatDataAndDimensions(x, count, 64)
	for _, on := range []compute.Backend{backend, pure} {
		exec := must(NewExec(on, func(v []*Node) *Node { return c.layer.Apply(v[0], v[1:]) }))
		worst := c.hard(t, 0, []*tensors.Tensor{v}, xs, []*Exec{exec})
		t.Logf("bound attained to %.3f", worst)
		exec.Finalize()
	}
}
