package onnx

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

func denoiser(t *testing.T, name string, o Options) *Denoiser {
	t.Helper()
	needRuntime(t)
	d, err := OpenDenoiser(filepath.Join("testdata", name+".onnx"), [3]int{16, 16, 3}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func near(t *testing.T, got, want []float32, within float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d logits, want %d", len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(float64(got[i])-float64(want[i])) <= within) {
			t.Fatalf("logit %d: %v, want %v", i, got[i], want[i])
		}
	}
}

// A diffusion model that knows the mean of images of variance 0.25 around gray: one shot is that
// mean, whatever the model says.
func TestDiffusionIsTheMeanOfWhatWasThere(t *testing.T) {
	m := open(t, "testdata/vit.onnx", Options{Batch: 3, Mean: []float64{0.4}})
	const n = 8
	x := testImages(n, m.Size)
	for i := range x {
		x[i] = 1.6*x[i] - 0.3 // as noise leaves them
	}
	for _, name := range []string{Noise, Image, Velocity} {
		d := denoiser(t, "denoiser-"+name, Options{Schedule: "linear", Predicts: name})
		for _, sigma := range []float64{0.12, 0.5, 2} {
			b, err := d.Before(m, sigma)
			if err != nil {
				t.Fatal(err)
			}
			kept := d.schedule.kept[b.step]
			clean := make([]float32, len(x))
			clipped := 0
			for i, v := range x {
				y := math.Sqrt(kept) * 0.25 / (kept*0.25 + 1 - kept) * math.Sqrt(kept) * (2*float64(v) - 1)
				if math.Abs(y) > 1 {
					clipped++
				}
				clean[i] = float32((min(max(y, -1), 1) + 1) / 2)
			}
			if sigma < 0.2 && clipped == 0 {
				t.Error("nothing is clipped")
			}
			for i := range n { // the images themselves
				shot := make([]float32, 768)
				if err := b.denoise(shot, x[i*768:(i+1)*768]); err != nil {
					t.Fatal(err)
				}
				near(t, shot, clean[i*768:(i+1)*768], 1e-5)
			}
			want, err := m.Logits(clean, n)
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.Logits(x, n)
			if err != nil {
				t.Fatal(err)
			}
			near(t, got, want, 2e-5)
			alone, err := b.Logits(x[5*16*16*3:6*16*16*3], 1)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(alone, got[50:60]) {
				t.Error(name, ": the logits of an image depend on the others")
			}
		}
	}
}

// Small diffusion networks give the logits of Python's onnxruntime, where numpy scales, denoises
// and clips: every type of step and of prediction, both layouts, twice the channels, float16, and a
// table.
func TestDiffusionIsThatOfPython(t *testing.T) {
	for _, c := range []struct {
		name, schedule, predicts string
		sigma                    float64
		step, batch              int
	}{
		{"noise", "linear", "", 0.25, 145, 25},
		{"wide", "cosine", Noise, 0.5, 496, 2},
		{"image", "testdata/kept.txt", Image, 0.12, 3, 25},
		{"velocity", "cosine", Velocity, 1, 702, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := denoiser(t, "diffusion-"+c.name, Options{Schedule: c.schedule, Predicts: c.predicts})
			b, err := d.Before(open(t, "testdata/vit.onnx", Options{Batch: 3}), c.sigma)
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(b.Describe(), "\n"); d.Batch != c.batch || b.step != c.step ||
				d.wide != strings.Contains(text, "in the first 3 channels") || d.wide != (c.name == "wide") {
				t.Errorf("%d a run, step %d: %s", d.Batch, b.step, text)
			}
			want, n := golden(t, "diffusion-"+c.name)
			x := testImages(n, d.Size)
			for i, v := range x {
				x[i] = 1.6*v - 0.3
			}
			got, err := b.Logits(x, n)
			if err != nil {
				t.Fatal(err)
			}
			worst := 0.0
			for i := range got {
				worst = max(worst, math.Abs(float64(got[i])-float64(want[i])))
			}
			t.Logf("step %d; largest difference %.2g", b.step, worst)
			near(t, got, want, 1e-5)
			for i := range n { // alone, with the same bits
				alone, err := b.Logits(x[i*768:(i+1)*768], 1)
				if err != nil || !slices.Equal(alone, got[i*10:(i+1)*10]) {
					t.Errorf("image %d alone: %v, other logits", i, err)
				}
			}
			// The step counts: another one gives other logits.
			other := *b
			other.step++
			if moved, err := other.Logits(x, n); err != nil || slices.Equal(moved, got) {
				t.Error("the step does nothing: ", err)
			}
		})
	}
}

