package export_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/gomlx/backends/default"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/internal/peers"
	"github.com/lipsmooth/lipsmooth/internal/wheel"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/export"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
)

var backend compute.Backend

func TestMain(m *testing.M) {
	var err error
	if backend, _, err = device.Open(context.Background(),
		device.Options{Quiet: true}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// onTorus says whether a kind of convolution refuses zero padding.
func onTorus(kind string) bool { return kind == "bro" || kind == "cayley" }

const classes = 7

// networks are every architecture, with every kind of each layer, and layers that no architecture
// has, by names that files can have.
func networks(t *testing.T) map[string]*net.Network {
	t.Helper()
	all := map[string]*net.Network{}
	add := func(n *net.Network, err error, words ...string) {
		t.Helper()
		name := strings.Join(words, "-")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = n
	}
	for _, padding := range []string{lip.Circular, lip.Zero} {
		of := func(architecture, convolution string) {
			t.Helper()
			s := net.Setting{Architecture: architecture, Convolution: convolution, Padding: padding,
				Width: 4}
			n, err := net.New(lip.Size{12, 16, 3}, classes, s)
			add(n, err, architecture, convolution, padding)
		}
		for architecture := range net.Architectures {
			of(architecture, "aol")
		}
		for _, convolution := range lip.Convolutions() {
			if !onTorus(convolution) || padding == lip.Circular { // else refused
				of("conv", convolution)
			}
		}
	}
	of := func(name string, in lip.Size, layers ...lip.Layer) {
		t.Helper()
		n, err := net.Of(in, slices.Concat(layers,
			[]lip.Layer{lip.Flat{}, lip.Dense{Units: classes}})...)
		add(n, err, name)
	}
	for _, kind := range lip.Activations() {
		a := lip.Activation{Kind: kind}
		of("activation-"+kind, lip.Size{4, 6, 4}, a, lip.Flat{}, lip.Dense{Units: 12}, a)
	}
	for _, kind := range lip.Denses() {
		of("dense-"+kind, lip.Size{3, 4, 2}, lip.Flat{}, lip.Dense{Kind: kind, Units: 15},
			lip.Dense{Kind: kind, Units: 30})
	}
	for _, kind := range lip.Residuals() {
		for _, padding := range []string{lip.Circular, lip.Zero} {
			of("residual-"+kind+"-"+padding, lip.Size{5, 7, 3},
				lip.Residual{Kind: kind, Kernel: 3, Inner: 6, Padding: padding},
				lip.Residual{Kind: kind, Kernel: 1, Inner: 2, Padding: padding}, lip.Flat{},
				lip.Residual{Kind: kind, Kernel: 1, Inner: 9})
		}
	}
	for _, kind := range lip.Convolutions() {
		c := lip.Convolution{Kind: kind, Kernel: 3, Channels: 8, Stride: 2, Groups: 2}
		of("stride-"+kind, lip.Size{12, 8, 4}, c,
			lip.Convolution{Kind: kind, Kernel: 1, Channels: 4})
		if !onTorus(kind) {
			c.Padding, c.Groups = lip.Zero, 1
			of("stride-zero-"+kind, lip.Size{8, 12, 4}, c)
		}
	}
	of("odd-zero", lip.Size{7, 9, 2}, lip.Convolution{Kind: "aol", Kernel: 5, Channels: 6,
		Stride: 2, Groups: 2, Padding: lip.Zero})
	of("cayley-odd", lip.Size{5, 9, 3}, lip.Convolution{Kind: "cayley", Kernel: 3, Channels: 5})
	of("soc-fewer", lip.Size{6, 4, 8}, lip.Convolution{Kind: "soc", Kernel: 3, Channels: 4,
		Groups: 4, Padding: lip.Zero}, lip.Convolution{Kind: "soc", Kernel: 3, Channels: 2})
	of("groupsort", lip.Size{4, 4, 6}, lip.Activation{Kind: "groupsort", Group: 3},
		lip.Activation{Kind: "groupsort", Group: 1}, lip.Flat{},
		lip.Activation{Kind: "groupsort", Group: 8})
	of("pools", lip.Size{12, 12, 3}, lip.NormPool{By: 2}, lip.AveragePool{By: 3})
	of("centring", lip.Size{4, 6, 3}, lip.Centring{}, lip.Flat{}, lip.Centring{})
	of("shift", lip.Size{4, 6, 19}, lip.SpatialShift{}, lip.Depth{By: 2}, lip.SpatialShift{})
	of("affine", lip.Size{6, 6, 3}, lip.Affine{Kernel: 5}, lip.Affine{Kernel: 1, Padding: lip.Zero})
	of("depth", lip.Size{12, 6, 2}, lip.Depth{By: 3}, lip.Depth{By: 2}, lip.Flat{},
		lip.Sandwich{Units: 9})
	return all
}

// random weights of n, as training begins with, but for biases, which aren't 0.
func random(t *testing.T, n *net.Network) (weights [][]*tensors.Tensor) {
	t.Helper()
	store := model.NewStore()
	store.SetParam(model.ParamInitialSeed, int64(3))
	var counts []int
	pure, err := device.PureGo() // compiles nothing
	if err != nil {
		t.Fatal(err)
	}
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
	for _, count := range counts {
		var layer []*tensors.Tensor
		for j, w := range flat[:count] {
			if w.Rank() == 1 && j > 0 {
				b := make([]float32, w.Size())
				for k := range b {
					b[k] = float32(0.2 * r.NormFloat64())
				}
				w = tensors.FromFlatDataAndDimensions(b, w.Shape().Dimensions...)
			} else if w.Rank() == 1 { // angles
				w = tensors.FromFlatDataAndDimensions(values(t, w), w.Shape().Dimensions...)
			}
			layer = append(layer, w)
		}
		weights, flat = append(weights, layer), flat[count:]
	}
	return weights
}

func values(t *testing.T, x *tensors.Tensor) []float32 {
	t.Helper()
	v, err := tensors.CopyFlatData[float32](x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// ours are the logits of images, [n, h, w, c], on a backend.
func ours(t *testing.T, on compute.Backend, n *net.Network, weights [][]*tensors.Tensor,
	images []float32) []float32 {
	t.Helper()
	in := []any{tensors.FromFlatDataAndDimensions(images, len(images)/n.In.Entries(), n.In[0],
		n.In[1], n.In[2])}
	for _, w := range slices.Concat(weights...) {
		own, err := w.LocalClone()
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, own)
	}
	z, err := ExecOnce(on, func(v []*Node) *Node {
		w, rest := make([][]*Node, len(weights)), v[1:]
		for i := range w {
			w[i], rest = rest[:len(weights[i])], rest[len(weights[i]):]
		}
		return n.Logits(v[0], w)
	}, in...)
	if err != nil {
		t.Fatal(err)
	}
	return values(t, z)
}

// images are n of them, [n, h, w, c]: half in [0, 1], half noisy.
func images(n int, in lip.Size) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n*in.Entries())
	for i := range x {
		x[i] = r.Float32()
		if i >= len(x)/2 {
			x[i] += float32(0.5 * r.NormFloat64())
		}
	}
	return x
}

func write(t *testing.T, path string, n *net.Network, weights [][]*tensors.Tensor) []byte {
	t.Helper()
	f, err := export.Network(n, weights, export.Property{Key: "name",
		Value: strings.TrimSuffix(filepath.Base(path), ".onnx")})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if n, err := f.WriteTo(&b); err != nil || int(n) != f.Size() || b.Len() != f.Size() {
		t.Fatalf("%d bytes of %d, %v", n, f.Size(), err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// apart is the largest difference, and the largest of ours.
func apart(t *testing.T, ours, theirs []float32) (most, size float64) {
	t.Helper()
	if len(ours) != len(theirs) {
		t.Fatalf("%d logits, not %d", len(theirs), len(ours))
	}
	for i, z := range ours {
		most, size = max(most, math.Abs(float64(z)-float64(theirs[i]))),
			max(size, math.Abs(float64(z)))
	}
	return most, size
}

const count, tolerance = 100, 1e-5

// Every network has, as a file, the logits that it has here: in ONNX Runtime, and in Python, where
// onnx.checker takes the file.
func TestLogits(t *testing.T) {
	dir := t.TempDir()
	all := networks(t)
	x, want := map[string][]float32{}, map[string][]float32{}
	for name, n := range all {
		weights := random(t, n)
		path := filepath.Join(dir, name+".onnx")
		if first := write(t, path, n, weights); !bytes.Equal(first, write(t, path, n, weights)) {
			t.Errorf("%s: written again, it has other bytes", name)
		}
		x[name] = images(count, n.In)
		want[name] = ours(t, backend, n, weights, x[name])
	}
	compare := func(t *testing.T, name string, theirs []float32) {
		t.Helper()
		most, size := apart(t, want[name], theirs)
		t.Logf("%-30s %.2g apart at most, of %.2g", name, most, size)
		if !(most <= tolerance) || size < 0.05 {
			t.Errorf("%s: logits are %g apart, the largest %g", name, most, size)
		}
	}
	t.Run("runtime", func(t *testing.T) {
		if _, err := onnx.Library(); err != nil {
			t.Skip(err)
		}
		for name, n := range all {
			m, err := onnx.Open(filepath.Join(dir, name+".onnx"),
				onnx.Options{Size: [3]int(n.In), Layout: onnx.NCHW})
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := m.Logits(x[name], count)
			m.Close()
			if err != nil {
				t.Fatal(err)
			}
			compare(t, name, theirs)
		}
	})
	t.Run("Python", func(t *testing.T) {
		interpreter := python(t)
		for name, n := range all {
			give(t, dir, name, x[name], n.In)
		}
		check(t, interpreter, dir)
		for name := range all {
			theirs, properties := take(t, dir, name)
			compare(t, name, theirs)
			if want := map[string]string{"name": name}; !maps.Equal(properties, want) {
				t.Errorf("%s: metadata %v, want %v", name, properties, want)
			}
		}
	})
}

// python is an interpreter with onnx and onnxruntime. Where there is no Python, or without CI no
// network, the test is skipped.
func python(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: installs no onnxruntime for Python")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 on PATH")
	}
	cache, err := wheel.Dir()
	if err != nil {
		t.Fatal(err)
	}
	peer, err := peers.ByNames([]string{"onnxruntime"}) // its environment has onnx too
	if err != nil {
		t.Fatal(err)
	}
	interpreter, err := peers.Environments{Dir: filepath.Join(cache, "peers"),
		Log: t.Output()}.Python(t.Context(), peer[0])
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("no onnxruntime for Python: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return interpreter
}

// give lays images, [n, h, w, c], beside a file for check, which runs the files of dir in Python;
// take returns what came of one: logits and metadata.
func give(t *testing.T, dir, name string, x []float32, in lip.Size) {
	t.Helper()
	var b bytes.Buffer
	if err := binary.Write(&b, binary.NativeEndian, channelsFirst(x, in)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".images"), b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, interpreter, dir string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), interpreter, "-I",
		filepath.Join("testdata", "check.py"), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func take(t *testing.T, dir, name string) (logits []float32, properties map[string]string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name+".logits"))
	if err != nil {
		t.Fatal(err)
	}
	logits = make([]float32, len(b)/4)
	if err := binary.Read(bytes.NewReader(b), binary.NativeEndian, logits); err != nil {
		t.Fatal(err)
	}
	if b, err = os.ReadFile(filepath.Join(dir, name+".json")); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &properties); err != nil {
		t.Fatal(err)
	}
	return logits, properties
}

