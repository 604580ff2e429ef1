package net

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/gomlx/backends/default"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

var backend compute.Backend

func TestMain(m *testing.M) {
	var err error
	backend, _, err = device.Open(context.Background(), device.Options{Quiet: true})
	if err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestNew(t *testing.T) {
	for architecture := range Architectures {
		for _, convolution := range lip.Convolutions() {
			for _, in := range []lip.Size{{28, 28, 1}, {32, 32, 3}} {
				s := Setting{Architecture: architecture, Convolution: convolution, Width: 16}
				n, err := New(in, 10, s)
				if err != nil {
					t.Errorf("%s with %s on %v: %v", architecture, convolution, in, err)
					continue
				}
				last := len(n.Layers) - 1
				if out, err := n.Layers[last].Out(n.Sizes()[last]); err != nil ||
					out.String() != "10" || n.Sizes()[0].String() != in.String() {
					t.Errorf("%s on %v: sizes %v, then %v, %v", architecture, in, n.Sizes(), out,
						err)
				}
			}
		}
	}
	names := strings.Join(Names(), ", ")
	for _, c := range []struct {
		architecture   string
		in             lip.Size
		convolution    string
		width, classes int
		want           string
	}{
		{"vgg", lip.Size{28, 28, 1}, "aol", 16, 10,
			`no architecture "vgg"; known: ` + names},
		{"conv", lip.Size{28, 28, 1}, "fft", 16, 10, `no convolution "fft"; known: aol, bcop`},
		{"dense", lip.Size{28, 28, 1}, "", 16, 10, `no convolution ""; known: aol, bcop`},
		{"conv", lip.Size{28, 28, 1}, "aol", 1, 10,
			"width and classes of at least 2, not 1 and 10"},
		{"dense", lip.Size{28, 28, 1}, "aol", -4, 10, "width and classes of at least 2"},
		{"conv", lip.Size{28, 28, 1}, "aol", 16, 1,
			"width and classes of at least 2, not 16 and 1"},
		{"conv", lip.Size{28, 28, 1}, "aol", 15, 10,
			"conv: layer 2: MaxMin needs an even number of channels"},
		{"conv", lip.Size{30, 28, 1}, "aol", 16, 10, "; architectures that can: dense"},
		{"residual", lip.Size{7, 28, 1}, "aol", 16, 10,
			"residual: layer 0: space to depth 2×2 needs"},
		{"conv", lip.Size{4, 4, 1}, "aol", 16, 10,
			"conv: layer 1: conv 3×3 16 (aol) needs an odd kernel no larger than the image 2×2×4"},
		{"conv", lip.Size{16}, "aol", 16, 10, "conv: layer 0: "},
	} {
		s := Setting{Architecture: c.architecture, Convolution: c.convolution, Width: c.width}
		_, err := New(c.in, c.classes, s)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		layers []lip.Layer
		want   string
	}{
		{[]lip.Layer{lip.Flat{}, lip.Dense{Units: 3}}, ""},
		{nil, "at least one layer"},
		{[]lip.Layer{lip.Flat{}}, "the last layer gives the logits: it must be dense or of prototypes, " +
			"not flatten"},
		{[]lip.Layer{lip.Flat{}, lip.Convolution{Kind: "aol", Kernel: 3, Channels: 2}},
			"layer 1: conv 3×3 2 (aol) needs an input [h, w, c]"},
	} {
		n, err := Of(lip.Size{4, 4, 1}, c.layers...)
		if c.want == "" && (err != nil || n.Sizes()[1].String() != "16") ||
			c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v", c.layers, err)
		}
	}
}

