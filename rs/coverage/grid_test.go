package coverage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestGrid: a grid is its cases one by one, and its progress goes on from case to case.
func TestGrid(t *testing.T) {
	methods, err := MethodsByName("mono", "cpm")
	if err != nil {
		t.Fatal(err)
	}
	g := Grid{Shapes: Shapes[:2], Classes: []int{2, 5}, Draws: []int{50, 100}, Top: 0.8, Tail: 1,
		Sigma: 1, N0: 10}
	var seen []int
	o := Options{Alpha: 0.05, Trials: 20, Seed: 1, Methods: methods,
		Progress: func(done int) { seen = append(seen, done) }}
	got, err := g.Simulate(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 16 || !slices.IsSorted(seen) || seen[len(seen)-1] != 160 {
		t.Errorf("%d outcomes, progress %v", len(got), seen)
	}
	o.Progress = nil
	cases := g.Cases()
	alone, err := Simulate(t.Context(), cases[3], o)
	if err != nil || fmt.Sprint(alone) != fmt.Sprint(got[6:8]) || cases[3].N != 100 {
		t.Errorf("%v, in the grid %v, %v", alone, got[6:8], err)
	}
	for _, c := range []struct{ names, want string }{
		{"margin", "margin: certifies no simulated votes; those that do: mono"},
		{"mono mono", "mono is given twice"},
	} {
		if _, err := MethodsByName(strings.Fields(c.names)...); err == nil ||
			!strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.names, err)
		}
	}
}
