package cli

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
)

// Models of one channel, as tiny has.
const (
	gray     = onnxFiles + "nhwc.onnx"
	byChance = onnxFiles + "random.onnx"
	byOthers = onnxFiles + "beside.onnx" // its answers depend on the other images of a batch
)

// sampleFile are the arguments that sample an ONNX file.
func sampleFile(file, out string, more ...string) []string {
	return append([]string{"sample", file, "--data", tiny(), "--images", "6", "--n", "300", "--block",
		"50", "--out", out}, more...)
}

// needONNX installs ONNX Runtime, unless GOMLX_NO_AUTO_INSTALL says not to.
func needONNX(t *testing.T) {
	t.Helper()
	_, err := onnx.Library()
	if _, never := os.LookupEnv("GOMLX_NO_AUTO_INSTALL"); errors.Is(err, onnx.ErrNoRuntime) && !never {
		_, err = onnx.Install(t.Context(), t.Output())
	}
	if err != nil {
		t.Skipf("no ONNX Runtime here: %v", err)
	}
}

func TestSampleONNX(t *testing.T) {
	needONNX(t)
	noDevice(t)
	dir := filepath.Join(t.TempDir(), "run")
	must(t, sampleFile(gray, dir)...)
	rows := read(t, dir, countlog.CountsFile)
	if run := mustRun(t, dir); run.Model.Lambda.Source() != "proved from the file" ||
		run.Model.Name != "nhwc" ||
		run.Backend != "onnxruntime cpu" || run.MarginError != 0 || run.MarginBins == 0 {
		t.Errorf("%+v", run)
	}
	t.Run("again", func(t *testing.T) {
		must(t, "sample", "--model", gray, "--data", tiny(), "--images", "6", "--n", "300", "--block",
			"50", "--out", dir)
		if read(t, dir, countlog.CountsFile) != rows {
			t.Error("other rows")
		}
	})
	t.Run("in shards and other batches", func(t *testing.T) {
		parts := filepath.Join(t.TempDir(), "parts")
		must(t, sampleFile(gray, parts, "--shard", "0/2", "--batch", "1")...)
		must(t, sampleFile(gray, parts, "--shard", "1/2", "--batch", "5")...)
		whole := filepath.Join(t.TempDir(), "whole")
		must(t, "merge", whole, filepath.Join(parts, "shard-0-of-2"), filepath.Join(parts,
			"shard-1-of-2"))
		if read(t, whole, countlog.CountsFile) != rows {
			t.Error("other rows")
		}
	})
	t.Run("certified", func(t *testing.T) {
		out := must(t, "certify", dir, "--method", "all")
		if !strings.Contains(out, "\ntwobound ") || !strings.Contains(out, "\nisoperimetric ") ||
			!strings.Contains(out, "Λ = 1.412 (proved from the file)") ||
			strings.Contains(out, "claimed") {
			t.Error(out)
		}
	})
	t.Run("verified", func(t *testing.T) {
		out := must(t, "verify", dir, "--model", gray, "--data", tiny(), "--redraw", "2")
		if !strings.Contains(out, "nhwc.onnx: hash of the file, and Λ = 1.41227 proved again") ||
			!strings.Contains(out, "2 of 6 examples drawn again on onnxruntime cpu ") {
			t.Error(out)
		}
		refused(t, lipsmooth("verify", dir, "--model", byChance, "--data", tiny()), "sampled from model ",
			"random.onnx holds ")
		refused(t, lipsmooth("verify", dir, "--model", gray), "give it with --data")
	})
	t.Run("read otherwise", func(t *testing.T) {
		refused(t, lipsmooth(sampleFile(gray, dir, "--mean", "0.4")...),
			"model.reading.mean is none there, 0.4 here")
		other := filepath.Join(t.TempDir(), "run")
		must(t, sampleFile(gray, other, "--mean", "0.4", "--std", "0.3")...)
		if read(t, other, countlog.CountsFile) == rows {
			t.Error("the same rows")
		}
		must(t, "verify", other, "--model", gray, "--data", tiny(), "--redraw", "1")
		unseal(t, other)
		edit(t, func(s string) string { return strings.Replace(s, `"0.4"`, `"0,4x"`, 1) }, other,
			countlog.RunFile)
		refused(t, lipsmooth("verify", other, "--model", gray, "--data", tiny()),
			`model.reading.mean: "0,4x": "4x" is no number`)
	})
}

