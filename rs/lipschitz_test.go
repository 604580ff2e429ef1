package rs

import (
	"math"
	"math/rand/v2"
	"testing"
)

// ramp is evidence of a classifier on the line whose margin is Λx, Λ = 1, seen at x under noise σ:
// smoothed by hard or by soft votes its prediction changes at 0, so the true radius is x.
func ramp(r *rand.Rand, x, sigma float64, n int) *Evidence {
	e := &Evidence{Sigma: sigma, Selection: Votes{0, 0}, Estimation: Votes{0, 0}}
	e.Margins = Histogram{Edges: make([]float64, 129), Counts: make([]int, 130)}
	for i := range e.Margins.Edges {
		e.Margins.Edges[i] = float64(i-64) / 16
	}
	for range 20 {
		e.Selection[b2i(x+sigma*r.NormFloat64() < 0)]++
	}
	e.Class = e.Selection.Top()
	for range n {
		m := x + sigma*r.NormFloat64()
		e.Estimation[b2i(m < 0)]++
		if e.Class == 1 {
			m = -m
		}
		e.Margins.Counts[max(0, min(129, int(math.Floor(m*16))+65))]++
	}
	return e
}

func TestLipschitzCovers(t *testing.T) {
	const runs, n, alpha = 300, 60, 0.05
	for _, x := range []float64{0, 0.3, 1.5} {
		for _, tau := range []float64{0, 0.25, 1, 4} {
			r := rand.New(rand.NewPCG(21, 22))
			wrong, sum := 0, 0.0
			for range runs {
				e := ramp(r, x, 0.5, n)
				c := certify(t, Lipschitz{Lambda: Claim(1), Tau: tau}, e, alpha)
				truth := x
				if e.Class == 1 {
					truth = -x
				}
				wrong += b2i(c.Class != Abstain && c.Radius > truth)
				sum += c.Radius
			}
			if wrong > excess(runs, alpha) {
				t.Errorf("x = %g, τ = %g: wrong %d times of %d", x, tau, wrong, runs)
			}
			// draws of small variance about a score that is exact
			if x > 1 && tau == 4 && sum < 0.7*x*runs {
				t.Errorf("x = %g, τ = %g: mean radius %g", x, tau, sum/runs)
			}
		}
	}
}

func TestLipschitzOfHardVotes(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	for range 50 {
		e := ramp(r, 0.5, 0.5, 200)
		hard, mono := certify(t, Lipschitz{}, e, 0.001), certify(t, Mono{}, e, 0.001)
		if hard.Class != mono.Class || hard.Radius != mono.Radius ||
			hard.Ledger[0] != mono.Ledger[0] {
			t.Errorf("τ = 0: %v, mono %v", hard, mono)
		}
		// A tiny τ is nearly a vote with margin >= τ, bounded the same way.
		e.Margins = Histogram{Edges: []float64{-1e-7, 1e-7},
			Counts: []int{e.Estimation[1-e.Class], 0, e.Estimation[e.Class]}}
		soft := certify(t, Lipschitz{Lambda: Claim(1), Tau: 1e-7, Bound: ClopperPearson{}}, e, 0.001)
		if soft.Class != mono.Class || !near(soft.Radius, mono.Radius, 1e-9) ||
			soft.Ledger[0].Of != "score" {
			t.Errorf("τ → 0: %v, mono %v", soft, mono)
		}
	}
}

func TestLipschitzSettingsAct(t *testing.T) {
	e := ramp(rand.New(rand.NewPCG(25, 26)), 1.2, 0.5, 2000)
	base := certify(t, Lipschitz{Lambda: Claim(1), Tau: 1}, e, 0.001)
	if c := certify(t, Lipschitz{Lambda: Claim(1.5), Tau: 1}, e, 0.001); c.Radius >= base.Radius {
		t.Errorf("a larger Λ: %g, not below %g", c.Radius, base.Radius)
	}
	if c := certify(t, Lipschitz{Lambda: Claim(1), Tau: 2}, e, 0.001); c.Radius == base.Radius {
		t.Error("τ changes nothing")
	}
	if c := certify(t, Lipschitz{Lambda: Claim(1), Tau: 1, Bound: Hoeffding{}}, e,
		0.001); c.Ledger[0].Bound != "hoeffding" || c.Radius == base.Radius {
		t.Errorf("Hoeffding: %v", c)
	}
	if base.Ledger[0].Bound != "star" {
		t.Errorf("the default bound is %s", base.Ledger[0].Bound)
	}
}

func TestSoftVotes(t *testing.T) {
	h := Histogram{Edges: []float64{-2, -0.5, 0, 1, 2}, Counts: []int{1, 2, 3, 4, 5, 6}}
	s := SoftVotes(h, 1)
	s.check()
	lo, hi := []float64{0, 0, 0.25, 0.5, 1, 1}, []float64{0, 0.25, 0.5, 1, 1, 1}
	for i := range lo {
		if s.Lo[i] > lo[i] || s.Lo[i] < lo[i]-1e-15 || s.Hi[i] < hi[i] || s.Hi[i] > hi[i]+1e-15 {
			t.Errorf("bin %d: [%g, %g], want [%g, %g]", i, s.Lo[i], s.Hi[i], lo[i], hi[i])
		}
	}
	if s.N != 21 || s.Lo[4] != 1 || s.Lo[0] != 0 {
		t.Errorf("%+v", s)
	}
	if all := SoftVotes(Histogram{Counts: []int{3}}, 1); all.Lo[0] != 0 || all.Hi[0] != 1 {
		t.Errorf("one bin: %+v", all)
	}
}
