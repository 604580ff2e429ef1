package prove

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A reading is a linear model of images of a shape, and how it is read.
type reading struct {
	onnx.Recipe
	classes int
	last    string // an operation after the product
}

// model has the weights w, [entries][outputs].
func (c reading) model() (m *onnxfile.Model, w [][]float64) {
	b, x := newBuilder(3, c.Shape...)
	outputs := c.classes
	if c.Single {
		outputs = 1
	}
	var flat []float64
	for range entriesOf(c.Shape) {
		row := make([]float64, outputs)
		for k := range row {
			row[k] = b.r.NormFloat64()
		}
		w, flat = append(w, row), append(flat, row...)
	}
	out := b.op(nil, "MatMul", nil, b.op(nil, "Reshape", nil, x, b.ints(-1, len(w))),
		b.weight(onnxfile.Doubles(flat, len(w), outputs)))
	if c.last != "" {
		out = b.op(nil, c.last, nil, out)
	}
	b.m.Outputs = []onnxfile.Value{{Name: x}, {Name: out, Kind: onnxfile.Float32}}
	return b.m, w
}

// steepest is the largest norm of a row, or of a difference of two rows, of the Jacobian by the
// pixels of an image, of which repeated channels are one.
func (c reading) steepest(w [][]float64) (most float64) {
	channels, entries := len(c.Channels), len(w)
	slope := func(of func(row []float64) float64) float64 {
		at := map[[2]int]float64{}
		for i, row := range w {
			pixel, channel := i/channels, i%channels
			if c.Layout == onnx.NCHW {
				pixel, channel = i%(entries/channels), i/(entries/channels)
			}
			std := 1.0
			if c.Std != nil {
				std = float64(c.Std[channel])
			}
			at[[2]int{pixel, c.Channels[channel]}] += of(row) / std
		}
		sum := 0.0
		for _, v := range at {
			sum += v * v
		}
		return math.Sqrt(sum)
	}
	if c.Single {
		return slope(func(row []float64) float64 { return row[0] })
	}
	for a := range c.classes {
		for b := range a {
			most = max(most, slope(func(row []float64) float64 { return row[a] - row[b] }))
		}
	}
	return most
}

func readings() map[string]reading {
	chw, hwc, std := []int{3, 2, 5}, []int{2, 5, 3}, []float32{0.25, 1, 0.5}
	rgb, gray, same := []int{0, 1, 2}, []int{0}, []int{0, 0, 0}
	of := func(l onnx.Layout, shape, channels []int, std []float32) reading {
		return reading{classes: 4, Recipe: onnx.Recipe{Layout: l, Shape: shape, Channels: channels,
			Std: std, Input: "x", Output: "v4", Type: "float32"}}
	}
	all := map[string]reading{
		"plain":           of(onnx.NCHW, chw, rgb, nil),
		"std":             of(onnx.NCHW, chw, rgb, std),
		"std, NHWC":       of(onnx.NHWC, hwc, rgb, std),
		"std, flat":       of(onnx.NCHW, []int{30}, rgb, std),
		"std, flat NHWC":  of(onnx.NHWC, []int{1, 30}, rgb, std),
		"std, blue first": of(onnx.NCHW, chw, []int{2, 1, 0}, std),
		"std, gray":       of(onnx.NCHW, []int{4, 5}, gray, std[:1]),
		"repeated":        of(onnx.NCHW, chw, same, nil),
		"repeated, NHWC":  of(onnx.NHWC, hwc, same, std),
		"repeated, flat":  of(onnx.NHWC, []int{30}, same, std),
	}
	one, probabilities := all["std"], all["plain"]
	one.Single = true
	probabilities.Probabilities, probabilities.last, probabilities.Output = true, "Softmax", "v5"
	all["one logit"], all["probabilities"] = one, probabilities
	return all
}

