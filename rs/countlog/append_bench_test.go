package countlog

import (
	"fmt"
	"path/filepath"
	"testing"
)

// An op appends the row of one example to a file on disk: ten classes, the usual margin histograms,
// n = 1,000.
func BenchmarkAppend(b *testing.B) {
	r := testRun()
	r.Dataset.Size, r.N, r.MarginBins = 1<<20, 1000, DefaultMarginBins
	r.Examples = Every(r.Dataset.Size)
	e := synthetic(&r, 0)
	dir := b.TempDir()
	var w *Writer
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if e.Index = i % r.Examples.Count; e.Index == 0 {
			var err error
			if w, err = Create(filepath.Join(dir, fmt.Sprint(i)), r); err != nil {
				b.Fatal(err)
			}
			defer w.Close()
		}
		if err := w.Append(e); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(w.size / int64(w.Count()))
}

// An op makes a run's folder.
func BenchmarkCreate(b *testing.B) {
	r := testRun()
	dir := b.TempDir()
	for i := 0; b.Loop(); i++ {
		w, err := Create(filepath.Join(dir, fmt.Sprint(i)), r)
		if err != nil {
			b.Fatal(err)
		}
		w.Close()
	}
}