// TestKinds: every known kind makes a network of its own. An unknown kind is an error that lists
// the known ones.
func TestKinds(t *testing.T) {
	base := Setting{Architecture: "conv", Convolution: "aol", Width: 4}
	for what, c := range map[string]struct {
		known []string
		set   func(s *Setting, kind string)
	}{
		"dense layer": {lip.Denses(), func(s *Setting, kind string) { s.Dense = kind }},
		"residual step": {lip.Residuals(), func(s *Setting, kind string) {
			s.Architecture, s.Residual = "residual", kind
		}},
		"activation": {lip.Activations(), func(s *Setting, kind string) { s.Activation = kind }},
		"padding": {[]string{"circular", "zero"},
			func(s *Setting, kind string) { s.Padding = kind }},
		"last layer": {lip.Denses(), func(s *Setting, kind string) { s.Last = kind }},
	} {
		made := map[string]bool{}
		for _, kind := range c.known {
			s := base
			c.set(&s, kind)
			n, err := New(lip.Size{12, 12, 1}, 5, s)
			if err != nil {
				t.Errorf("%s %s: %v", what, kind, err)
				continue
			}
			made[fmt.Sprint(n.Layers)] = true
		}
		if len(made) != len(c.known) {
			t.Errorf("%s: %d networks of %d kinds", what, len(made), len(c.known))
		}
		s := base
		c.set(&s, "none")
		want := fmt.Sprintf("no %s \"none\"; known: %s", what, strings.Join(c.known, ", "))
		if _, err := New(lip.Size{12, 12, 1}, 5, s); err == nil || err.Error() != want {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func normal(r *rand.Rand, dimensions ...int) *tensors.Tensor {
	x := make([]float32, lip.Size(dimensions).Entries())
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(x, dimensions...)
}

// TestBounds: no difference of two logits is steeper than Λ, along random pairs near and far or
// where gradient ascent leads; and Λ is no more than √2.
func TestBounds(t *testing.T) {
	for _, c := range []struct{ architecture, convolution string }{
		{"conv", "aol"}, {"conv", "bcop"}, {"residual", "aol"}, {"dense", "aol"},
		{"residual-affine", "cayley"}, {"sandwich", "soc"},
	} {
		setting := Setting{Architecture: c.architecture, Convolution: c.convolution, Width: 4}
		net, err := New(lip.Size{12, 12, 1}, 5, setting)
		if err != nil {
			t.Fatal(err)
		}
		s := climb(t, net, 5)
		t.Logf("%-8s %-4s Λ %.5f, steepest found %.5f, of random pairs %.5f",
			c.architecture, c.convolution, s.lambda, s.most, s.pairs)
		if !(s.most <= s.lambda*(1+1e-5) && s.pairs <= s.lambda*(1+1e-3)) ||
			s.most < 0.05*s.lambda {
			t.Errorf("%v: Λ %v, but slopes of %v and %v", c, s.lambda, s.most, s.pairs)
		}
	}
}

// steepness is Λ of a network with its weights at the start of training, the largest slope that
// ascent found, and the largest of random pairs.
type steepness struct{ lambda, most, pairs float64 }

func climb(t *testing.T, net *Network, classes int) (s steepness) {
	t.Helper()
	const n = 32
	store := model.NewStore()
	store.SetParam(model.ParamInitialSeed, int64(3))
	exec, err := model.NewExec(backend, store, func(scope *model.Scope, x, y, pick *Node) []*Node {
		w := net.Effective(scope.In("model"), x.Graph())
		z := net.Logits(x, w)
		// The gradient of the logits' difference that pick, [n, classes], names, and a step along
		// it.
		g := Gradient(ReduceAllSum(Mul(z, pick)), x)[0]
		norm := Sqrt(ReduceAndKeep(Square(g), ReduceSum, 1, 2, 3))
		out := []*Node{z, net.Logits(y, w), norm, Add(x, Div(g, AddScalar(norm, 1e-12)))}
		return append(out, slices.Concat(w...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	picks := make([]float32, n*classes)
	for i := range n {
		other := i + 1 + i/classes%(classes-1)
		picks[i*classes+i%classes], picks[i*classes+other%classes] = 1, -1
	}
	pick := tensors.FromFlatDataAndDimensions(picks, n, classes)
	r := rand.New(rand.NewPCG(1, 2))
	x := normal(r, n, 12, 12, 1)
	for step := range 30 {
		y, distance := tensors.MustCopyFlatData[float32](x), make([]float64, n)
		for i := range y {
			d := float32(r.NormFloat64() * math.Exp2(-float64(step%8)))
			distance[i/144] += float64(d) * float64(d)
			y[i] += d
		}
		out, err := exec.Call(x, tensors.FromFlatDataAndDimensions(y, n, 12, 12, 1), pick)
		if err != nil {
			t.Fatal(err)
		}
		if step == 0 {
			s.lambda = provedLambda(t, net, out[4:])
		}
		a, b := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
		for i := range n {
			d := make([]float64, classes)
			for k := range d {
				d[k] = float64(a[i*classes+k]) - float64(b[i*classes+k])
			}
			s.pairs = max(s.pairs, (slices.Max(d)-slices.Min(d))/math.Sqrt(distance[i]))
		}
		for _, v := range tensors.MustCopyFlatData[float32](out[2]) {
			s.most = max(s.most, float64(v))
		}
		x = out[3]
	}
	return s
}

// provedLambda proves Λ from all layers' weights in order, and looks at the layers' bounds.
func provedLambda(t *testing.T, net *Network, all []*tensors.Tensor) float64 {
	t.Helper()
	bounds, lambda := net.Bounds(byLayer(t, net, all))
	product := 1.0
	for i, l := range bounds {
		tolerance := 2e-4
		if _, ok := net.Layers[i].(lip.Affine); ok {
			tolerance = 2e-2 // its norm is an estimate, here after no training step
		}
		if l.Layer != net.Layers[i].String() || l.Bound.Proof() == "" ||
			l.Bound.Value() > 1+tolerance {
			t.Errorf("layer %d is %+v", i, l)
		}
		product *= l.Bound.Value()
	}
	if !(lambda.Value() <= math.Sqrt2*product*(1+1e-9)) {
		t.Errorf("Λ %v, √2 times the layers' product %v", lambda.Value(), math.Sqrt2*product)
	}
	return lambda.Value()
}
