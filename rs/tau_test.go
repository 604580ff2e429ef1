package rs

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func tuningSet(sigma float64, n int) []Evidence {
	r := rand.New(rand.NewPCG(31, 32))
	var tuning []Evidence
	for range 50 {
		e := ramp(r, 0.5+math.Abs(r.NormFloat64()), sigma, n)
		e.Label = e.Class
		tuning = append(tuning, *e)
	}
	return tuning
}

// choose chooses on examples foretold for n draws.
func choose(t *testing.T, tuning []Evidence, n int, l Lipschitz, alpha float64) float64 {
	t.Helper()
	var foretold []Evidence
	for i := range tuning {
		foretold = append(foretold, Foretell(&tuning[i], n))
	}
	tau, err := ChooseTau(foretold, l, alpha)
	if err != nil {
		t.Fatal(err)
	}
	return tau
}

func TestChooseTau(t *testing.T) {
	average := func(tau float64, set []Evidence, alpha float64) float64 {
		var results []Result
		for i := range set {
			c := certify(t, Lipschitz{Lambda: Claim(1), Tau: tau}, &set[i], alpha)
			results = append(results, Result{Label: set[i].Label, Certificate: c})
		}
		return AverageRadius(results)
	}
	// Small noise and few draws: soft votes win by far.
	set := tuningSet(0.2, 100)
	tau := choose(t, set, 100, Lipschitz{Lambda: Claim(1)}, 0.001)
	if got, hard := average(tau, set, 0.001), average(0, set, 0.001); tau <= 0 || got < 1.5*hard {
		t.Errorf("τ = %g: average radius %g, hard votes %g", tau, got, hard)
	}
	for _, other := range []float64{0.125, 0.5, 1, 2, 4} {
		if a, b := average(other, set, 0.001), average(tau, set, 0.001); a > b*1.02 {
			t.Errorf("τ = %g: average radius %g, but %g at %g", tau, b, a, other)
		}
	}
	if !slices.Contains(set[0].Margins.Edges, tau) {
		t.Errorf("τ = %g is no edge", tau)
	}
	// A loose Λ makes hard votes win; so does none.
	for _, lambda := range []Constant{Claim(1e6), {}} {
		if tau := choose(t, set, 100000, Lipschitz{Lambda: lambda}, 0.001); tau != 0 {
			t.Errorf("Λ = %v: τ = %g", lambda, tau)
		}
	}
	if tau := choose(t, nil, 100, Lipschitz{Lambda: Claim(1)}, 0.001); tau != 0 {
		t.Errorf("no tuning examples: τ = %g", tau)
	}
	// Examples of another class say nothing.
	for i := range set {
		set[i].Label = 1 - set[i].Class
	}
	if tau := choose(t, set, 100, Lipschitz{Lambda: Claim(1)}, 0.001); tau != 0 {
		t.Errorf("all wrong: τ = %g", tau)
	}
	panics(t, "n = 0", func() { Foretell(&set[0], 0) })
	panics(t, "alpha", func() { ChooseTau(set, Lipschitz{Lambda: Claim(1)}, 0) })
}

// TestChooseTauForMoreDraws: the temperature chosen on few draws is near the best one for the run.
// A vote that was perfect in the few draws isn't taken to stay perfect.
func TestChooseTauForMoreDraws(t *testing.T) {
	const alpha, n = 0.001, 10000
	for _, sigma := range []float64{0.2, 0.35, 0.5, 1} {
		run := tuningSet(sigma, n)
		for _, lambda := range []float64{1, 1.05, 1.3, 2, 1e6} {
			average := func(tau float64) float64 {
				sum := 0.0
				for i := range run {
					sum += certify(t, Lipschitz{Lambda: Claim(lambda), Tau: tau}, &run[i], alpha).Radius
				}
				return sum / float64(len(run))
			}
			best := average(0)
			for _, tau := range logSpaced(run[0].Margins.Edges, tauCandidates) {
				best = max(best, average(tau))
			}
			for draws, least := range map[int]float64{100: 0.95, 1000: 0.985} {
				tau := choose(t, tuningSet(sigma, draws), n, Lipschitz{Lambda: Claim(lambda)}, alpha)
				if got := average(tau); got < least*best {
					t.Errorf("σ = %g, Λ = %g, %d draws: τ = %g: average radius %g, the best is %g",
						sigma, lambda, draws, tau, got, best)
				}
			}
		}
	}
}

