package lip

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// deep iterates a residual layer: it is a gradient step on ‖relu(Wᵀx + b)‖², which leads to an x where fewer units are active.
func deep(l Layer, in Size, w []*tensors.Tensor) *tensors.Tensor {
	x := tensor(rand.New(rand.NewPCG(2, 2)), append(Size{1}, in...)...)
	for range 10 {
		x = run(pure, func(v []*Node) []*Node {
			y := v[0]
			for range 20 {
				y = l.Apply(y, v[1:])
			}
			return []*Node{y}
		}, append([]*tensors.Tensor{x}, w...)...)[0]
	}
	return x
}

// jacobian is that of l at x, [1, in…]: [outputs, inputs].
func jacobian(l Layer, in Size, w []*tensors.Tensor, x *tensors.Tensor) *mat.Dense {
	out := must(l.Out(in))
	n := out.Entries()
	g := run(pure, func(v []*Node) []*Node {
		x := BroadcastToDims(v[0], append(Size{n}, in...)...)
		y := Reshape(l.Apply(x, v[1:]), n, n)
		return Gradient(ReduceAllSum(Mul(y, identity(y, n))), x)
	}, append([]*tensors.Tensor{x}, w...)...)
	return matrix(g[0], n, in.Entries())
}

// trainedLayers are all layers at odd sizes, paddings and strides. A layer that claims to be orthogonal has singular values near 1, as
// many as the smaller side.
var trainedLayers = []struct {
	layer      Layer
	in         Size
	orthogonal bool
}{
	{Dense{Units: 1}, Size{1}, true},
	{Dense{Units: 64}, Size{64}, true},
	{Dense{Units: 16}, Size{49}, true},
	{Dense{Units: 49}, Size{16}, true},
	{Dense{Kind: "cayley", Units: 31}, Size{31}, true},
	{Dense{Kind: "cayley", Units: 16}, Size{49}, true},
	{Dense{Kind: "cayley", Units: 49}, Size{16}, true},
	{Dense{Kind: "aol", Units: 17}, Size{31}, false},
	{Dense{Kind: "spectral", Units: 17}, Size{31}, false},
	{Dense{Kind: "normalised", Units: 10}, Size{31}, false},
	{Dense{Kind: "free", Units: 10}, Size{31}, false},
	{Sandwich{17}, Size{31}, false},
	{Sandwich{31}, Size{17}, false},
	{Convolution{Kind: "bcop", Kernel: 1, Channels: 4}, Size{3, 5, 6}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 8}, Size{7, 7, 4}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 4}, Size{5, 9, 8}, true},
	{Convolution{Kind: "bcop", Kernel: 5, Channels: 2}, Size{6, 5, 1}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 6, Stride: 2}, Size{6, 4, 4}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 8, Stride: 3}, Size{3, 9, 1}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 8, Groups: 2}, Size{5, 7, 4}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 4, Padding: Zero}, Size{7, 5, 4}, false},
	{Convolution{Kind: "cayley", Kernel: 3, Channels: 5}, Size{5, 7, 5}, true},
	{Convolution{Kind: "cayley", Kernel: 3, Channels: 6}, Size{6, 4, 3}, true},
	{Convolution{Kind: "cayley", Kernel: 1, Channels: 5, Stride: 2}, Size{6, 4, 3}, true},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 5}, Size{5, 7, 5}, true},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 2}, Size{7, 5, 5}, true},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 5, Padding: Zero}, Size{7, 5, 3}, true},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 5, Stride: 2}, Size{6, 8, 1}, true},
	{Convolution{Kind: "aol", Kernel: 1, Channels: 5}, Size{3, 5, 3}, false},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 8}, Size{7, 7, 4}, false},
	{Convolution{Kind: "aol", Kernel: 5, Channels: 3}, Size{5, 7, 3}, false},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 6, Stride: 3}, Size{3, 9, 2}, false},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 4, Padding: Zero}, Size{7, 5, 2}, false},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 4, Padding: Zero, Stride: 2}, Size{7, 5, 4}, false},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 6, Groups: 3}, Size{5, 7, 3}, false},
	{Convolution{Kind: "spectral", Kernel: 3, Channels: 4}, Size{7, 5, 2}, false},
	{Convolution{Kind: "spectral", Kernel: 5, Channels: 4, Padding: Zero, Stride: 3}, Size{7, 8, 2}, false},
	{Convolution{Kind: "free", Kernel: 3, Channels: 4, Padding: Zero, Stride: 2}, Size{9, 7, 2}, false},
	{Affine{Kernel: 3}, Size{7, 5, 4}, false},
	{Affine{Kernel: 3, Padding: Zero}, Size{7, 5, 4}, false},
	{Residual{Kernel: 1, Inner: 3}, Size{3, 5, 2}, false},
	{Residual{Kernel: 3, Inner: 3}, Size{7, 7, 4}, false},
	{Residual{Kernel: 3, Inner: 2}, Size{5, 9, 4}, false},
	{Residual{Kernel: 3, Inner: 2, Padding: Zero}, Size{5, 7, 3}, false},
	{Residual{Kernel: 1, Inner: 20}, Size{17}, false},
	{Residual{Kind: "cpl", Kernel: 3, Inner: 8}, Size{7, 5, 4}, false},
	{Residual{Kind: "cpl", Kernel: 3, Inner: 6, Padding: Zero}, Size{5, 7, 3}, false},
	{Residual{Kind: "cpl", Kernel: 1, Inner: 20}, Size{17}, false},
	{Activation{}, Size{5, 3, 6}, true},
	{Activation{Kind: "groupsort", Group: 5}, Size{3, 3, 10}, true},
	{Activation{Kind: "groupsort"}, Size{7}, true},
	{Activation{Kind: "householder"}, Size{5, 3, 6}, true},
	{Activation{Kind: "abs"}, Size{5, 3, 3}, true},
	{Activation{Kind: "relu"}, Size{5, 3, 3}, false},
	{NormPool{3}, Size{9, 3, 3}, true},
	{AveragePool{3}, Size{9, 3, 3}, false},
	{Depth{3}, Size{9, 3, 3}, true},
	{Flat{}, Size{5, 3, 3}, true},
}

