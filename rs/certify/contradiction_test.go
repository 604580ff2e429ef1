package certify

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// A claimed constant that the margins contradict certifies nothing, and verify says so. A constant
// that they don't contradict certifies.
func TestContradicted(t *testing.T) {
	run := settings()
	run.N, run.Noise, run.Model.Lambda = 1000, countlog.Noise{}, rs.Claim(0.1)
	dir := t.TempDir()
	w, err := countlog.Create(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	for index := range run.Examples.Indices() {
		e := rs.Evidence{Index: index, Label: 1, Class: 1, Sigma: run.Sigma,
			Clean:     rs.Clean{Class: 1, Margin: 1},
			Selection: rs.Votes{2, 8, 0}, Estimation: rs.Votes{200, 800, 0}}
		e.SelectionMargins = rs.Histogram{Edges: run.Edges(), Counts: []int{0, 2, 0, 0, 0, 0, 8, 0, 0, 0}}
		e.Margins = rs.Histogram{Edges: run.Edges(), Counts: []int{0, 200, 0, 0, 0, 0, 800, 0, 0, 0}}
		if err := w.Append(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	const says = "Λ = 0.1 is claimed, but the margins of example 0 show"
	x, err := r.Certify(Default())
	if err != nil || !strings.Contains(strings.Join(x.Notes, "\n"), says) ||
		!strings.Contains(strings.Join(x.Notes, "\n"), "left out: paper, isoperimetric, margin") {
		t.Errorf("%v, %q", err, x.Notes)
	}
	c := Default()
	c.Methods = []string{"isoperimetric"}
	if _, err := r.Certify(c); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("isoperimetric by name: %v", err)
	}
	if _, err := r.Verify(dir); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("verify: %v", err)
	}

	path := filepath.Join(dir, countlog.RunFile)
	text, _ := os.ReadFile(path)
	text = bytes.Replace(text, []byte(`"lambda": 0.1`), []byte(`"lambda": 9`), 1)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Certify(c); err != nil {
		t.Errorf("a constant that holds: %v", err)
	}
}
