package onnx

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// runtimeError is why tests that need ONNX Runtime are skipped. It is installed unless GOMLX_NO_AUTO_INSTALL says not to.
var runtimeError = sync.OnceValue(func() error {
	_, err := Library()
	if _, never := os.LookupEnv("GOMLX_NO_AUTO_INSTALL"); !errors.Is(err, ErrNoRuntime) || never {
		return err
	}
	_, err = Install(context.Background(), io.Discard)
	return err
})

func needRuntime(t testing.TB) {
	t.Helper()
	if err := runtimeError(); err != nil {
		t.Skipf("no ONNX Runtime here: %v", err)
	}
}

func open(t testing.TB, file string, o Options) *Model {
	t.Helper()
	needRuntime(t)
	m, err := Open(file, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// testImages are those of images() in testdata/make.py: hashed numbers of pixels.
func testImages(n int, size [3]int) []float32 {
	x := make([]float32, n*size[0]*size[1]*size[2])
	for i := range x {
		v := uint32(i) * 2654435761
		v ^= v >> 15
		v *= 2246822519
		v ^= v >> 13
		x[i] = float32(v>>8) / (1 << 24)
	}
	return x
}

// golden reads a TSV that onnxruntime made in Python: [images, classes].
func golden(t testing.TB, name string) (logits []float32, n int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		n++
		for _, f := range strings.Fields(line) {
			v, err := strconv.ParseFloat(f, 32)
			if err != nil {
				t.Fatal(err)
			}
			logits = append(logits, float32(v))
		}
	}
	return logits, n
}

// served are the files that are served, and how.
var served = []struct {
	name, file string // the golden logits, and the file where it is another
	options    Options
	scale      Scale
	layout     Layout
}{
	{name: "residual", options: Options{Mean: []float64{0.5, 0.4, 0.3}, Std: []float64{0.25, 0.2, 0.3}}},
	{name: "residual", file: "external", options: Options{Mean: []float64{0.5, 0.4, 0.3}, Std: []float64{0.25, 0.2, 0.3}}},
	{name: "depthwise"},
	{name: "vit"},
	{name: "vit", options: Options{Batch: 3}},
	{name: "batchnorm"},
	{name: "nhwc", options: Options{Size: [3]int{12, 20, 1}}, layout: NHWC},
	{name: "softmax", options: Options{Output: "probabilities"}, scale: Probabilities},
	{name: "float16"},
	{name: "resized", file: "depthwise", options: Options{Size: [3]int{24, 20, 3}}},
	{name: "cropped", file: "depthwise", options: Options{Size: [3]int{24, 20, 3}, Resize: 18}},
}

func TestLogitsAreThoseOfPython(t *testing.T) {
	for _, c := range served {
		file := c.file
		if file == "" {
			file = c.name
		}
		t.Run(c.name+" of "+file, func(t *testing.T) {
			m := open(t, filepath.Join("testdata", file+".onnx"), c.options)
			want, n := golden(t, c.name)
			if m.Classes != 10 || c.options.Size != [3]int{} && m.Size != c.options.Size {
				t.Errorf("%d classes, images of %v", m.Classes, m.Size)
			}
			if m.scale == Logits && c.scale == Probabilities || m.layout == NCHW && c.layout == NHWC {
				t.Errorf("%s of %s", m.scale, m.layout)
			}
			got, err := m.Logits(testImages(n, m.Size), n)
			if err != nil {
				t.Fatal(err)
			}
			var worst float64
			for i, v := range got {
				worst = max(worst, math.Abs(float64(v-want[i])))
			}
			if t.Logf("largest difference %.2g", worst); len(got) != len(want) || worst > 1e-5 {
				t.Errorf("%d logits, want %d; largest difference %g", len(got), len(want), worst)
			}
		})
	}
}

// Logits have the same bits wherever their image stands, and whoever asks at the same time.
func TestLogitsDependOnTheirImageOnly(t *testing.T) {
	for _, name := range []string{"residual", "vit", "nhwc", "float16"} {
		t.Run(name, func(t *testing.T) {
			m := open(t, filepath.Join("testdata", name+".onnx"), Options{Size: map[string][3]int{"nhwc": {12, 20, 1}}[name]})
			const n = 21
			x := testImages(n, m.Size)
			all, err := m.Logits(x, n)
			if err != nil {
				t.Fatal(err)
			}
			values := len(x) / n
			var wait sync.WaitGroup
			for i := range n {
				wait.Go(func() {
					count := 1 + i%5
					first := min(i, n-count)
					some, err := m.Logits(x[first*values:(first+count)*values], count)
					if err != nil || !slices.Equal(some, all[first*10:(first+count)*10]) {
						t.Errorf("images %d to %d alone: %v, other logits", first, first+count, err)
					}
				})
			}
			wait.Wait()
		})
	}
	m := open(t, "testdata/vit.onnx", Options{})
	if _, err := m.Logits(make([]float32, 5), 1); err == nil {
		t.Error("5 values are no image")
	}
	if l, err := m.Logits(nil, 0); err != nil || len(l) != 0 {
		t.Errorf("no images: %v, %v", l, err)
	}
}

func TestOptionsAct(t *testing.T) {
	x := testImages(2, [3]int{16, 16, 3})
	logits := func(file string, o Options) []float32 {
		l, err := open(t, "testdata/"+file+".onnx", o).Logits(x, 2)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	plain := logits("vit", Options{})
	for name, o := range map[string]Options{
		"mean": {Mean: []float64{0.5}}, "std": {Std: []float64{0.5}}, "resize": {Resize: 20},
	} {
		if slices.Equal(plain, logits("vit", o)) {
			t.Errorf("%s does nothing", name)
		}
	}
	// The logarithms of probabilities are scores but for one constant an image; taken as they are, they lie in [0, 1].
	score, log := logits("softmax", Options{Output: "score"}), logits("softmax", Options{Output: "probabilities"})
	for i := range score {
		if d := (score[i] - score[i/10*10]) - (log[i] - log[i/10*10]); math.Abs(float64(d)) > 1e-4 {
			t.Errorf("class %d: margins differ by %v", i, d)
		}
	}
	if p := logits("softmax", Options{Output: "probabilities", Scale: Logits}); slices.Min(p) < 0 || slices.Max(p) > 1 {
		t.Errorf("probabilities asked for as they are: %v", p)
	}
}

func TestWhatCannotBeServed(t *testing.T) {
	good, err := os.ReadFile("testdata/residual.onnx")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	external, err := os.ReadFile("testdata/external.onnx")
	if err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile("testdata/external.onnx.data")
	if err != nil {
		t.Fatal(err)
	}
	lone := write("lone.onnx", external)
	short := filepath.Join(dir, "short")
	os.Mkdir(short, 0o755)
	write("short/m.onnx", external)
	write("short/external.onnx.data", weights[:len(weights)-8])
	spoilt := filepath.Join(dir, "spoilt")
	os.Mkdir(spoilt, 0o755)
	write("spoilt/m.onnx", external)
	weights[3], weights[2] = 0x7f, 0xff // NaN
	write("spoilt/external.onnx.data", weights)
	for _, c := range []struct {
		name, path string
		options    Options
		want       []string
		runs       bool // the runtime finds it
	}{
		{"no file", filepath.Join(dir, "absent.onnx"), Options{}, []string{"absent.onnx", "no such file"}, false},
		{"folder", dir, Options{}, []string{"not an ONNX file"}, false},
		{"empty", write("empty.onnx", nil), Options{}, []string{"empty.onnx", "not an ONNX file"}, false},
		{"text", write("text.onnx", []byte("hello, world")), Options{}, []string{"text.onnx", "not an ONNX file"}, false},
		{"truncated", write("cut.onnx", good[:len(good)/2]), Options{}, []string{"cut.onnx", "truncated"}, false},
		{"missing weights", lone, Options{}, []string{"missing", "external.onnx.data"}, false},
		{"truncated weights", filepath.Join(short, "m.onnx"), Options{}, []string{"external.onnx.data", "truncated"}, false},
		{"NaN in weights elsewhere", filepath.Join(spoilt, "m.onnx"), Options{}, []string{"external.onnx.data", "NaN"}, false},
		{"weights elsewhere", write("up.onnx", []byte(strings.ReplaceAll(string(external), "external.onnx.data", "../../../up.data..."[:18]))), Options{}, []string{"outside of its folder"}, false},
		{"NaN", "testdata/bad-nan.onnx", Options{}, []string{`"head"`, "NaN"}, false},
		{"operator", "testdata/bad-operator.onnx", Options{}, []string{"no operator Nonesuch"}, true},
		{"domain", "testdata/bad-domain.onnx", Options{}, []string{"no operator com.example:Nonesuch"}, true},
		{"batch", "testdata/bad-batch.onnx", Options{}, []string{"image, float32 [n, 3, 16, 16]", "a batch of 25 fails"}, true},
		{"softmax over images", "testdata/bad-softmax.onnx", Options{}, []string{"Softmax", "axis 0"}, false},
		{"features", "testdata/bad-output.onnx", Options{}, []string{"[n, 4, 16, 16]", "need [25, classes]"}, true},
		{"integers", "testdata/bad-type.onnx", Options{}, []string{"image, uint8", "float32 and float16"}, false},
		{"inputs", "testdata/bad-inputs.onnx", Options{}, []string{"2 inputs", "mask, float32 [n]"}, false},
		{"outputs", "testdata/softmax.onnx", Options{}, []string{"2 outputs", "probabilities", "score"}, false},
		{"output", "testdata/softmax.onnx", Options{Output: "logit"}, []string{`no output "logit"`, "score"}, false},
		{"channels", "testdata/vit.onnx", Options{Size: [3]int{28, 28, 1}}, []string{"[n, 3, 16, 16]", "no axis of 1 channels"}, false},
		{"layout", "testdata/vit.onnx", Options{Layout: NHWC, Size: [3]int{16, 16, 3}}, []string{"no 3 channels at axis 3"}, false},
		{"no layout", "testdata/vit.onnx", Options{Layout: "CHWN"}, []string{`no layout "CHWN"`}, false},
		{"free size", "testdata/nhwc.onnx", Options{}, []string{"[n, height, width, 1]", "leaves the size"}, false},
		{"classes", "testdata/vit.onnx", Options{Classes: 100}, []string{"10 classes", "the dataset 100"}, true},
		{"fixed batch", "testdata/residual.onnx", Options{Batch: 5}, []string{"takes 2 images a run, not 5"}, false},
		{"mean", "testdata/vit.onnx", Options{Mean: []float64{0.1, 0.2}}, []string{"mean of 2 values for 3 channels"}, false},
		{"std", "testdata/vit.onnx", Options{Std: []float64{0}}, []string{"std over 0"}, false},
		{"small", "testdata/vit.onnx", Options{Size: [3]int{16, 16, 3}, Resize: 12}, []string{"12×12 are smaller"}, false},
		{"logits", "testdata/vit.onnx", Options{Scale: Probabilities}, []string{"no probabilities", "are these logits?"}, true},
		{"scale", "testdata/vit.onnx", Options{Scale: "odds"}, []string{`no scale "odds"`}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.runs {
				needRuntime(t)
			}
			m, err := Open(c.path, c.options)
			if err == nil {
				m.Close()
				t.Fatal("served")
			}
			t.Log(err)
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q doesn't say %q", err, w)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Error("more than one line")
			}
		})
	}
	t.Run("NaN images", func(t *testing.T) {
		m := open(t, "testdata/vit.onnx", Options{})
		x := testImages(1, m.Size)
		x[7] = float32(math.NaN())
		if _, err := m.Logits(x, 1); err == nil || !strings.Contains(err.Error(), "holds NaN") {
			t.Errorf("error %v", err)
		}
	})
}

