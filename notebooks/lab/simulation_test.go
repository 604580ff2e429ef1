package lab

import (
	"math"
	"slices"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/coverage"
)

func simulation() Simulation {
	return Simulation{Top: 0.9, Tail: 1, Sigma: 1, N0: 100, N: 10000, Alpha: 0.001, Trials: 100,
		Methods: []string{"mono", "bonferroni", "cpm", "twobound"}}
}

// The mean radii of MATH.md, section 2, and the same from the votes expected.
func TestSimulation(t *testing.T) {
	s, want := simulation(), []float64{1.229, 1.469, 1.396, 1.478}
	o := s.Run(2, 10)
	ledger := s.Ledger(s.Expected(10))
	for i, method := range s.Methods {
		if m := Mean(o, method, 10); math.Abs(m-want[i]) > 0.02 {
			t.Errorf("%s: mean radius %.3f, want %g", method, m, want[i])
		}
		if r := ledger[i][5].(float64); method != "cpm" && math.Abs(r-want[i]) > 0.001 {
			t.Errorf("%s: radius %.4f of the votes expected, want about %g", method, r, want[i])
		}
	}
	if spent := ledger[1][1].(int); spent != 10 {
		t.Errorf("bonferroni takes %d bounds, want 10", spent)
	}
	panics(t, "margin was not simulated", func() { Mean(o, "margin", 10) })
}

func TestExpected(t *testing.T) {
	e := simulation().Expected(1000)
	if e.Selection.Total() != 100 || e.Estimation.Total() != 10000 || e.Class != 0 ||
		slices.Min(e.Estimation) < 0 {
		t.Errorf("%d and %d votes for class %d", e.Selection.Total(), e.Estimation.Total(), e.Class)
	}
}

func TestRefuted(t *testing.T) {
	got := Refuted([]coverage.Outcome{
		{Method: "a", Alpha: 0.05, Trials: 1000, Wrong: 55},
		{Method: "b", Alpha: 0.05, Trials: 1000, Wrong: 100},
		{Method: "b", Alpha: 0.05, Trials: 1000, Wrong: 101},
	})
	if !slices.Equal(got, []string{"b"}) {
		t.Errorf("refuted %v, want b", got)
	}
}