func TestDescribeDenoised(t *testing.T) {
	m := open(t, "testdata/vit.onnx", Options{})
	d := denoiser(t, "diffusion-noise", Options{Schedule: "linear"})
	b, err := d.Before(m, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(b.Describe(), "\n")
	for _, want := range []string{
		"denoiser   diffusion-noise.onnx, 3041 bytes", "x, float32 [n, 3, 16, 16]: NCHW",
		"t, int64 [n]: 145, of schedule linear: noise of 0.2516 in [0, 1]",
		"guess, float32 [n, 3, 16, 16]: noise", "vit.onnx", "16×16×3 in [0, 1], denoised",
		"both       hash " + d.Hash(m),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

func TestDenoiserWithoutStep(t *testing.T) {
	m := open(t, "testdata/vit.onnx", Options{})
	b, err := denoiser(t, "denoiser", Options{}).Before(m, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	want, n := golden(t, "denoiser")
	x := testImages(n, m.Size)
	got, err := b.Logits(x, n)
	if err != nil {
		t.Fatal(err)
	}
	near(t, got, want, 1e-5)

	// What it says is taken off where it predicts noise.
	b, err = denoiser(t, "denoiser", Options{Predicts: Noise}).Before(m, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	clean, left := make([]float32, len(x)), make([]float32, len(x))
	whole, err := denoiser(t, "denoiser", Options{Predicts: Image}).Before(m, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		*Denoised
		to []float32
	}{{whole, clean}, {b, left}} {
		if err := inParts(n, 2, func(at, count int) error {
			return c.denoise(c.to[at*768:(at+count)*768], x[at*768:(at+count)*768])
		}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range x {
		if x[i]-clean[i] != left[i] {
			t.Fatal(i, x[i], clean[i], left[i])
		}
	}
}

// A batch of 1 in a Reshape leaves runs of one image, as in a classifier.
func TestDenoiserOfOneImage(t *testing.T) {
	needRuntime(t)
	shape := []int64{-1, 1, 4, 5}
	path := save(t, "one.onnx", modelOf(13, [][]byte{
		integers("flat", 1, 20), integers("back", -1, 1, 4, 5), port(11, "x", onnxfile.Float32, shape...),
		operator("Reshape", names("x", "flat"), names("r")),
		operator("Reshape", names("r", "back"), names("y")), port(12, "y", onnxfile.Float32, shape...),
	}))
	o := Options{Size: [3]int{4, 5, 1}, Denoiser: path}
	net := net{dims: []int64{-1, 20}, values: 20, classes: 3}
	c, err := Load(save(t, "m.onnx", net.bytes()), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if notes := c.Notes(); len(notes) != 1 || !strings.HasPrefix(notes[0],
		"one.onnx runs one image at a time") {
		t.Error(notes)
	}
	x := testImages(3, o.Size)
	want, err := c.model.Logits(x, 3)
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.At(0.25)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.Logits(x, 3); err != nil || !slices.Equal(got, want) {
		t.Error(err, got, want)
	}
}

func TestSchedules(t *testing.T) {
	linear, err := newSchedule("linear")
	if err != nil {
		t.Fatal(err)
	}
	if k := linear.kept; len(k) != 1000 || math.Abs(k[0]-0.9999) > 1e-12 ||
		math.Abs(k[999]/4.0358e-5-1) > 1e-4 {
		t.Error(len(k), k[0], k[999])
	}
	cosine, err := newSchedule("cosine")
	if err != nil {
		t.Fatal(err)
	}
	f := func(t float64) float64 { return math.Pow(math.Cos((t/1000+0.008)/1.008*math.Pi/2), 2) }
	for _, at := range []int{0, 1, 499, 997} {
		if want := f(float64(at+1)) / f(0); math.Abs(cosine.kept[at]/want-1) > 1e-9 {
			t.Error(at, cosine.kept[at], want)
		}
	}
	if k := cosine.kept; math.Abs(k[999]/k[998]-0.001) > 1e-9 {
		t.Error("β isn't cut off", k[998:])
	}
	for _, s := range []*schedule{linear, cosine} {
		for i, k := range s.kept[1:] {
			if !(k < s.kept[i]) {
				t.Error(s.name, i, "doesn't fall")
			}
		}
		for _, sigma := range []float64{1e-6, 0.12, 0.25, 0.5, 1, 5} {
			step, err := s.step(sigma)
			if err != nil {
				t.Fatal(err)
			}
			if s.noise(step) < 2*sigma*(1-rounded) || step > 0 && s.noise(step-1) >= 2*sigma {
				t.Errorf("%s, σ = %g: step %d, of noise %g after %g", s.name, sigma, step, s.noise(step),
					s.noise(max(0, step-1)))
			}
		}
	}
	if _, err := linear.step(100); err == nil || !strings.Contains(err.Error(),
		"more noise than that of the last step of schedule linear, 78.7") {
		t.Error(err)
	}
	// The digits of a table leave less noise than was meant: 0.8 is that of σ = 0.25, but for
	// rounding.
	if step, err := (&schedule{kept: []float64{0.99, 0.8, 0.1}}).step(0.25); step != 1 || err != nil {
		t.Error(step, err)
	}
	if step, err := (&schedule{kept: []float64{0.99, 0.8}}).step(0.2501); err == nil {
		t.Error("the last step has more noise than it has: ", step)
	}
	table := filepath.Join(t.TempDir(), "kept.txt")
	for text, want := range map[string]string{
		"0.9\n0.5\n0.25\n": "", "0.9\n0.5": "", "1\n0.5\n": "", "0.9\r\n0.5\r\n": "",
		"0.9\n0.9\n": ":2: ᾱ = 0.9: want", "0.9\n\n0.5\n": ":2: ᾱ = : want",
		"0.9 0.5\n": ":1: ᾱ = 0.9 0.5", "-0.5\n": ":1: ᾱ = -0.5",
		"0.9\n0.95\n": ":2: ᾱ = 0.95: want numbers that fall", "0.9\nx\n": ":2: ᾱ = x", "": ":1: ᾱ = :",
		"1.5\n": ":1: ᾱ = 1.5", "0.5\n0\n": ":2: ᾱ = 0", "0.5\nnan\n": ":2: ᾱ = nan",
	} {
		if err := os.WriteFile(table, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := newSchedule(table)
		if want == "" && (err != nil || s.hash == "" || s.name != "kept.txt") || want != "" &&
			(err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// The hash tells denoisers, classifiers and tables apart.
func TestDenoisedHash(t *testing.T) {
	vit, norm := open(t, "testdata/vit.onnx", Options{}), open(t, "testdata/batchnorm.onnx", Options{})
	table := filepath.Join(t.TempDir(), "kept.txt")
	if err := os.WriteFile(table, []byte("0.9\n0.5\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{vit.Hash: true, norm.Hash: true}
	for _, m := range []*Model{vit, norm} {
		for _, d := range []*Denoiser{
			denoiser(t, "denoiser", Options{}), denoiser(t, "denoiser-noise", Options{Schedule: "linear"}),
			denoiser(t, "denoiser-noise", Options{Schedule: table}),
		} {
			b, err := d.Before(m, 0.25)
			if err != nil {
				t.Fatal(err)
			}
			hash := d.Hash(m)
			if seen[hash] || len(hash) != 64 {
				t.Error(hash, "again")
			}
			seen[hash] = true
			t.Log(strings.Join(b.Describe(), "\n"))
		}
	}
}

func TestWhatCannotDenoise(t *testing.T) {
	needRuntime(t)
	of := [3]int{16, 16, 3}
	for _, c := range []struct {
		file string
		size [3]int
		o    Options
		want string
	}{
		{"absent", of, Options{}, "absent.onnx: no such file"},
		{"denoiser-noise", of, Options{}, "it takes a diffusion step: say its schedule"},
		{"denoiser-noise", of, Options{Schedule: "quadratic"},
			`no schedule "quadratic": known: linear, cosine, or a file`},
		{"denoiser-noise", of, Options{Schedule: "linear", Predicts: "score"},
			`it predicts "score": known: noise, image, and of a diffusion model velocity`},
		{"denoiser-noise", [3]int{32, 32, 3}, Options{Schedule: "linear"},
			"takes other images than 32×32×3"},
		{"denoiser-noise", [3]int{16, 16, 1}, Options{Schedule: "linear"}, "no axis of 1 channels"},
		{"denoiser", of, Options{Schedule: "linear"},
			"a schedule, linear, is of a diffusion model, and this takes no step"},
		{"denoiser", of, Options{Predicts: Velocity}, `it predicts "velocity"`},
		{"denoiser", [3]int{}, Options{}, "images of 0×0×0"},
		{"vit", of, Options{},
			"logits, float32 [n, 10] is [25 10] for images [25 3 16 16]: want as many pixels"},
		{"bad-output", of, Options{},
			"is [25 4 16 16] for images [25 3 16 16]: " +
				"want as many pixels, and as many channels or twice as many"},
		{"bad-denoiser-size", of, Options{}, "is [25 3 8 8] for images [25 3 16 16]"},
		{"bad-denoiser-open-size", of, Options{}, "[n, c, h, w] is [25 3 8 8] for images [25 3 16 16]"},
		{"bad-denoiser-inputs", of, Options{Schedule: "linear"},
			"3 inputs (image, float32 [n, 3, 16, 16]; t, int64 [n]; label, int64 [n])"},
		{"bad-denoiser-outputs", of, Options{},
			"2 outputs (clean, float32 [n, 3, 16, 16]; image2, float32 [n, 3, 16, 16]): a denoiser has one"},
		{"bad-denoiser-step", of, Options{Schedule: "linear"},
			"the step t, float64 [n] can't be served: int64, int32 and float32 can"},
		{"bad-denoiser-values", of, Options{}, "the output clean holds NaN"},
		{"bad-nan", of, Options{}, "hold NaN"},
		{"bad-operator", of, Options{}, "logits, float32 [n, 10] is [25 10]"},
	} {
		_, err := OpenDenoiser(filepath.Join("testdata", c.file+".onnx"), c.size, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c.file, err, c.want)
		}
	}
	m := open(t, "testdata/depthwise.onnx", Options{Size: [3]int{24, 20, 3}})
	if _, err := denoiser(t, "denoiser", Options{}).Before(m, 0.25); err == nil ||
		!strings.Contains(err.Error(), "denoises images of 16×16×3, and the classifier takes 24×20×3") {
		t.Error(err)
	}
	if _, err := denoiser(t, "denoiser-noise", Options{Schedule: "linear"}).Before(open(t,
		"testdata/vit.onnx", Options{}), 1000); err == nil {
		t.Error("any noise is denoised")
	}
	for _, sigma := range []float64{-0.1, math.NaN(), math.Inf(1)} {
		if _, err := denoiser(t, "denoiser", Options{}).Before(open(t, "testdata/vit.onnx", Options{}),
			sigma); err == nil || !strings.Contains(err.Error(), "want a number, 0 or more") {
			t.Error(sigma, err)
		}
	}
	b, err := denoiser(t, "denoiser", Options{}).Before(open(t, "testdata/vit.onnx", Options{}), 0.25)
	if err != nil {
		t.Fatal(err)
	}
	x := testImages(1, of)
	x[7] = float32(math.NaN())
	if _, err := b.Logits(x, 1); err == nil || !strings.Contains(err.Error(),
		"denoiser.onnx: the output clean holds NaN") {
		t.Error(err)
	}
	if _, err := b.Logits(x, 2); err == nil {
		t.Error("one image is two")
	}
	if z, err := b.Logits(nil, 0); err != nil || len(z) != 0 {
		t.Error(z, err)
	}
}
