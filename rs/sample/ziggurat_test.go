package sample

import (
	"math/rand/v2"
	"testing"
)

// TestAddNormal: the draws are those of math/rand/v2, so that runs of older versions can be drawn
// again, and another version of Go can't change a run.
func TestAddNormal(t *testing.T) {
	x := []float32{0, 0.25, 1}
	key := [32]byte{1, 2, 3}
	to := make([]float32, 3_000_000)
	addNormal(to, x, 0.5, rand.NewChaCha8(key))
	r := rand.New(rand.NewChaCha8(key))
	for i, got := range to {
		if want := x[i%3] + 0.5*float32(r.NormFloat64()); got != want {
			t.Fatalf("draw %d: %v, want %v", i, got, want)
		}
	}
}

func BenchmarkAddNormal(b *testing.B) {
	x, to := make([]float32, 3072), make([]float32, 20*3072)
	r := rand.NewChaCha8([32]byte{1})
	for b.Loop() {
		addNormal(to, x, 0.5, r)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(to)), "ns/value")
}
