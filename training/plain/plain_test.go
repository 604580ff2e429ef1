package plain

import (
	"math"
	"math/rand/v2"
	"os"
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

var pure compute.Backend // compiles nothing

func TestMain(m *testing.M) {
	var err error
	if pure, err = device.PureGo(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// random values, of mean 1.
func random(dimensions ...int) *tensors.Tensor {
	r := rand.New(rand.NewPCG(1, uint64(dimensions[0])))
	x := make([]float32, lip.Size(dimensions).Entries())
	for i := range x {
		x[i] = 1 + float32(r.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(x, dimensions...)
}

// run calls f with the variables of a store, and x.
func run(t *testing.T, store *model.Store, f func(*model.Scope, *Node) []*Node,
	x *tensors.Tensor) [][]float32 {
	t.Helper()
	out, err := model.CallOnceN(pure, store, f, x)
	if err != nil {
		t.Fatal(err)
	}
	var values [][]float32
	for _, o := range out {
		values = append(values, tensors.MustCopyFlatData[float32](o))
	}
	return values
}

// The layers have the sizes of the papers' networks.
func TestArchitectures(t *testing.T) {
	for name, c := range map[string]struct {
		in   lip.Size
		want string
	}{
		"lenet": {lip.Size{28, 28, 1}, "24×24×20 12×12×20 12×12×20 8×8×50 4×4×50 4×4×50 800 500 500"},
		"resnet20": {lip.Size{32, 32, 3}, "32×32×16 32×32×16 32×32×16 32×32×16 32×32×16 " +
			"16×16×32 16×16×32 16×16×32 8×8×64 8×8×64 8×8×64 64"},
	} {
		var sizes []string
		in := c.in
		for _, l := range Architectures[name]() {
			out, err := l.Out(in)
			if err != nil {
				t.Fatal(err)
			}
			sizes, in = append(sizes, out.String()), out
			if p, ok := l.(Layer); ok && p.Bound(nil, in) != (lip.Bound{}) {
				t.Errorf("%v: a bound", l)
			}
		}
		if got := strings.Join(sizes, " "); got != c.want {
			t.Errorf("%s: sizes %s, want %s", name, got, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		layer Layer
		in    lip.Size
		want  string
	}{
		{Convolution{Kernel: 3, Channels: 2}, lip.Size{4}, "needs an input [h, w, c]"},
		{Convolution{Kernel: 2, Channels: 2}, lip.Size{4, 4, 1}, "needs an odd kernel"},
		{Convolution{Kernel: 5, Channels: 2}, lip.Size{4, 8, 1}, "no larger than the image"},
		{Convolution{Kernel: 3, Channels: 2, Stride: 2, Inside: true}, lip.Size{4, 4, 1},
			"can't have stride 2"},
		{MaximumPool{By: 2}, lip.Size{5, 4, 1}, "h and w multiples of 2, not 5×4×1"},
		{GlobalMean{}, lip.Size{5}, "needs an input [h, w, c]"},
		{Block{Channels: 4}, lip.Size{2, 2, 4}, "residual block 4"},
		{Block{Channels: 4, Stride: 2}, lip.Size{4, 4, 4}, "residual block 4"},
	} {
		if _, err := c.layer.Out(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v on %v: %v", c.layer, c.in, err)
		}
	}
}

// In training, batch normalisation gives channels of mean 0 and variance 1, and the running
// statistics follow by a tenth. In use, the weights have those statistics.
func TestNorm(t *testing.T) {
	c, in := Convolution{Kernel: 3, Channels: 2, Norm: true}, lip.Size{4, 4, 3}
	store := model.NewStore()
	x := random(5, 4, 4, 3)
	out := run(t, store, func(scope *model.Scope, x *Node) []*Node {
		kernel := c.kernel(scope, x.Graph(), in)
		y := lip.Conv(x, kernel, lip.Zero, 1)
		return []*Node{y, c.Train(scope, x, nil), kernel}
	}, x)
	raw, normed := out[0], out[1]
	mean, variance, n := make([]float64, 2), make([]float64, 2), float64(len(raw)/2)
	for i, v := range raw {
		mean[i%2] += float64(v) / n
	}
	for i, v := range raw {
		variance[i%2] += (float64(v) - mean[i%2]) * (float64(v) - mean[i%2]) / n
	}
	for i, v := range normed {
		want := (float64(raw[i]) - mean[i%2]) / math.Sqrt(variance[i%2]+1e-5)
		if math.Abs(float64(v)-want) > 1e-4 {
			t.Fatalf("in training %v, want %v", v, want)
		}
	}
	used := run(t, store, func(scope *model.Scope, x *Node) []*Node {
		return []*Node{c.Apply(x, c.Weights(scope, x.Graph(), in))}
	}, x)[0]
	for i, v := range used {
		m, s := 0.1*mean[i%2], 0.9+0.1*variance[i%2]*n/(n-1)
		if want := (float64(raw[i]) - m) / math.Sqrt(s+1e-5); math.Abs(float64(v)-want) > 1e-4 {
			t.Fatalf("in use %v, want %v", v, want)
		}
	}
}

// A block is what its formula says, with and without a convolution on the shortcut.
func TestBlock(t *testing.T) {
	for _, b := range []Block{{Channels: 3}, {Channels: 4, Stride: 2}} {
		in := lip.Size{6, 6, 3}
		out := run(t, model.NewStore(), func(scope *model.Scope, x *Node) []*Node {
			w := b.Weights(scope, x.Graph(), in)
			conv := func(x *Node, i, stride int) *Node {
				return Add(lip.Conv(x, w[i], lip.Zero, stride), Reshape(w[i+1], 1, 1, 1, -1))
			}
			s := max(b.Stride, 1)
			y, short := conv(MaxScalar(conv(x, 0, s), 0), 2, 1), x
			if len(w) == 6 {
				short = conv(x, 4, s)
			}
			return []*Node{b.Apply(x, w), MaxScalar(Add(y, short), 0)}
		}, random(2, 6, 6, 3))
		for i, v := range out[0] {
			if math.Abs(float64(v-out[1][i])) > 1e-5 {
				t.Fatalf("%v: %v, want %v", b, v, out[1][i])
			}
		}
	}
}

func TestPools(t *testing.T) {
	x := tensors.FromFlatDataAndDimensions([]float32{1, -1, 2, -2, 5, -5, 3, -3}, 1, 2, 2, 2)
	out := run(t, model.NewStore(), func(_ *model.Scope, x *Node) []*Node {
		return []*Node{MaximumPool{By: 2}.Apply(x, nil), GlobalMean{}.Apply(x, nil)}
	}, x)
	for i, want := range [][]float32{{5, -1}, {2.75, -2.75}} {
		if out[i][0] != want[0] || out[i][1] != want[1] {
			t.Errorf("%v, want %v", out[i], want)
		}
	}
}
