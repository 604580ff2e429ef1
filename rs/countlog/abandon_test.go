package countlog

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A run that fails to begin leaves nothing but what was there before.
func TestAbandon(t *testing.T) {
	above := t.TempDir()
	dir := filepath.Join(above, "runs", "a")
	r := testRun()
	begin := func() *Writer {
		t.Helper()
		w, err := Create(dir, r)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	holds := func(path string, want ...string) {
		t.Helper()
		files, _ := os.ReadDir(path)
		var names []string
		for _, f := range files {
			names = append(names, f.Name())
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s holds %q, want %q", path, names, want)
		}
	}
	if err := begin().Abandon(); err != nil {
		t.Error(err)
	}
	holds(above)
	if err := os.MkdirAll(filepath.Join(dir, "model"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := begin().Abandon(); err != nil {
		t.Error(err)
	}
	holds(dir, "model")

	dir = filepath.Join(above, "b")
	if err := os.WriteFile(filepath.Join(above, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(filepath.Join(above, "file", "c"), r); err == nil {
		t.Error("a run in a file")
	}
	w := begin()
	if err := errors.Join(w.Append(synthetic(&r, r.Examples.At(0))), w.Close()); err != nil {
		t.Error(err)
	}
	if err := begin().Abandon(); err != nil {
		t.Error(err)
	}
	holds(dir, CountsFile, RunFile, SealFile)
}