// The bound of a linear model is the largest slope of its Jacobian.
func TestSampled(t *testing.T) {
	for name, c := range readings() {
		m, w := c.model()
		err := sampled(m, c.Recipe)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p, err := Model(m, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := p.Lambda.Value(), c.steepest(w); !(got >= want*(1-1e-15)) ||
			got > want*(1+1e-9) || p.Classes != c.classes && !c.Single {
			t.Errorf("%s: %v, want %v; %d classes", name, got, want, p.Classes)
		}
	}
}

// What isn't the function of real numbers that is sampled has no proof.
func TestNotSampled(t *testing.T) {
	for want, change := range map[string]func(m *onnxfile.Model, r *reading){
		"uint8 input": func(_ *onnxfile.Model, r *reading) { r.Type = "uint8" },
		"one probability an im": func(_ *onnxfile.Model, r *reading) {
			r.Single, r.Probabilities = true, true
		},
		"float16 rounds": func(m *onnxfile.Model, _ *reading) {
			m.Inputs[0].Kind = onnxfile.Float16
		},
		"bfloat": func(m *onnxfile.Model, _ *reading) {
			m.Outputs[1].Kind = onnxfile.Bfloat16
		},
		"no Softmax":             func(_ *onnxfile.Model, r *reading) { r.Probabilities = true },
		`no input "y"`:           func(_ *onnxfile.Model, r *reading) { r.Input = "y" },
		`no output "y"`:          func(_ *onnxfile.Model, r *reading) { r.Output = "y" },
		"has 4 axes, not the 2 ": func(_ *onnxfile.Model, r *reading) { r.Shape = []int{30} },
		`Cast "c": float16`: func(m *onnxfile.Model, _ *reading) {
			cast := operation("Cast", "c", "x")
			cast.Attributes["to"] = onnxfile.Attribute{Integer: int64(onnxfile.Float16)}
			m.Nodes = append(m.Nodes, cast)
		},
	} {
		r := readings()["std"]
		m, _ := r.model()
		change(m, &r)
		if err := sampled(m, r.Recipe); err == nil || !strings.Contains(err.Error(),
			strings.ReplaceAll(want, "bfloat", "float16 rounds")) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// A file can't name its own values so that they are taken for those of the reading.
func TestFreshNames(t *testing.T) {
	r := readings()["std"]
	m, w := r.model()
	for name := range m.Weights {
		m.Weights["lipsmooth image/"+name] = m.Weights[name]
	}
	if err := sampled(m, r.Recipe); err != nil || m.Inputs[0].Name != "lipsmooth lipsmooth image" {
		t.Error(err, m.Inputs[0].Name)
	}
	if p, err := Model(m, Options{}); err != nil || p.Lambda.Value() < r.steepest(w)*(1-1e-15) {
		t.Error(p, err)
	}
}

// The bound of a resizing lies above the norm, and not far.
func TestResizing(t *testing.T) {
	for _, n := range [][2]int{{5, 5}, {5, 10}, {10, 5}, {7, 11}, {11, 7}, {32, 224}, {3, 2}} {
		w := make([][]float32, n[1])
		var flat []float64
		for i := range w {
			w[i] = make([]float32, n[0])
			x := min(max(0, (float64(i)+0.5)*float64(n[0])/float64(n[1])-0.5), float64(n[0]-1))
			lo := int(x)
			w[i][lo] += float32(1 - x + float64(lo))
			w[i][min(lo+1, n[0]-1)] += float32(x - float64(lo))
			for _, v := range w[i] {
				flat = append(flat, float64(v))
			}
		}
		var s mat.SVD
		if !s.Factorize(mat.NewDense(n[1], n[0], flat), mat.SVDNone) {
			t.Fatal(n)
		}
		norm := s.Values(nil)[0]
		if bound := resizing(w); bound < norm || bound > 1.3*norm {
			t.Errorf("%v: norm %v, bound %v", n, norm, bound)
		}
	}
}

// No two images have margins further apart than Λ lets, as ONNX Runtime computes them.
func TestClassifier(t *testing.T) {
	if _, err := onnx.Library(); err != nil {
		t.Skip(err)
	}
	sampled := filepath.Join("..", "..", "rs", "sample", "onnx", "testdata")
	for _, c := range []struct {
		path string
		o    onnx.Options
	}{
		{"testdata/aol.onnx", onnx.Options{}},
		{"testdata/aol.onnx", onnx.Options{Std: []float64{0.25, 0.3, 0.5}, Channels: onnx.BGR,
			Size: [3]int{5, 13, 3}}},
		{"testdata/plain.onnx", onnx.Options{Channels: onnx.Repeat, Mean: []float64{0.4},
			Std: []float64{0.25}, OneByOne: true}},
		{sampled + "/nhwc.onnx", onnx.Options{Input: []int{7, 9}, Size: [3]int{6, 6, 1}}},
		{sampled + "/softmax.onnx", onnx.Options{Output: "probabilities"}},
		{sampled + "/softmax.onnx", onnx.Options{Output: "score"}},
	} {
		m, err := onnx.Load(c.path, c.o)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		lambda, err := Classifier(t.Context(), m, Options{Work: 1e9})
		if err != nil || m.Identity().Lambda != lambda || !lambda.Proved() {
			t.Errorf("%s: %v, %v", c.path, lambda, err)
			continue
		}
		if again, err := Of(t.Context(), m, Options{Work: 1e9}); again != lambda {
			t.Errorf("%s: %v, then %v, %v", c.path, lambda, again, err)
		}
		if share := steepestMargin(t, m) / lambda.Value(); !(share < 1.001 && share > 0.001) {
			t.Errorf("%s: a slope of %v of Λ = %v", c.path, share, lambda)
		}
	}
}

// steepestMargin is the largest slope of a difference of two logits that steps along gradients, by
// differences, show from some images.
func steepestMargin(t *testing.T, c *onnx.Classifier) (most float64) {
	t.Helper()
	at, err := c.At(0.5)
	if err != nil {
		t.Fatal(err)
	}
	size, classes := c.Shape()
	n := size[0] * size[1] * size[2]
	f := func(x []float32) [][]float32 {
		z, err := at.Logits(x, len(x)/n)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Collect(slices.Chunk(z, classes))
	}
	const step = 1.0 / 64
	r := rand.New(rand.NewPCG(5, 5))
	for range 3 {
		x := make([]float32, n)
		for i := range x {
			x[i] = r.Float32()
		}
		all := slices.Repeat(x, n+1)
		for i := range n {
			all[(i+1)*n+i] += step
		}
		z := f(all)
		for a := range classes {
			b := (a + 1) % classes
			d := make([]float64, n)
			for i := range d {
				d[i] = float64(z[i+1][a] - z[i+1][b] - z[0][a] + z[0][b])
			}
			length, moved, change := floats.Norm(d, 2), slices.Clone(x), 0.0
			for i := range moved {
				moved[i] += float32(d[i] / length)
				change += math.Pow(float64(moved[i])-float64(x[i]), 2)
			}
			y := f(moved)[0]
			most = max(most, float64(y[a]-y[b]-z[0][a]+z[0][b])/math.Sqrt(change))
		}
	}
	return most
}

// A smaller claim stays, and a larger one gives way. A loose bound and a file that changed are no
// proof.
func TestClaims(t *testing.T) {
	if _, err := onnx.Library(); err != nil {
		t.Skip(err)
	}
	for claim, proved := range map[float64]bool{0: true, 0.4: false, 0.5: true} {
		m, err := onnx.Load("testdata/aol.onnx", onnx.Options{Lipschitz: claim})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if _, err := Classifier(t.Context(), m, Options{}); err != nil {
			t.Error(err)
		}
		if l := m.Identity().Lambda; l.Proved() != proved || !proved && l != rs.Claim(claim) {
			t.Errorf("claim %v: %v", claim, l)
		}
	}
	m, err := onnx.Load("testdata/aol.onnx", onnx.Options{Std: []float64{1e-7}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := Classifier(t.Context(), m, Options{}); err == nil || m.Identity().Lambda.Known() ||
		!strings.Contains(err.Error(), "Λ = 4.72e+06 is too loose to certify anything") {
		t.Error(err)
	}
	text, err := os.ReadFile("testdata/aol.onnx")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	write := func(b []byte) {
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Classifier(ctx, m, Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if m, err = onnx.Load(path, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	write(bytes.Replace(text, []byte("pytorch"), []byte("pytorcH"), 1))
	if _, err := Classifier(t.Context(), m, Options{}); err == nil || m.Identity().Lambda.Known() ||
		!strings.Contains(err.Error(), "m: nothing proved: the file has changed") {
		t.Error(err)
	}
}
