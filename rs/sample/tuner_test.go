package sample

import "testing"

// The tuner finds the fastest number of blocks from the time that each takes, and doesn't look for
// it where little is left.
func TestTuner(t *testing.T) {
	many := 1 << 30
	for name, c := range map[string]struct {
		seconds func(blocks int) float64 // of a batch
		left    int
		want    int
	}{
		"one": {func(b int) float64 { return 0.1 * float64(b*b) }, many, 1},
		"two": {func(b int) float64 { return []float64{1: 0.2, 2: 0.3, 4: 0.8}[b] }, many,
			2},
		"all alike": {func(b int) float64 { return 0.1 * float64(b) }, many, 2},
		"sixteen": {func(b int) float64 { return 0.1 + 0.01*float64(b) + 0.001*float64(b*b) },
			many, 8},
		"as many as it be": {func(b int) float64 { return 0.1 }, many, mostBatch},
		"little left":      {func(b int) float64 { return 0.1 }, 40, firstBatch},
	} {
		tuner := newTuner(0, 1)
		for range 1000 {
			tuner.took(c.seconds(tuner.at), c.left)
		}
		if !tuner.done || tuner.at != c.want {
			t.Errorf("%s: done %v with %d blocks, not %d", name, tuner.done, tuner.at, c.want)
		}
	}
	if given := newTuner(3, 1); !given.done || given.at != 3 {
		t.Errorf("%+v", given)
	}
	// Batches of large images stay small.
	for bytes, want := range map[int]int{4 * 100 * 32 * 32 * 3: 128, 4 * 100 * 224 * 224 * 3: 4,
		mostBytes/2 + 1: 1, 1 << 40: 1} {
		tuner := newTuner(0, bytes)
		for range 1000 {
			tuner.took(0.1, many)
		}
		if !tuner.done || tuner.at != want {
			t.Errorf("blocks of %d bytes: done %v with %d at once, not %d", bytes, tuner.done, tuner.at,
				want)
		}
	}
}
