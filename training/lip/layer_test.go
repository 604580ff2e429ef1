package lip

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"gonum.org/v1/gonum/mat"
)

// trained returns the effective weights of l in the last of so many steps of Adam towards random targets,
// on the pure-Go backend, where nothing is compiled.
func trained(t *testing.T, l Layer, in Size, steps int) (w []*tensors.Tensor) {
	t.Helper()
	out, err := l.Out(in)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(uint64(in.Entries()), uint64(out.Entries())))
	x, y := tensor(r, append(Size{32}, in...)...), tensor(r, append(Size{32}, out...)...)
	store := model.NewStore()
	store.SetParam(model.ParamInitialSeed, int64(1))
	adam := optimizer.Adam().LearningRate(0.02).Done()
	step := must(model.NewExec(pure, store, func(scope *model.Scope, x, y *Node) []*Node {
		w := l.Weights(scope.In("layer"), x.Graph(), in)
		loss := ReduceAllMean(Square(Sub(l.Apply(x, w), y)))
		adam.UpdateGraph(scope, x.Graph(), loss)
		return append([]*Node{loss}, w...)
	}))
	defer step.Finalize()
	var losses []float64
	for range steps {
		out := must(step.Call(x, y))
		losses, w = append(losses, float64(flat(out[0])[0])), out[1:]
	}
	if !(losses[steps-1] < losses[0]) {
		t.Errorf("%v: the loss went from %v to %v in %d steps", l, losses[0], losses[steps-1], steps)
	}
	for i, v := range w {
		w[i] = must(v.LocalClone())
	}
	return w
}

// dense is the matrix of the linear map f on images of this size: f of each basis vector, on the device.
func dense(f func(x, w *Node) *Node, in Size, w *tensors.Tensor) *mat.Dense {
	n := in.Entries()
	basis := make([]float32, n*n)
	for i := range n {
		basis[i*n+i] = 1
	}
	out := run(backend, func(v []*Node) []*Node { return []*Node{f(v[0], v[1])} },
		tensors.FromFlatDataAndDimensions(basis, append(Size{n}, in...)...), w)
	return matrix(out[0], n, out[0].Shape().Size()/n)
}

// TestTrainedLayers takes singular values of every weighted layer in the state it will be used in.
func TestTrainedLayers(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-24s %-8s %11s %11s %11s %8s\n", "layer", "in", "smallest", "largest", "bound", "excess")
	for _, c := range []struct {
		layer Layer
		in    Size
	}{
		{Dense{Units: 1}, Size{1}}, {Dense{Units: 12}, Size{12}}, {Dense{Units: 64}, Size{64}}, {Dense{Units: 16}, Size{49}}, {Dense{Units: 49}, Size{16}},
		{Convolution{Kind: "bcop", Kernel: 1, Channels: 4}, Size{3, 5, 6}},
		{Convolution{Kind: "bcop", Kernel: 3, Channels: 8}, Size{7, 7, 4}},
		{Convolution{Kind: "bcop", Kernel: 3, Channels: 4}, Size{5, 9, 8}},
		{Convolution{Kind: "bcop", Kernel: 5, Channels: 2}, Size{6, 5, 1}},
		{Convolution{Kind: "bcop", Kernel: 3, Channels: 6}, Size{6, 4, 6}},
		{Convolution{Kind: "aol", Kernel: 1, Channels: 5}, Size{3, 5, 3}},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 8}, Size{7, 7, 4}},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 2}, Size{5, 9, 6}},
		{Convolution{Kind: "aol", Kernel: 5, Channels: 3}, Size{5, 7, 3}},
		{Residual{Kernel: 1, Inner: 3}, Size{3, 5, 2}},
		{Residual{Kernel: 3, Inner: 8}, Size{7, 7, 4}},
		{Residual{Kernel: 3, Inner: 2}, Size{5, 9, 4}},
	} {
		w := trained(t, c.layer, c.in, 40)
		bound, m, isometric := c.layer.Bound(w, c.in).Value(), (*mat.Dense)(nil), true
		switch l := c.layer.(type) {
		case Dense:
			m = dense(func(x, w *Node) *Node { return DotProduct(x, w) }, c.in, w[0])
		case Convolution:
			m = dense(func(x, w *Node) *Node { return Conv(x, w, Circular, 1) }, c.in, w[0])
			isometric = l.Kind == "bcop"
		case Residual:
			steep(t, l, c.in, w, bound)
			// The rest is about the inner operator W.
			bound, isometric = l.InnerBound(w, c.in).Value(), false
			m = dense(func(x, w *Node) *Node { return Conv(x, w, Circular, 1) }, Size{c.in[0], c.in[1], l.Inner}, w[0])
		}
		s := singular(t, m)
		most, least := s[0], s[len(s)-1]
		fmt.Fprintf(&table, "%-24v %-8v %11.8f %11.8f %11.8f %8.1e\n", c.layer, c.in, least, most, bound, bound/most-1)
		// The device rounds to float32, so its matrix may be longer than the exact one.
		if !(most <= bound*(1+1e-6) && bound <= 1.02*most) {
			t.Errorf("%v on %v: bound %v, largest singular value %v", c.layer, c.in, bound, most)
		}
		if bound > 1+1e-4 {
			t.Errorf("%v on %v: bound %v of a 1-Lipschitz layer", c.layer, c.in, bound)
		}
		if isometric && least < 0.95 {
			t.Errorf("%v on %v: smallest singular value %v", c.layer, c.in, least)
		}
	}
	t.Log(table.String())
}

