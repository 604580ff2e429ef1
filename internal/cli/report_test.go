package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	page "github.com/lipsmooth/lipsmooth/internal/report"
)

// TestReport: report makes the page that reproduce ends with, without a device and without the
// model's weights.
func TestReport(t *testing.T) {
	dir := copied(t, smoke(t))
	want := read(t, dir, page.File)
	for _, part := range []string{`id="methods"`, `id="figure-radius"`, `id="gallery"`,
		`id="every"`, `id="proof"`, `id="settings"`, "data:image/png", mustRun(t, dir).Model.Hash} {
		if !strings.Contains(want, part) {
			t.Errorf("no %s in the page of reproduce", part)
		}
	}
	if !strings.Contains(smokeResult.out, filepath.Join(smoke(t), page.File)) {
		t.Error("reproduce doesn't name its page")
	}
	for _, gone := range []string{page.File, "model/weights", "model/checkpoint"} {
		if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
	}
	noDevice(t)
	if out := must(t, "report", dir, "--data", tiny()); out != filepath.Join(dir, page.File)+"\n" {
		t.Error(out)
	}
	if read(t, dir, page.File) != want {
		t.Error("another page than that of reproduce")
	}

	// Without a dataset there is no gallery, which is said.
	out := filepath.Join(t.TempDir(), "a", "b.html")
	r := lipsmooth("report", dir, "--out", out)
	if r.status != 0 || !strings.Contains(r.err, "note: left out: gallery") {
		t.Errorf("%+v", r)
	}
	if text := read(t, out); strings.Contains(text, "data:image/png") ||
		!strings.Contains(text, "gallery of images: needs the dataset") {
		t.Error("a gallery without a dataset")
	}
}

// TestReportOfSeveral: several runs are compared on one page, and a run that can't be compared is
// shown all the same.
func TestReportOfSeveral(t *testing.T) {
	dir := copied(t, smoke(t))
	other := copied(t, smoke(t))
	out := must(t, "report", dir, other, "--data", tiny())
	if out != filepath.Join(dir, "comparison.html")+"\n" {
		t.Error(out)
	}
	text := read(t, dir, "comparison.html")
	for _, part := range []string{`id="compared"`, `id="compared-figure"`, `id="run1-gallery"`,
		`id="run2-gallery"`, "no difference of", "data:image/png"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %s in the page", part)
		}
	}
	if strings.Count(text, `id="background"`) > 1 {
		t.Error("the background stands twice")
	}
	refused(t, lipsmooth("report", dir, filepath.Join(dir, "nowhere")), "nowhere")
}

func TestReportRefuses(t *testing.T) {
	dir := copied(t, smoke(t))
	other := filepath.Join(t.TempDir(), "data")
	if err := writeTiny(other, 12); err != nil {
		t.Fatal(err)
	}
	edit(t, func(s string) string { return s[:len(s)-1] + "\x01" }, other, "t10k-images-idx3-ubyte")
	refused(t, lipsmooth("report", dir, "--data", other), "sampled on dataset", other)
	refused(t, lipsmooth("report", dir, "--data", "nowhere"), "nowhere")
	refused(t, lipsmooth("report", t.TempDir()), "run.json")
	refused(t, lipsmooth("report"), "run's folder")
	edit(t, func(s string) string { return strings.Replace(s, "radius", "r", 1) }, dir,
		"certificates.tsv")
	refused(t, lipsmooth("report", dir), filepath.Join(dir, "certificates.tsv"))
	edit(t,
		func(s string) string { return strings.ReplaceAll(s, mustRun(t, dir).Model.Hash, "feed") },
		dir, "model", "model.json")
	refused(t, lipsmooth("report", dir), "another model")
}
