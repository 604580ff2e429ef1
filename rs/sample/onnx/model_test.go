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

// runtimeError is why tests that need ONNX Runtime are skipped. It is installed unless
// GOMLX_NO_AUTO_INSTALL says not to.
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
	{name: "residual", options: Options{Mean: []float64{0.5, 0.4, 0.3}, Std: []float64{0.25, 0.2,
		0.3}}},
	{name: "residual", file: "external", options: Options{Mean: []float64{0.5, 0.4, 0.3},
		Std: []float64{0.25, 0.2, 0.3}}},
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
			m := open(t, filepath.Join("testdata", name+".onnx"),
				Options{Size: map[string][3]int{"nhwc": {12, 20, 1}}[name]})
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
	// The logarithms of probabilities are scores but for one constant an image; taken as they are,
	// they lie in [0, 1].
	score, log := logits("softmax", Options{Output: "score"}), logits("softmax",
		Options{Output: "probabilities"})
	for i := range score {
		if d := (score[i] - score[i/10*10]) - (log[i] - log[i/10*10]); math.Abs(float64(d)) > 1e-4 {
			t.Errorf("class %d: margins differ by %v", i, d)
		}
	}
	if p := logits("softmax", Options{Output: "probabilities", Scale: Logits}); slices.Min(p) < 0 ||
		slices.Max(p) > 1 {
		t.Errorf("probabilities asked for as they are: %v", p)
	}
}

// unserved is a file that can't be served, and words of the reason.
type unserved struct {
	name, path string
	options    Options
	runs       bool // the runtime finds it
	want       []string
}

// spoilt writes files that can't be read, and takes some of testdata.
func spoilt(t *testing.T) []unserved {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, 0o644))
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := read("residual.onnx")
	external, weights := read("external.onnx"), read("external.onnx.data")
	lone := write("lone.onnx", external)
	short := write("short/m.onnx", external)
	write("short/external.onnx.data", weights[:len(weights)-8])
	nan := write("nan/m.onnx", external)
	weights[3], weights[2] = 0x7f, 0xff // NaN
	write("nan/external.onnx.data", weights)
	up := strings.ReplaceAll(string(external), "external.onnx.data", "../../../up.data..."[:18])
	broken := []string{"not an ONNX file"}
	return []unserved{
		{name: "no file", path: filepath.Join(dir, "absent.onnx"),
			want: []string{"absent.onnx", "no such file"}},
		{name: "folder", path: dir, want: broken},
		{name: "empty", path: write("empty.onnx", nil), want: append(broken, "empty.onnx")},
		{name: "text", path: write("text.onnx", []byte("hello, world")),
			want: append(broken, "text.onnx")},
		{name: "truncated", path: write("cut.onnx", good[:len(good)/2]),
			want: []string{"cut.onnx", "truncated"}},
		{name: "missing weights", path: lone, want: []string{"missing", "external.onnx.data"}},
		{name: "truncated weights", path: short, want: []string{"external.onnx.data", "truncated"}},
		{name: "NaN in weights elsewhere", path: nan, want: []string{"external.onnx.data", "NaN"}},
		{name: "weights elsewhere", path: write("up.onnx", []byte(up)),
			want: []string{"outside of its folder"}},
	}
}