// steep checks bound against the Jacobian of l, bias included, at random points.
func steep(t *testing.T, l Residual, in Size, w []*tensors.Tensor, bound float64) {
	t.Helper()
	n := in.Entries()
	r := rand.New(rand.NewPCG(10, 10))
	jacobian := must(NewExec(backend, func(x, kernel, bias *Node) *Node {
		x = BroadcastToDims(x, append(Size{n}, in...)...)
		y := Reshape(l.Apply(x, []*Node{kernel, bias}), n, n)
		return Gradient(ReduceAllSum(Mul(y, identity(y, n))), x)[0]
	}))
	defer jacobian.Finalize()
	most := 0.0
	for range 3 {
		out := must(jacobian.Call(tensor(r, append(Size{1}, in...)...), w[0], w[1]))
		most = max(most, singular(t, matrix(out[0], n, n))[0])
	}
	if most > bound*(1+1e-6) || most < 0.5 {
		t.Errorf("%v on %v: a slope of %v, the bound is %v", l, in, most, bound)
	}
}

func TestBjorck(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, c := range []struct{ in, out, iterations int }{
		{1, 1, iterations}, {1, 6, iterations}, {40, 10, iterations}, {10, 40, iterations}, {300, 64, iterations}, {48, 64, iterations},
		{8, 8, 30}, {128, 128, 36}, // A square Gaussian matrix is nearly singular and takes more.
	} {
		exec := must(NewExec1(backend, func(w *Node) *Node { return Bjorck(w, c.iterations) }))
		for _, scale := range []float32{1e-3, 1, 1e3} {
			w := floats(r, c.in*c.out)
			for i := range w {
				w[i] *= scale
			}
			x := tensors.FromFlatDataAndDimensions(w, c.in, c.out)
			got := matrix(must(exec.Call(x)), c.in, c.out)
			s := singular(t, got)
			if math.Abs(s[0]-1) > 1e-3 || math.Abs(s[len(s)-1]-1) > 1e-3 {
				t.Errorf("%d×%d scaled by %g: singular values from %g to %g", c.in, c.out, scale, s[len(s)-1], s[0])
			}
			// The nearest orthonormal matrix is U·Vᵀ of the SVD.
			var svd mat.SVD
			svd.Factorize(matrix(x, c.in, c.out), mat.SVDThin)
			var u, v, polar mat.Dense
			svd.UTo(&u)
			svd.VTo(&v)
			polar.Mul(&u, v.T())
			if c.in != c.out && !mat.EqualApprox(got, &polar, 1e-4) {
				t.Errorf("%d×%d scaled by %g: not the nearest orthonormal matrix", c.in, c.out, scale)
			}
		}
		exec.Finalize()
	}
}

