package countlog

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A hash identifies a model or a dataset: under another name a run goes on and merges, and says so.
func TestRenamed(t *testing.T) {
	r := testRun()
	moved := r
	moved.Model.Name, moved.Dataset.Name, moved.Model.Reading.Denoiser = "renamed", "moved",
		"other.onnx"
	dir := t.TempDir()
	fill(t, dir, r, 2)
	w, err := Create(dir, moved)
	if err != nil {
		t.Fatal(err)
	}
	if want := "model.name is dense4 there, renamed here; model.reading.denoiser is  there, " +
		"other.onnx here; dataset.name is mnist there, moved here"; w.Renamed() != want ||
		w.Count() != 2 {
		t.Errorf("%q, %d rows", w.Renamed(), w.Count())
	}
	if w.Run().Model.Name != "dense4" {
		t.Error("the folder's names changed")
	}
	w.Close()
	first, second := shard(t, r, 0, 50), shard(t, moved, 100)
	if run, rows, err := Merge(t.Context(), filepath.Join(t.TempDir(), "run"), true, first,
		second); err != nil || rows != 3 || run.Model.Name != "dense4" {
		t.Error(run.Model.Name, rows, err)
	}
	if err := Alike("a", r, "b", moved); err != nil {
		t.Error(err)
	}
	// Without a hash a name is all there is.
	r.Model.Hash, moved.Model.Hash, r.Dataset.Hash, moved.Dataset.Hash = "", "", "", ""
	if err := Alike("a", r, "b", moved); err == nil {
		t.Error("two names without hashes are alike")
	}
	if d := difference(r, moved); !strings.HasPrefix(d, "model.name") {
		t.Error(d)
	}
}

// A start that failed blocks no other, and leaves nothing.
func TestFailedStart(t *testing.T) {
	r, other := testRun(), testRun()
	other.Sigma, other.MarginBins = 1, 16
	dir := filepath.Join(t.TempDir(), "new", "run")
	w, err := Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a folder is left:", err)
	}
	if w, err = Create(dir, r); err != nil {
		t.Fatal(err)
	}
	w.f.Close() // killed
	fill(t, filepath.Join(dir, TuningFolder), r, 1)
	if _, err := ReadBegun(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := ReadBegun(filepath.Join(dir, TuningFolder)); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	fill(t, filepath.Join(dir, TuningFolder), other, 1)
	if rows := readRows(t, filepath.Join(dir, TuningFolder)); rows != 1 {
		t.Errorf("%d rows of tuning images", rows)
	}
	fill(t, filepath.Join(dir, TuningFolder), r, 1)
	if w, err = Create(dir, other); err != nil {
		t.Fatal(err)
	}
	if got := w.Run(); got.Sigma != 1 || got.MarginBins != 16 {
		t.Error(got)
	}
	if _, err := os.Stat(filepath.Join(dir, TuningFolder)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("tuning images of another run are left:", err)
	}
	w.f.Close()
	// One row makes it a run.
	fill(t, dir, other, 1)
	fill(t, filepath.Join(dir, TuningFolder), other, 1)
	for _, folder := range []string{dir, filepath.Join(dir, TuningFolder)} {
		if run, err := ReadBegun(folder); err != nil || run.Sigma != 1 {
			t.Error(run.Sigma, err)
		}
		if _, err := Create(folder, r); err == nil || !strings.Contains(err.Error(),
			"holds another run: sigma is 1 there, 0.25 here") {
			t.Error(err)
		}
		if readRows(t, folder) != 1 {
			t.Error("a row is lost")
		}
	}
	// What a refused start finds stays as it is.
	broken := t.TempDir()
	os.WriteFile(filepath.Join(broken, RunFile), []byte("{"), 0o666)
	if _, err := Create(broken, r); err == nil {
		t.Error("a run.json that can't be read is written over")
	}
	if there, _ := os.ReadDir(broken); len(there) != 1 {
		t.Error(there)
	}
}

func readRows(t *testing.T, dir string) int {
	t.Helper()
	log, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	n, err := log.Count()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