// misread are files of testdata that can't be served, or not with these options.
var misread = []unserved{
	{name: "NaN", path: "bad-nan", want: []string{`"head"`, "NaN"}},
	{name: "operator", path: "bad-operator", runs: true, want: []string{"no operator Nonesuch"}},
	{name: "domain", path: "bad-domain", runs: true,
		want: []string{"no operator com.example:Nonesuch"}},
	{name: "softmax over images", path: "bad-softmax", want: []string{"Softmax", "axis 0"}},
	{name: "features", path: "bad-output", runs: true,
		want: []string{"[n, 4, 16, 16]", "need [25, classes]"}},
	{name: "integers", path: "bad-type", want: []string{"image, int32", "and uint8 can"}},
	{name: "inputs", path: "bad-inputs", want: []string{"2 inputs", "mask, float32 [n]"}},
	{name: "outputs", path: "softmax",
		want: []string{"2 outputs", "probabilities", "score", "with --output"}},
	{name: "output", path: "softmax", options: Options{Output: "logit"},
		want: []string{`no output "logit"`, "score"}},
	{name: "channels", path: "nhwc", options: Options{Size: [3]int{28, 28, 3}},
		want: []string{"[n, height, width, 1]", "no axis of 3 channels"}},
	{name: "layout", path: "vit", options: Options{Layout: NHWC, Size: [3]int{16, 16, 3}},
		want: []string{"--layout NHWC: axis 3 of", "doesn't have 3 channels"}},
	{name: "no layout", path: "vit", options: Options{Layout: "CHWN"},
		want: []string{`no layout "CHWN"`}},
	{name: "free size", path: "nhwc", want: []string{"[n, height, width, 1]", "leaves the size"}},
	{name: "classes", path: "vit", options: Options{Classes: 100}, runs: true,
		want: []string{"10 classes", "the dataset 100"}},
	{name: "fixed batch", path: "residual", options: Options{Batch: 5},
		want: []string{"takes 2 images a run, not 5"}},
	{name: "mean", path: "vit", options: Options{Mean: []float64{0.1, 0.2}},
		want: []string{"mean of 2 values for 3 channels"}},
	{name: "std", path: "vit", options: Options{Std: []float64{0}}, want: []string{"std over 0"}},
	{name: "small", path: "vit", options: Options{Size: [3]int{16, 16, 3}, Resize: 12},
		want: []string{"12×12 are smaller"}},
	{name: "logits", path: "vit", options: Options{Scale: Probabilities}, runs: true,
		want: []string{"no probabilities", "are these logits? --scale logits"}},
	{name: "scale", path: "vit", options: Options{Scale: "odds"}, want: []string{`no scale "odds"`}},
}

func TestWhatCannotBeServed(t *testing.T) {
	all := spoilt(t)
	for _, c := range misread {
		c.path = filepath.Join("testdata", c.path+".onnx")
		all = append(all, c)
	}
	for _, c := range all {
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
}

func TestNaNImages(t *testing.T) {
	m := open(t, "testdata/vit.onnx", Options{})
	x := testImages(1, m.Size)
	x[7] = float32(math.NaN())
	if _, err := m.Logits(x, 1); err == nil || !strings.Contains(err.Error(), "holds NaN") {
		t.Errorf("error %v", err)
	}
}

func TestNoRuntime(t *testing.T) {
	t.Setenv(LibraryPath, "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	if _, err := Library(); !errors.Is(err, ErrNoRuntime) || !strings.Contains(err.Error(),
		"lipsmooth setup --onnx") {
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
	m := open(t, "testdata/depthwise.onnx", Options{Size: [3]int{24, 20, 3}, Resize: 18,
		Std: []float64{0.5}})
	text := strings.Join(m.Describe(), "\n")
	t.Log(text)
	for _, want := range []string{
		"depthwise.onnx, 5316 bytes, operators of version 17, by make.py", m.Hash, "ONNX Runtime 1.",
		"image, float32 [1, 3, 16, 16]: NCHW", "logits, float32 [1, 10]: logits (Add); 10 classes",
		"1 a run, as the file says",
		"24×20×3 in [0, 1], noise added, resized bilinearly to 21×18, the middle 16×16 taken, " +
			"less mean [0 0 0], by std [0.5 0.5 0.5]",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	text = strings.Join(open(t, "testdata/softmax.onnx", Options{Output: "probabilities"}).Describe(),
		"\n")
	for _, want := range []string{"probabilities (Softmax), whose logarithms are taken",
		"batch      free; 25 a run"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	text = strings.Join(open(t, "testdata/external.onnx", Options{}).Describe(), "\n")
	if !strings.Contains(text, "weights    external.onnx.data") {
		t.Error(text)
	}
}