func TestBjorckFromBelow(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	// Rank 3 of 8, and zero: nothing to orthonormalise, but never NaN nor above 1.
	var low mat.Dense
	low.Mul(gaussian(r, 8, 3), gaussian(r, 3, 8))
	w := make([]float32, 64)
	for i := range w {
		w[i] = float32(low.At(i/8, i%8))
	}
	x, y := tensors.FromFlatDataAndDimensions(w, 8, 8), tensor(r, 32, 32)
	last := 0.0
	for _, n := range []int{1, 4, 12, 40} {
		out := run(backend, func(in []*Node) []*Node { return []*Node{Bjorck(in[0], n), Bjorck(in[1], n)} }, x, y)
		s := singular(t, matrix(out[0], 8, 8))
		if !(s[0] <= 1+1e-5) || s[3] > 0.99 && n < 40 {
			t.Errorf("rank 3, %d iterations: singular values %g", n, s)
		}
		s = singular(t, matrix(out[1], 32, 32))
		if !(s[0] <= 1+1e-5 && s[31] > last) {
			t.Errorf("%d iterations: singular values from %g, before %g, to %g", n, s[31], last, s[0])
		}
		last = s[31]
	}
	for _, v := range run1(backend, func(in []*Node) *Node { return Bjorck(in[0], 12) }, zeros(5, 4)) {
		if v != 0 {
			t.Fatalf("an entry of 0 became %v", v)
		}
	}
}

func TestAOL(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 12))
	for _, c := range [][2]int{{1, 1}, {5, 40}, {40, 5}, {32, 32}} {
		for _, scale := range []float32{0, 1e-3, 1, 1e3} {
			w := floats(r, c[0]*c[1])
			for i := range w {
				w[i] *= scale
			}
			out := run(backend, func(in []*Node) []*Node { return []*Node{AOL(in[0])} }, tensors.FromFlatDataAndDimensions(w, c[0], c[1]))
			if s := singular(t, matrix(out[0], c[0], c[1]))[0]; !(s <= 1+1e-6) || scale > 0 && s < 0.3 {
				t.Errorf("%v scaled by %g: norm %v", c, scale, s)
			}
		}
	}
	// Orthogonal rows stay what they are, normalised.
	got := run1(backend, func(in []*Node) *Node { return AOL(in[0]) }, tensors.FromValue([][]float32{{3, 4, 0}, {0, 0, 2}}))
	near(t, "AOL", got, []float32{0.6, 0.8, 0, 0, 0, 1}, 1e-6)
	// A 1×1 convolution is a matrix.
	w := tensor(r, 1, 1, 4, 6)
	got = run1(backend, func(in []*Node) *Node {
		return Sub(AOLConvolution(in[0], 1), Reshape(AOL(Reshape(in[0], 4, 6)), 1, 1, 4, 6))
	}, w)
	near(t, "AOL as a convolution", got, make([]float32, 24), 1e-6)
}

// TestGradientsOfBothBackends: the parametrisations and layers have finite, equal gradients.
func TestGradientsOfBothBackends(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 13))
	for _, c := range []struct {
		name   string
		f      func(in []*Node) *Node
		inputs []*tensors.Tensor
	}{
		{"Bjorck", func(in []*Node) *Node { return Bjorck(in[0], iterations) }, []*tensors.Tensor{tensor(r, 7, 4)}},
		{"AOL", func(in []*Node) *Node { return AOL(in[0]) }, []*tensors.Tensor{tensor(r, 4, 7)}},
		{"AOLConvolution", func(in []*Node) *Node { return AOLConvolution(in[0], 1) }, []*tensors.Tensor{tensor(r, 3, 3, 2, 4)}},
		{"BCOP", func(in []*Node) *Node { return BCOP(in[0], in[1], 3, iterations) }, []*tensors.Tensor{tensor(r, 2, 4), tensor(r, BCOPTaps(3), 4, 2)}},
		{"SLLScale", func(in []*Node) *Node { return SLLScale(in[0], in[1]) }, []*tensors.Tensor{tensor(r, 3, 3, 4, 2), tensor(r, 4)}},
		{"residual", func(in []*Node) *Node { return residual(in[0], in[1], in[2], Circular) }, []*tensors.Tensor{tensor(r, 2, 5, 4, 2), tensor(r, 3, 3, 3, 2), tensor(r, 3)}},
		{"MaxMin", func(in []*Node) *Node { return MaxMin(in[0]) }, []*tensors.Tensor{tensor(r, 3, 4)}},
		{"SpaceToDepth", func(in []*Node) *Node { return SpaceToDepth(in[0], 2) }, []*tensors.Tensor{tensor(r, 2, 4, 6, 3)}},
	} {
		f := func(in []*Node) []*Node {
			y := c.f(in)
			// Some smooth function of the output whose gradient isn't the same for every entry.
			return append([]*Node{y}, Gradient(ReduceAllSum(Square(AddScalar(y, 0.3))), in...)...)
		}
		a, b := run(backend, f, c.inputs...), run(pure, f, c.inputs...)
		for i := range a {
			near(t, fmt.Sprint(c.name, ", output and gradients, ", i), flat(a[i]), flat(b[i]), 1e-4*(1+norm(flat(b[i]))))
			if i > 0 && c.name != "Bjorck" && norm(flat(a[i])) == 0 {
				t.Errorf("%s: the gradient by input %d is 0", c.name, i-1)
			}
		}
	}
}

