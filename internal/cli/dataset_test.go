package cli

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// photos is a folder of so many gray images of 16×16, each with the content that name gives it.
func photos(t *testing.T, n int, name func(i int) string) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		img := image.NewGray(image.Rect(0, 0, 16, 16))
		for k := range img.Pix {
			img.SetGray(k%16, k/16, color.Gray{Y: uint8(k * (i + 1))})
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name(i))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sampleSet are the arguments that sample an ONNX file on a dataset.
func sampleSet(set, out string, more ...string) []string {
	return append([]string{"sample", gray, "--data", set, "--images", "0", "--n", "100", "--n0",
		"50", "--block", "50", "--out", out}, more...)
}

// Images without labels get classes and radii, and every command says that there is no accuracy.
func TestSampleUnlabelled(t *testing.T) {
	needONNX(t)
	noDevice(t)
	set := photos(t, 5, func(i int) string { return fmt.Sprintf("img_%d.png", i) })
	dir := filepath.Join(t.TempDir(), "run")
	r := lipsmooth(sampleSet(set, dir)...)
	if r.status != 0 || !strings.Contains(r.out, "no accuracy: none of the 5 images has a label") ||
		!strings.Contains(r.err, "note: images without labels") ||
		!strings.Contains(r.err, "classes: 0 = 0, 1 = 1, …, 9 = 9") {
		t.Fatal(r)
	}
	out := must(t, "certify", dir, "--method", "mono", "--interval", "0.95")
	if !strings.Contains(out, "abstains  mean radius") || strings.Contains(out, "r=0") ||
		!strings.Contains(out, "note: no image has a label") {
		t.Error(out)
	}
	must(t, "verify", dir, "--data", set, "--model", gray, "--redraw", "2")
	must(t, "report", dir, "--data", set)
	refused(t, lipsmooth("certify", dir, "--method", "mono", "--format", locuslab), "without one")
	if page := read(t, dir, "report.html"); !strings.Contains(page, "true <b>unknown</b>") ||
		strings.Contains(page, "✗") || strings.Contains(page, "✓") {
		t.Error("the report tells right from wrong")
	}
	refused(t, lipsmooth("figures", dir, "radius"), "no image has a label")
}

// A run is checked against its dataset with the options that it was sampled with.
func TestSampleLabelled(t *testing.T) {
	needONNX(t)
	noDevice(t)
	set := photos(t, 12, func(i int) string { return fmt.Sprintf("img_%d.png", i) })
	bad := filepath.Join(set, "bad.png")
	if err := os.WriteFile(bad, []byte("no image"), 0o644); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(t.TempDir(), "labels.tsv")
	lines := "bad.png\t1\n"
	for i := range 12 {
		lines += fmt.Sprintf("img_%d.png\t%d\n", i, i%10)
	}
	if err := os.WriteFile(table, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	refused(t, lipsmooth(sampleSet(set, dir, "--labels", table)...), "bad.png", "--skip-bad")
	if _, err := os.Stat(dir); err == nil {
		t.Error("a folder is there of a run that was refused")
	}
	out := must(t, sampleSet(set, dir, "--labels", table, "--skip-bad", "--split", data.All)...)
	if !strings.Contains(out, "clean accuracy 0.") || !strings.Contains(out, ", under noise 0.") {
		t.Error(out)
	}
	from := mustRun(t, dir).Dataset.Source
	if from == nil || from.Labels != table || strings.Join(from.Skipped, " ") != "bad.png" {
		t.Errorf("%+v", from)
	}
	must(t, "verify", dir, "--data", set, "--model", gray, "--redraw", "2")
	must(t, "report", dir, "--data", set)
	moved := filepath.Join(t.TempDir(), "moved.tsv")
	if err := os.Rename(table, moved); err != nil {
		t.Fatal(err)
	}
	refused(t, lipsmooth("verify", dir, "--data", set, "--model", gray), "labels.tsv")
	must(t, "verify", dir, "--data", set, "--model", gray, "--labels", moved)
}

// Folders of some classes of a model with more, and as many images as were asked for.
func TestSampleSomeClasses(t *testing.T) {
	needONNX(t)
	noDevice(t)
	set := photos(t, 14, func(i int) string {
		return fmt.Sprintf("%s/%d.png", []string{"cow",
			"owl"}[i%2], i)
	})
	dir := filepath.Join(t.TempDir(), "run")
	refused(t, lipsmooth(sampleSet(set, dir)...), "2 classes, and the model has 10", "--classes")
	names := filepath.Join(t.TempDir(), "names.txt")
	if err := os.WriteFile(names, []byte("ant\nbee\ncow\ndog\nelk\nfox\ngnu\nhen\njay\nowl\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	must(t, sampleSet(set, dir, "--classes", names, "--images", "9")...)
	log, err := countlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := log.All()
	if err != nil || len(rows) != 9 || rows[0].Label != 2 || rows[8].Label != 9 {
		t.Error(len(rows), err)
	}
	must(t, "verify", dir, "--data", set, "--model", gray, "--redraw", "4") // not every second one
	out := must(t, "info", gray, "--data", set, "--classes", names)
	if !strings.Contains(out, "classes: 0 = ant, 1 = bee, …, 9 = owl") ||
		!strings.Contains(out, "all: 14 images of 16×16×1, 10 classes") {
		t.Error(out)
	}
}