func TestNoRuntime(t *testing.T) {
	t.Setenv(LibraryPath, "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	if _, err := Library(); !errors.Is(err, ErrNoRuntime) || !strings.Contains(err.Error(), "lipsmooth setup --onnx") {
		t.Errorf("error %v", err)
	}
	t.Setenv(LibraryPath, filepath.Join(t.TempDir(), "absent.so"))
	if _, err := Library(); err == nil || !strings.Contains(err.Error(), LibraryPath) {
		t.Errorf("error %v", err)
	}
}

func TestHash(t *testing.T) {
	needRuntime(t)
	seen := map[string]bool{}
	for _, name := range []string{"residual", "external", "depthwise"} {
		m := open(t, "testdata/"+name+".onnx", Options{})
		if len(m.Hash) != 64 || seen[m.Hash] {
			t.Errorf("%s: hash %s", name, m.Hash)
		}
		seen[m.Hash] = true
	}
	dir := t.TempDir()
	for i, spoil := range []bool{false, true} { // one bit of the weights that lie elsewhere
		for _, name := range []string{"external.onnx", "external.onnx.data"} {
			b, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			if spoil && strings.HasSuffix(name, ".data") {
				b[0] ^= 1
			}
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if m := open(t, filepath.Join(dir, "external.onnx"), Options{}); seen[m.Hash] == spoil {
			t.Errorf("copy %d: hash %s", i, m.Hash)
		}
	}
}

func TestDescribe(t *testing.T) {
	m := open(t, "testdata/depthwise.onnx", Options{Size: [3]int{24, 20, 3}, Resize: 18, Std: []float64{0.5}})
	text := strings.Join(m.Describe(), "\n")
	t.Log(text)
	for _, want := range []string{
		"depthwise.onnx, 5316 bytes, operators of version 17, by make.py", m.Hash, "ONNX Runtime 1.",
		"image, float32 [1, 3, 16, 16]: NCHW", "logits, float32 [1, 10]: logits (Add); 10 classes", "1 a run, as the file says",
		"24×20×3 in [0, 1], noise added, resized bilinearly to 21×18, the middle 16×16 taken, less mean [0 0 0], by std [0.5 0.5 0.5]",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	text = strings.Join(open(t, "testdata/softmax.onnx", Options{Output: "probabilities"}).Describe(), "\n")
	for _, want := range []string{"probabilities (Softmax), whose logarithms are taken", "batch      free; 25 a run"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	text = strings.Join(open(t, "testdata/external.onnx", Options{}).Describe(), "\n")
	if !strings.Contains(text, "weights    external.onnx.data") {
		t.Error(text)
	}
}