// What rests on a claim says so, and nothing else does.
func TestClaimedLipschitz(t *testing.T) {
	needONNX(t)
	noDevice(t)
	dir := filepath.Join(t.TempDir(), "run")
	vit := onnxFiles + "vit.onnx"
	must(t, sampleFile(vit, dir, "--channels", "repeat", "--lipschitz", "3", "--tuning", "5")...)
	if m := mustRun(t, dir).Model; m.Lambda != rs.Claim(3) {
		t.Errorf("%+v", m)
	}
	out := must(t, "certify", dir, "--tau", "0.1", "--method", "all")
	if !strings.Contains(out, "Λ = 3 (claimed)") || !strings.Contains(out,
		"note: Λ = 3 is claimed, not proved, and these rest on it: isoperimetric, adaptive, "+
			"lipschitz, paper, margin\n") {
		t.Error(out)
	}
	said := map[string]bool{}
	for line := range strings.Lines(read(t, dir, "certificates.tsv")) {
		if cells := strings.Split(strings.TrimSpace(line), "\t"); len(cells) == 11 &&
			cells[0] != "index" {
			claims := strings.HasSuffix(cells[10], "Λ = 3 claimed")
			if before, seen := said[cells[4]]; seen && before != claims {
				t.Error(line)
			}
			said[cells[4]] = claims
		}
	}
	for method, claims := range map[string]bool{"mono": false, "twobound": false, "lipschitz": true,
		"paper": true, "margin": true} {
		if got, seen := said[method]; !seen || got != claims {
			t.Errorf("%s: %v, %v", method, got, seen)
		}
	}
	must(t, "verify", dir, "--model", vit, "--data", tiny(), "--redraw", "1")
	out = must(t, "certify", dir, "--method", "mono")
	if strings.Contains(out, "is claimed") {
		t.Error(out)
	}
}

// The Λ of a file is proved by itself. A run keeps what it has, and verify finds what isn't proved.
func TestProvedLipschitz(t *testing.T) {
	needONNX(t)
	noDevice(t)
	dir := filepath.Join(t.TempDir(), "run")
	r := lipsmooth(sampleFile(gray, dir, "--lipschitz", "2", "--std", "0.5")...)
	if want := "note: Λ = 2.82454 is proved from the file in 0."; r.status != 0 ||
		!strings.Contains(r.err, want) || mustRun(t, dir).Model.Lambda != rs.Claim(2) ||
		!strings.Contains(r.err, " s, and the smaller --lipschitz 2 stays a claim\n") {
		t.Errorf("%+v", r)
	}
	must(t, sampleFile(gray, dir, "--std", "0.5")...)
	refused(t, lipsmooth(sampleFile(gray, dir, "--std", "0.5", "--lipschitz", "1")...),
		"model.lambda is 2 (claimed) there, 1 (claimed) here")

	dir = filepath.Join(t.TempDir(), "run")
	r = lipsmooth(sampleFile(gray, dir, "--lipschitz", "2")...)
	lambda := mustRun(t, dir).Model.Lambda
	if r.status != 0 || !strings.Contains(r.err, ", so --lipschitz 2 isn't needed\n") ||
		!lambda.Proved() {
		t.Errorf("%+v, %v", r, lambda)
	}
	for _, more := range [][]string{nil, {"--lipschitz", "3"}} {
		if r := lipsmooth(sampleFile(gray, dir, more...)...); r.status != 0 ||
			strings.Contains(r.err, "Λ") {
			t.Errorf("%+v", r)
		}
	}
	refused(t, lipsmooth(sampleFile(gray, dir, "--lipschitz", "1")...), "model.lambda is 1.41",
		" there, 1 (claimed) here")

	unsealed(replaced(countlog.RunFile, fmt.Sprintf(`"lambda": %v`, lambda.Value()),
		`"lambda": 1.4`))(t, dir)
	refused(t, lipsmooth("verify", dir, "--model", gray, "--data", tiny()),
		"model.lambda: 1.4 (proved from the file), but of "+gray+" no less than 1.41")

	dir = filepath.Join(t.TempDir(), "run")
	vit := onnxFiles + "vit.onnx"
	r = lipsmooth(sampleFile(vit, dir, "--channels", "repeat", "--lipschitz", "1000")...)
	if r.status != 0 || !strings.Contains(r.err,
		`note: vit: nothing proved: LayerNormalization "node4": nothing is`) {
		t.Errorf("%+v", r)
	}
	unsealed(replaced(countlog.RunFile, `"claimed"`, `"proved from the file"`))(t, dir)
	refused(t, lipsmooth("verify", dir, "--model", vit, "--data", tiny()),
		"model.lambda: 1000 (proved from the file), but vit: nothing proved: LayerNorm")
}