func channelsFirst(x []float32, in lip.Size) []float32 {
	y := make([]float32, 0, len(x))
	for image := range slices.Chunk(x, in.Entries()) {
		for c := range in[2] {
			for i := c; i < len(image); i += in[2] {
				y = append(y, image[i])
			}
		}
	}
	return y
}

// unknownLayer is a layer that export doesn't know.
type unknownLayer struct{ lip.Flat }

func TestRefused(t *testing.T) {
	dense := lip.Dense{Units: 2}
	w := []*tensors.Tensor{tensors.FromFlatDataAndDimensions(make([]float32, 8), 4, 2),
		tensors.FromFlatDataAndDimensions(make([]float32, 2), 2)}
	for _, c := range []struct {
		in     lip.Size
		layers []lip.Layer
		want   string
	}{
		{lip.Size{2, 2, 1}, []lip.Layer{unknownLayer{}, dense},
			"export: layer 0, flatten: a export_test.unknownLayer has no form in ONNX here"},
		{lip.Size{4}, []lip.Layer{lip.Flat{}, dense},
			"export: a network of images [h, w, c] is wanted, not of 4"},
	} {
		n, err := net.Of(c.in, c.layers...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := export.Network(n, [][]*tensors.Tensor{nil, w}); err == nil ||
			err.Error() != c.want {
			t.Errorf("%v: %v, want %s", c.layers, err, c.want)
		}
	}
}