func TestOut(t *testing.T) {
	for _, c := range []struct {
		layer Layer
		in    Size
		want  string // the size, or part of the error
	}{
		{Dense{Units: 3}, Size{7}, "3"},
		{Dense{Units: 3}, Size{2, 2, 1}, "dense 3 (Björck) needs a flat input and at least one unit, not 2×2×1"},
		{Dense{}, Size{7}, "at least one unit"},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 5}, Size{4, 6, 2}, "4×6×5"},
		{Convolution{Kind: "bcop", Kernel: 3, Channels: 5}, Size{4, 6, 8}, "4×6×5"},
		{Convolution{Kind: "bcop", Kernel: 3, Channels: 5}, Size{4, 6, 2}, "conv 3×3 5 (bcop) needs an even number of channels on its wider side, from 2"},
		{Convolution{Kind: "bcop", Kernel: 1, Channels: 1}, Size{4, 6, 1}, "even number of channels"},
		{Convolution{Kind: "fft", Kernel: 3, Channels: 5}, Size{4, 6, 2}, `no convolution "fft"; known: aol, bcop, cayley, free, soc, spectral`},
		{Convolution{Kind: "aol", Kernel: 4, Channels: 5}, Size{4, 6, 2}, "needs an odd kernel no larger than the image 4×6×2"},
		{Convolution{Kind: "aol", Kernel: -1, Channels: 5}, Size{4, 6, 2}, "needs an odd kernel"},
		{Convolution{Kind: "aol", Kernel: 5, Channels: 5}, Size{4, 6, 2}, "needs an odd kernel"},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 0}, Size{4, 6, 2}, "at least one channel"},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 5}, Size{48}, "needs an input [h, w, c]"},
		{Residual{Kernel: 3, Inner: 8}, Size{4, 6, 2}, "4×6×2"},
		{Residual{Kernel: 2, Inner: 8}, Size{4, 6, 2}, "odd kernel"},
		{Residual{Kernel: 5, Inner: 8}, Size{4, 6, 2}, "no larger than the image 4×6×2"},
		{Residual{Kernel: 3, Inner: 0}, Size{4, 6, 2}, "at least one channel"},
		{Residual{Kernel: 3, Inner: 8}, Size{48}, "residual 3×3 8 (SLL) needs an input [h, w, c], or a flat one and a kernel of 1"},
		{Activation{}, Size{4, 6, 2}, "4×6×2"},
		{Activation{}, Size{4, 6, 3}, "MaxMin needs an even number of channels, not 4×6×3"},
		{Depth{2}, Size{4, 6, 3}, "2×3×12"},
		{Depth{2}, Size{4, 7, 3}, "space to depth 2×2 needs an input [h, w, c] with h and w multiples of 2, not 4×7×3"},
		{Depth{2}, Size{7, 4, 3}, "multiples of 2"},
		{Depth{0}, Size{4, 6, 3}, "space to depth"},
		{Depth{2}, Size{72}, "needs an input [h, w, c]"},
		{Flat{}, Size{4, 6, 3}, "72"},
	} {
		out, err := c.layer.Out(c.in)
		if got := fmt.Sprint(out); err == nil && got != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v of %v: %v, %v; want %s", c.layer, c.in, out, err, c.want)
		}
	}
}