func TestSampleByChance(t *testing.T) {
	needONNX(t)
	noDevice(t)
	dir := filepath.Join(t.TempDir(), "run")
	refused(t, lipsmooth(sampleFile(byChance, dir)...), "isn't deterministic", "--random")
	dir = filepath.Join(t.TempDir(), "run")
	r := lipsmooth(sampleFile(byOthers, dir)...)
	if refused(t, r, "depend on the other images of a batch", "--one-by-one"); strings.Contains(r.err,
		"--random") {
		t.Error(r.err)
	}
	dir = filepath.Join(t.TempDir(), "run")
	must(t, sampleFile(byChance, dir, "--random")...)
	if !mustRun(t, dir).Model.Random {
		t.Error("run.json doesn't say so")
	}
	must(t, "certify", dir)
	must(t, "verify", dir, "--model", byChance, "--data", tiny())
	refused(t, lipsmooth("verify", dir, "--model", byChance, "--data", tiny(), "--redraw", "1"),
		"answers by chance")
}

// Settings of a file are kept, compared, and used again to verify.
func TestONNXSettings(t *testing.T) {
	needONNX(t)
	noDevice(t)
	for name, c := range map[string]struct {
		file  string
		flags []string
		want  countlog.Reading
	}{
		"one-by-one": {byOthers, []string{"--one-by-one"}, countlog.Reading{OneByOne: true}},
		"channels": {onnxFiles + "vit.onnx", []string{"--channels", "repeat"},
			countlog.Reading{Channels: "repeat"}},
		"size": {gray, []string{"--size", "20,24"}, countlog.Reading{Size: "20,24"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			must(t, sampleFile(c.file, dir, c.flags...)...)
			if r := mustRun(t, dir).Model.Reading; r != c.want {
				t.Errorf("%+v", r)
			}
			must(t, "verify", dir, "--model", c.file, "--data", tiny(), "--redraw", "1")
			must(t, sampleFile(c.file, dir, c.flags...)...)
			if c.file == gray {
				refused(t, lipsmooth(sampleFile(gray, dir)...), "model.reading.size is 20,24 there, none here")
			}
		})
	}
}

func TestBadSampleONNX(t *testing.T) {
	needONNX(t)
	noDevice(t)
	dir := filepath.Join(t.TempDir(), "run")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"doesn't say what it classifies: give a dataset with --data", []string{"sample", gray, "--out",
			dir}},
		{"--channels repeat gives it", sampleFile(onnxFiles+"vit.onnx", dir)},
		{"--random: no operator", sampleFile(byOthers, dir, "--random")},
		{"absent.onnx: no such file", sampleFile("absent.onnx", dir)},
		{"--lipschitz 0: must be positive", sampleFile(gray, dir, "--lipschitz", "0")},
		{"--lipschitz -1: must be positive", sampleFile(gray, dir, "--lipschitz", "-1")},
		{"--lipschitz +Inf: must be positive", sampleFile(gray, dir, "--lipschitz", "inf")},
		{"--random and --lipschitz", sampleFile(byChance, dir, "--lipschitz", "1", "--random")},
		{"a model twice", sampleFile(gray, dir, "--model", byChance)},
		{`LayerNormalization "node4": nothing is proved of this operation; --lipschitz claims one`,
			sampleFile(onnxFiles+"vit.onnx", dir, "--channels", "repeat", "--tuning", "5")},
		{"need a Lipschitz constant", sampleFile(byOthers, dir, "--one-by-one", "--until",
			"radius>=0.1", "--method", "lipschitz", "--tau", "1")},
		{"--mean is of an ONNX file, and somewhere is none", sampleFile("somewhere", dir, "--mean",
			"0.5")},
		{"--random is of an ONNX file, and somewhere is none", sampleFile("somewhere", dir, "--random")},
		{"a std of 2 values for 1 channels", sampleFile(gray, dir, "--std", "1,2")},
		{"sample takes one model: a folder or an ONNX file, and was given 0", []string{"sample"}},
	} {
		refused(t, lipsmooth(c.args...), c.want)
	}
	if there(dir)() {
		t.Error("a folder was made")
	}
}