// TestChooseTauForABound: the temperature suits the bound that certifies with it, at the stops of
// the draws.
func TestChooseTauForABound(t *testing.T) {
	const alpha = 0.001
	set := tuningSet(0.3, 1000)[:20]
	for _, n := range []int{200, 1000} {
		for _, bound := range []Bound{Betting{}, ClopperPearson{}, Bernstein{}, Hoeffding{}} {
			var foretold []Evidence
			for i := range set {
				foretold = append(foretold, Foretell(&set[i], n))
			}
			average := func(tau float64) float64 {
				sum := 0.0
				for i := range foretold {
					sum += certify(t, Lipschitz{Lambda: Claim(1), Tau: tau, Bound: bound}, &foretold[i],
						alpha).Radius
				}
				return sum
			}
			tau, err := ChooseTau(foretold, Lipschitz{Lambda: Claim(1), Bound: bound}, alpha)
			if err != nil {
				t.Fatal(err)
			}
			chosen := average(tau)
			candidates := logSpaced(set[0].Margins.Edges, tauCandidates)
			for _, other := range []float64{0, candidates[3], candidates[10],
				candidates[len(candidates)-1]} {
				if a := average(other); a > chosen {
					t.Errorf("%v, n = %d: τ = %g certifies %g, and %g at %g", bound, n, tau, chosen,
						a, other)
				}
			}
		}
	}
	// A bound for a fixed number of draws is refused at stops, as it is in certifying.
	e := Foretell(&set[0], 200)
	e.Stops = []int{200, 1000}
	if _, err := ChooseTau([]Evidence{e}, Lipschitz{Lambda: Claim(1), Bound: Hoeffding{}},
		alpha); err == nil {
		t.Error("hoeffding at stops")
	}
	if _, err := ChooseTau([]Evidence{e}, Lipschitz{Lambda: Claim(1)}, alpha); err != nil {
		t.Error(err)
	}
}

// TestForetell: Foretell loses no further votes where some are lost already, where it foretells
// fewer draws, or where margins have no edges or rivals.
func TestForetell(t *testing.T) {
	e := &Evidence{Estimation: Votes{100, 0}, Margins: Histogram{Edges: []float64{-1, 0, 1, 2},
		Counts: []int{0, 0, 40, 50, 10}}}
	if f := Foretell(e, 1000); f.Estimation[1] == 0 || f.Estimation[1] != f.Margins.Counts[1] ||
		f.Margins.Total() != 1000 || f.Margins.Counts[2] != 400-f.Estimation[1] {
		t.Errorf("%v, %v", f.Estimation, f.Margins.Counts)
	}
	if f := Foretell(e, 50); !slices.Equal(f.Estimation, Votes{50, 0}) ||
		!slices.Equal(f.Margins.Counts, []int{0, 0, 20, 25, 5}) {
		t.Errorf("%v, %v", f.Estimation, f.Margins.Counts)
	}
	if e.Estimation[0] != 100 || e.Margins.Counts[2] != 40 {
		t.Error("it changed what it was given")
	}
	e.Estimation, e.Margins.Counts = Votes{99, 1}, []int{0, 1, 9, 50, 40}
	if f := Foretell(e, 1000); !slices.Equal(f.Estimation, Votes{990, 10}) {
		t.Errorf("%v", f.Estimation)
	}
	for _, e := range []Evidence{
		{Estimation: Votes{100}, Margins: Histogram{Edges: []float64{0}, Counts: []int{0, 100}}},
		{Estimation: Votes{100, 0}, Margins: Histogram{Counts: []int{100}}},
		{Estimation: Votes{100, 0}},
	} {
		if f := Foretell(&e, 1000); f.Estimation[0] != 1000 {
			t.Errorf("%v", f)
		}
	}
}

func TestScaled(t *testing.T) {
	for _, c := range []struct {
		counts, want []int
		n            int
	}{
		{[]int{1, 2, 1}, []int{25, 50, 25}, 100},
		{[]int{1, 1, 1}, []int{34, 33, 33}, 100},
		{[]int{0, 5, 95}, []int{0, 1, 9}, 10},
		{[]int{1e8, 1, 1e8}, []int{5e7, 0, 5e7}, 1e8},
	} {
		if got := scaled(c.counts, c.n); !slices.Equal(got, c.want) {
			t.Errorf("%v to %d: %v, want %v", c.counts, c.n, got, c.want)
		}
	}
}

func TestLogSpaced(t *testing.T) {
	edges := make([]float64, 512)
	for i := range edges {
		edges[i] = float64(i-255) / 32
	}
	got := logSpaced(edges, 32)
	if len(got) > 32 || len(got) < 20 || got[0] != 1.0/32 || got[len(got)-1] != 8 ||
		!slices.IsSorted(got) {
		t.Errorf("%v", got)
	}
	if got := logSpaced([]float64{-1, 0, 2}, 32); !slices.Equal(got, []float64{2}) {
		t.Errorf("%v", got)
	}
}

func BenchmarkChooseTau(b *testing.B) {
	set := tuningSet(0.5, 1000)
	for b.Loop() {
		ChooseTau(set, Lipschitz{Lambda: Claim(1)}, 0.001)
	}
}
