package training

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestBounds: no slope that was found is steeper than what is proved, and the table says whose it
// is.
func TestBounds(t *testing.T) {
	m, _ := uninterrupted(t)
	_, testSet := bars(t, 4, 200)
	b := Bounds{Sigma: 0.5}
	if err := b.Observe(backend, m, 5); err != nil {
		t.Fatal(err)
	}
	if err := b.ObserveLogits(backend, m, testSet); err != nil {
		t.Fatal(err)
	}
	for i, proved := range m.Layers {
		if !(b.Layers[i] > 0) || b.Layers[i] > proved.Bound.Value()*(1+1e-5) {
			t.Errorf("layer %d: slope %v, proved %v", i, b.Layers[i], proved.Bound.Value())
		}
	}
	if !(b.Logits > 0) || b.Logits > m.Lambda.Value()*(1+1e-5) {
		t.Errorf("slope %v of the logits, proved %v", b.Logits, m.Lambda.Value())
	}
	made, note, err := b.Table(m)
	if err != nil || note != "" || len(made.Rows) != len(m.Layers)+3 {
		t.Errorf("%q, %q, %v", made.Rows, note, err)
	}
	if last := made.Rows[len(made.Rows)-1]; last[0] != wholeRow+"Λ" || last[3] == "" ||
		last[6] == "" {
		t.Errorf("%q", last)
	}
	caption := b.Caption(m)
	if !strings.Contains(caption, m.Hash[:12]) || !strings.Contains(caption, "in 5 steps") {
		t.Error(caption)
	}
	dir := t.TempDir()
	if err := made.WriteFile(filepath.Join(dir, BoundsFile), caption); err != nil {
		t.Fatal(err)
	}
	for hash, want := range map[string]bool{m.Hash: true, "sha256:0123456789": false} {
		if has, err := HasBounds(dir, hash); has != want || err != nil {
			t.Errorf("%s: %v, %v", hash, has, err)
		}
	}
	if there, note, err := m.CheckBounds(dir); !there || note != "" || err != nil {
		t.Error(there, note, err)
	}
	if there, _, err := m.CheckBounds(t.TempDir()); there || err != nil {
		t.Error(there, err)
	}
	for j, column := range made.Columns[:7] {
		was := made.Rows[0][j]
		made.Rows[0][j] = "1e-9"
		if strings.HasPrefix(column, "observed") {
			made.Rows[0][j] = "9"
		}
		if err := made.WriteFile(filepath.Join(dir, BoundsFile), caption); err != nil {
			t.Fatal(err)
		}
		_, _, err := m.CheckBounds(dir)
		mustFail(t, err, BoundsFile+":2: "+column+": "+made.Rows[0][j])
		made.Rows[0][j] = was
	}
	if err := made.WriteFile(filepath.Join(dir, BoundsFile), "model of others"); err != nil {
		t.Fatal(err)
	}
	if _, note, err := m.CheckBounds(dir); err != nil || !strings.Contains(note,
		"isn't of this model") {
		t.Error(note, err)
	}
	other, _ := bars(t, 6, 20)
	mustFail(t, b.ObserveLogits(backend, m, other), "the model takes 4×4×1")
}