// TestTrainedLayers takes singular values of every layer in the state it will be used in, where it is steepest.
func TestTrainedLayers(t *testing.T) {
	var table strings.Builder
	const row = "//\t%-46v %-7v %8.5f %8.5f %8.5f\n"
	fmt.Fprintf(&table, "//\t%-46s %-7s %8s %8s %8s\n", "layer", "in", "smallest", "largest", "bound")
	for _, c := range trainedLayers {
		w := must(Trained(pure, c.layer, c.in, 50))
		bound := c.layer.Bound(w, c.in).Value()
		slope, at := 0.0, zeros(append(Size{1}, c.in...)...)
		if !isLinear(c.layer) {
			var err error
			if slope, at, err = Observed(pure, c.layer.Apply, w, c.in, 40); err != nil {
				t.Fatal(err)
			}
		}
		s := singular(t, jacobian(c.layer, c.in, w, at))
		if _, ok := c.layer.(Residual); ok {
			if d := singular(t, jacobian(c.layer, c.in, w, deep(c.layer, c.in, w))); d[0] > s[0] {
				s = d
			}
		}
		most, least := s[0], s[len(s)-1]
		fmt.Fprintf(&table, row, c.layer, c.in, least, most, bound)
		// The device rounds to float32, so its matrix may be longer than the exact one.
		if !(most <= bound*(1+2e-6) && slope <= bound*(1+1e-5) && bound <= 1.02*most) {
			t.Errorf("%v on %v: bound %v, largest singular value %v, slope %v", c.layer, c.in, bound, most, slope)
		}
		if c.orthogonal && least < 0.95 {
			t.Errorf("%v on %v: smallest singular value %v", c.layer, c.in, least)
		}
	}
	t.Log("\n" + table.String())
	documented(t, table.String())
}

var update = flag.Bool("update", false, "write the table of layers to doc.go")