// coloured is a dataset of 16×16 images in ten classes, as a folder of PNG files.
func coloured(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, split := range []string{"train", "test"} {
		for class := range 10 {
			m := image.NewNRGBA(image.Rect(0, 0, 16, 16))
			for i := range m.Pix {
				m.Pix[i] = uint8(i*(7*class+3)) | uint8(255*(i%4/3)) // opaque
			}
			folder := filepath.Join(dir, split, fmt.Sprint(class))
			var text bytes.Buffer
			if err := errors.Join(png.Encode(&text, m), os.MkdirAll(folder, 0o777),
				os.WriteFile(filepath.Join(folder, "a.png"), text.Bytes(), 0o666)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestSampleDenoised(t *testing.T) {
	needONNX(t)
	noDevice(t)
	d, dir := coloured(t), t.TempDir()
	vit, noise := onnxFiles+"vit.onnx", onnxFiles+"denoiser-noise.onnx"
	args := func(out string, more ...string) []string {
		return append([]string{"sample", vit, "--data", d, "--images", "4", "--n", "100", "--sigma",
			"0.25", "--out", filepath.Join(dir, out)}, more...)
	}
	rows := func(out string) string { return read(t, dir, out, countlog.CountsFile) }
	must(t, args("plain")...)
	must(t, args("linear", "--denoiser", noise, "--schedule", "linear")...)
	must(t, args("cosine", "--denoiser", noise, "--schedule", "cosine")...)
	must(t, args("image", "--denoiser", onnxFiles+"denoiser.onnx")...)
	if rows("plain") == rows("linear") || rows("linear") == rows("cosine") ||
		rows("plain") == rows("image") {
		t.Error("equal rows")
	}
	m := mustRun(t, filepath.Join(dir, "linear")).Model
	if plain := mustRun(t, filepath.Join(dir, "plain")).Model; m.Hash == plain.Hash ||
		m.Name != "vit behind denoiser-noise" || m.Reading.Denoiser != "denoiser-noise.onnx" ||
		m.Reading.Schedule != "linear" {
		t.Errorf("%+v, %+v", m, plain)
	}
	for _, run := range []string{"plain", "linear", "cosine", "image"} {
		out := must(t, "verify", filepath.Join(dir, run), "--model", vit, "--data", d, "--redraw", "2")
		if !strings.Contains(out, "every count is the same") {
			t.Error(out)
		}
	}
	refused(t, lipsmooth("verify", filepath.Join(dir, "linear"), "--model", vit, "--data", d,
		"--denoiser", onnxFiles+"denoiser-velocity.onnx"), "sampled from model ")

	// A table lies beside its denoiser.
	table := filepath.Join(dir, "kept.txt")
	if err := os.WriteFile(table, []byte("0.99\n0.8\n0.1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(dir, "d.onnx")
	if err := os.WriteFile(beside, []byte(read(t, noise)), 0o666); err != nil {
		t.Fatal(err)
	}
	must(t, args("table", "--denoiser", beside, "--schedule", table)...)
	must(t, "verify", filepath.Join(dir, "table"), "--model", vit, "--denoiser", beside, "--data", d,
		"--redraw", "1")
	edit(t, func(s string) string { return strings.Replace(s, "0.1", "0.11", 1) }, table)
	refused(t, lipsmooth("verify", filepath.Join(dir, "table"), "--model", vit, "--denoiser", beside,
		"--data", d), "sampled from model ")

	for _, c := range []struct {
		want string
		more []string
	}{
		{"--schedule and --predicts are of a --denoiser", []string{"--schedule", "linear"}},
		{"say its schedule", []string{"--denoiser", noise}},
		{"σ = 100 is more noise", []string{"--denoiser", noise, "--schedule", "linear", "--sigma",
			"100"}},
		{"absent.onnx: no such file", []string{"--denoiser", "absent.onnx"}},
	} {
		refused(t, lipsmooth(args("bad", c.more...)...), c.want)
	}
	if there(dir, "bad")() {
		t.Error("a folder was made")
	}
	out := must(t, "info", vit, "--denoiser", noise, "--schedule", "linear", "--sigma", "0.25")
	if !strings.Contains(out, "145, of schedule linear: noise of 0.2516 in [0, 1]") {
		t.Error(out)
	}
}
