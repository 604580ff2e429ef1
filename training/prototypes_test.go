package training

import "testing"

// Two groups of points on a line have their means, however they are ordered.
func TestKMeans(t *testing.T) {
	got := kMeans([]float32{0, 0, 10, 10, 1, 1, 11, 11}, 2, 2)
	for i, want := range []float32{0.5, 0.5, 10.5, 10.5} {
		if got[i] != want {
			t.Errorf("means %v, want 0.5 and 10.5", got)
			break
		}
	}
}