// documented compares a table with that of doc.go, its numbers to 0.02: another processor trains a little differently.
func documented(t *testing.T, table string) {
	t.Helper()
	text := string(must(os.ReadFile("doc.go")))
	start := strings.Index(text, "//\tlayer")
	end := start + strings.Index(text[start:], "//\n")
	if *update {
		if err := os.WriteFile("doc.go", []byte(text[:start]+table+text[end:]), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, got := strings.Fields(text[start:end]), strings.Fields(table)
	if len(want) != len(got) {
		t.Fatalf("doc.go has a table of %d words, the layers make %d: go test -run TrainedLayers -update", len(want), len(got))
	}
	for i := range got {
		a, notA := strconv.ParseFloat(got[i], 64)
		b, notB := strconv.ParseFloat(want[i], 64)
		if notA == nil && notB == nil && math.Abs(a-b) <= 0.02 {
			continue
		}
		if got[i] != want[i] {
			t.Errorf("doc.go has %s, not %s, in the table of layers: go test -run TrainedLayers -update", want[i], got[i])
		}
	}
}

// TestInnerBound: with more units than channels hardly an input leaves a direction as it is, so 1 isn't attained; the bound on W is
// tight all the same.
func TestInnerBound(t *testing.T) {
	for _, c := range []struct {
		layer Residual
		in    Size
	}{
		{Residual{Kernel: 3, Inner: 8}, Size{7, 7, 4}},
		{Residual{Kernel: 3, Inner: 6, Padding: Zero}, Size{5, 7, 3}},
		{Residual{Kind: "cpl", Kernel: 3, Inner: 8}, Size{5, 6, 3}},
	} {
		w := must(Trained(pure, c.layer, c.in, 50))
		hidden := Size{c.in[0], c.in[1], c.layer.Inner}
		g := Geometry{Size{3, 3}, hidden, c.in[2], 1, c.layer.Padding == Zero}
		bound, most := c.layer.InnerBound(w, c.in).Value(), singular(t, convolutionMatrix(flat(w[0]), g))[0]
		if !(most <= bound && bound <= 1.001*most) || c.layer.Bound(w, c.in).Value() > max(1, 2*bound*bound-1)*(1+1e-12) {
			t.Errorf("%v: ‖W‖ is %v, bound %v", c.layer, most, bound)
		}
	}
}

// TestCayley: orthonormal at sizes and scales that the trained layers don't have.
func TestCayley(t *testing.T) {
	r := rand.New(rand.NewPCG(18, 18))
	for _, c := range []struct {
		in, out int
		scale   float64
	}{{128, 128, 1}, {200, 64, 2}, {96, 96, 10}, {20, 20, 0}} {
		w := floats(r, c.in*c.out)
		for i := range w {
			w[i] *= float32(c.scale / math.Sqrt(float64(c.in)))
		}
		got := run(pure, func(in []*Node) []*Node { return []*Node{orthonormal(in[0])} }, tensors.FromFlatDataAndDimensions(w, c.in, c.out))[0]
		if s := singular(t, matrix(got, c.in, c.out)); !(s[0] < 1+1e-5 && s[len(s)-1] > 1-1e-5) {
			t.Errorf("%+v: singular values from %v to %v", c, s[len(s)-1], s[0])
		}
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

// TestGradientsOfBothBackends: the parametrisations and layers have finite, equal values and gradients.
func TestGradientsOfBothBackends(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 13))
	cases := []struct {
		name   string
		f      func(in []*Node) *Node
		inputs []*tensors.Tensor
	}{
		{"Bjorck", func(in []*Node) *Node { return Bjorck(in[0], iterations) }, []*tensors.Tensor{tensor(r, 7, 4)}},
		{"AOL", func(in []*Node) *Node { return AOL(in[0]) }, []*tensors.Tensor{tensor(r, 4, 7)}},
		{"AOLConvolution", func(in []*Node) *Node { return AOLConvolution(in[0], 1) }, []*tensors.Tensor{tensor(r, 3, 3, 2, 4)}},
		{"AOLConvolution strided", func(in []*Node) *Node { return AOLConvolution(in[0], 2) }, []*tensors.Tensor{tensor(r, 3, 3, 2, 4)}},
		{"BCOP", func(in []*Node) *Node { return BCOP(in[0], in[1], 3, iterations) }, []*tensors.Tensor{tensor(r, 2, 4), tensor(r, BCOPTaps(3), 4, 2)}},
		{"Strided", func(in []*Node) *Node { return Strided(in[0], in[1]) }, []*tensors.Tensor{tensor(r, 2, 2, 3, 4), tensor(r, 3, 3, 4, 2)}},
		{"SLLScale", func(in []*Node) *Node { return SLLScale(in[0], in[1]) }, []*tensors.Tensor{tensor(r, 3, 3, 4, 2), tensor(r, 4)}},
		{"residual", func(in []*Node) *Node { return residual(in[0], in[1], in[2], Circular) }, []*tensors.Tensor{tensor(r, 2, 5, 4, 2), tensor(r, 3, 3, 3, 2), tensor(r, 3)}},
		{"Cayley", func(in []*Node) *Node { return orthonormal(in[0]) }, []*tensors.Tensor{tensor(r, 7, 4)}},
		{"CayleyConvolution", func(in []*Node) *Node { return CayleyConvolution(in[0], 4, 5) }, []*tensors.Tensor{tensor(r, 3, 3, 2, 3)}},
		{"FourierConvolution", func(in []*Node) *Node { return FourierConvolution(in[0], in[1]) }, []*tensors.Tensor{tensor(r, 2, 4, 5, 2), tensor(r, 4, 5, 2, 3)}},
		{"SOC", func(in []*Node) *Node { return SOC(in[0], Sub(in[1], adjoint(in[1])), 2, Circular, 6) }, []*tensors.Tensor{tensor(r, 2, 4, 3, 2), tensor(r, 3, 3, 3, 3)}},
		{"SOC, zeros", func(in []*Node) *Node { return SOC(in[0], Sub(in[1], adjoint(in[1])), 2, Zero, 6) }, []*tensors.Tensor{tensor(r, 2, 4, 3, 2), tensor(r, 3, 3, 3, 3)}},
		{"Spectral", func(in []*Node) *Node {
			norm, _ := Spectral(func(x *Node) *Node { return DotProduct(x, in[0]) }, Const(in[0].Graph(), [][]float32{{1, -2, 3, 4}}))
			return norm
		}, []*tensors.Tensor{tensor(r, 4, 3)}},
		{"Normalised", func(in []*Node) *Node { return Normalised(in[0]) }, []*tensors.Tensor{tensor(r, 4, 3)}},
		{"Sandwich", func(in []*Node) *Node { return Sandwich{3}.Apply(in[0], in[1:]) }, []*tensors.Tensor{tensor(r, 2, 5), tensor(r, 8, 3), tensor(r, 3)}},
		{"MaxMin", func(in []*Node) *Node { return MaxMin(in[0]) }, []*tensors.Tensor{tensor(r, 3, 4)}},
		{"GroupSort", func(in []*Node) *Node { return GroupSort(in[0], 5) }, []*tensors.Tensor{tensor(r, 3, 10)}},
		{"Householder", func(in []*Node) *Node { return Householder(in[0], in[1]) }, []*tensors.Tensor{tensor(r, 3, 8), tensor(r, 4)}},
		{"NormPool", func(in []*Node) *Node { return NormPool{2}.Apply(in[0], nil) }, []*tensors.Tensor{tensor(r, 2, 4, 6, 3)}},
		{"AveragePool", func(in []*Node) *Node { return AveragePool{2}.Apply(in[0], nil) }, []*tensors.Tensor{tensor(r, 2, 4, 6, 3)}},
		{"SpaceToDepth", func(in []*Node) *Node { return SpaceToDepth(in[0], 2) }, []*tensors.Tensor{tensor(r, 2, 4, 6, 3)}},
	}
	var inputs []*tensors.Tensor
	for _, c := range cases {
		inputs = append(inputs, c.inputs...)
	}
	f := func(in []*Node) (out []*Node) { // one graph, compiled once
		for _, c := range cases {
			own := in[:len(c.inputs)]
			in = in[len(c.inputs):]
			y := c.f(own)
			// Some smooth function of the output whose gradient isn't the same for every entry.
			out = append(append(out, y), Gradient(ReduceAllSum(Square(AddScalar(y, 0.3))), own...)...)
		}
		return out
	}
	a, b := run(backend, f, inputs...), run(pure, f, inputs...)
	for _, c := range cases {
		for i := range len(c.inputs) + 1 {
			near(t, fmt.Sprint(c.name, ", output and gradients, ", i), flat(a[i]), flat(b[i]), 1e-4*(1+norm(flat(b[i]))))
			if i > 0 && c.name != "Bjorck" && norm(flat(a[i])) == 0 {
				t.Errorf("%s: the gradient by input %d is 0", c.name, i-1)
			}
		}
		a, b = a[len(c.inputs)+1:], b[len(c.inputs)+1:]
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
		{Dense{Kind: "qr", Units: 3}, Size{7}, `no dense layer "qr"; known: aol, bjorck, cayley, free, normalised, spectral`},
		{Dense{Kind: "bjorck", Units: 3}, Size{2, 2, 1}, "dense 3 (Björck) needs"},
		{Sandwich{3}, Size{7}, "3"},
		{Sandwich{3}, Size{7, 1, 1}, "sandwich 3 needs a flat input"},
		{Sandwich{}, Size{7}, "at least one unit"},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Stride: 2}, Size{4, 6, 2}, "2×3×5"},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Stride: 2, Padding: Zero}, Size{5, 7, 2}, "3×4×5"},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Stride: 2, Padding: Circular}, Size{5, 6, 2}, "conv 3×3 5 (aol, stride 2) needs an input with h and w multiples of its stride, not 5×6×2"},
		{Convolution{Kind: "soc", Kernel: 3, Channels: 5, Stride: 2, Padding: Zero}, Size{6, 5, 2}, "multiples of its stride"},
		{Convolution{Kind: "soc", Kernel: 3, Channels: 5, Stride: 2}, Size{4, 4, 2}, "needs an odd kernel no larger than the image 2×2×8"},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Stride: -1}, Size{4, 6, 2}, "multiples of its stride"},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Padding: "mirror"}, Size{4, 6, 2}, `no padding "mirror"; known: circular, zero`},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 6, Groups: 2}, Size{4, 6, 3}, "conv 3×3 6 (aol, 2 groups) needs channels, in and out, that are multiples of its groups, not 4×6×3"},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Groups: 2}, Size{4, 6, 2}, "multiples of its groups"},
		{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Groups: -2}, Size{4, 6, 2}, "multiples of its groups"},
		{Convolution{Kind: "bcop", Kernel: 3, Channels: 6, Groups: 2}, Size{4, 6, 2}, "even number of channels on its wider side, from 1"},
		{Convolution{Kind: "bcop", Kernel: 3, Channels: 5, Stride: 4}, Size{4, 8, 2}, "needs a kernel no smaller than its stride"},
		{Convolution{Kind: "bcop", Kernel: 3, Channels: 5, Stride: 2}, Size{4, 8, 3}, "needs an even number of input channels where it is strided, not 3"},
		{Convolution{Kind: "cayley", Kernel: 3, Channels: 5, Padding: Zero}, Size{4, 8, 3}, "conv 3×3 5 (cayley, zero padding) needs circular padding"},
		{Affine{Kernel: 3}, Size{4, 6, 2}, "4×6×2"},
		{Affine{Kernel: 3}, Size{48}, "affine residual 3×3 (LiResNet) needs an input [h, w, c]"},
		{Affine{Kernel: 2}, Size{4, 6, 2}, "odd kernel"},
		{Affine{Kernel: 3, Padding: "same"}, Size{4, 6, 2}, `no padding "same"`},
		{Residual{Kernel: 1, Inner: 8}, Size{48}, "48"},
		{Residual{Kind: "sdp", Kernel: 3, Inner: 8}, Size{4, 6, 2}, `no residual layer "sdp"; known: cpl, sll`},
		{Residual{Kernel: 3, Inner: 8, Padding: "same"}, Size{4, 6, 2}, `no padding "same"`},
		{Activation{Kind: "gelu"}, Size{4, 6, 2}, `no activation "gelu"; known: abs, groupsort, householder, maxmin, relu`},
		{Activation{Kind: "groupsort", Group: 4}, Size{4, 6, 6}, "GroupSort 4 needs a number of channels that is a multiple of 4, not 4×6×6"},
		{Activation{Kind: "groupsort", Group: -4}, Size{8}, "groups of at least one channel"},
		{Activation{Kind: "groupsort"}, Size{4, 6, 3}, "4×6×3"},
		{Activation{Kind: "relu", Group: 4}, Size{8}, "ReLU has no groups to sort"},
		{Activation{Kind: "householder"}, Size{7}, "Householder needs an even number of channels, not 7"},
		{AveragePool{2}, Size{4, 6, 3}, "2×3×3"},
		{AveragePool{3}, Size{4, 6, 3}, "average pool 3×3 needs an input [h, w, c] with h and w multiples of 3, not 4×6×3"},
		{NormPool{2}, Size{4, 6, 3}, "2×3×3"},
		{NormPool{}, Size{4, 6, 3}, "l2 pool 0×0 needs"},
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
