package rs

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func certify(t *testing.T, m Method, e *Evidence, alpha float64) Certificate {
	t.Helper()
	c, err := m.Certify(e, alpha)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// multinomial draws votes.
func multinomial(r *rand.Rand, n int, p []float64) Votes {
	v := make(Votes, len(p))
	for range n {
		u, c := r.Float64(), 0
		for ; c < len(p)-1 && u >= p[c]; c++ {
			u -= p[c]
		}
		v[c]++
	}
	return v
}

// randomVotes is evidence of up to 30 classes, some of them empty.
func randomVotes(r *rand.Rand) *Evidence {
	p := make([]float64, 2+r.IntN(29))
	sum := 0.0
	for c := range p {
		p[c] = math.Exp(3 * r.NormFloat64())
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	e := &Evidence{Sigma: 0.5, Selection: multinomial(r, 50, p),
		Estimation: multinomial(r, 10+r.IntN(3000), p)}
	e.Class = e.Selection.Top()
	return e
}

func TestTwoBoundIsNeverBelow(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	strictly := 0
	for range 300 {
		e, alpha := randomVotes(r), math.Exp(-1-10*r.Float64())
		two := certify(t, TwoBound{}, e, alpha)
		clipped := certify(t, TwoBound{Clip: true}, e, alpha)
		for name, m := range map[string]Method{"CPM": CPM{}, "Bonferroni": Bonferroni{}} {
			other := certify(t, m, e, alpha)
			if other.Radius > two.Radius || other.Class != Abstain && two.Class == Abstain {
				t.Errorf("%v at %g: %s %v above two bounds %v", e.Estimation, alpha, name,
					other, two)
			}
			strictly += b2i(other.Radius < two.Radius)
		}
		if clipped.Radius < two.Radius {
			t.Errorf("%v: the clip costs radius: %g, %g", e.Estimation, clipped.Radius, two.Radius)
		}
	}
	if strictly < 100 {
		t.Errorf("strictly above only %d times", strictly)
	}
}

// Every method of the table: its ledger spends at most α, its radius grows with α, and a
// certificate names the selected class.
func TestMethodsSpendAtMostAlpha(t *testing.T) { checkMethods(t, Methods) }

func checkMethods(t *testing.T, methods []Entry) {
	t.Helper()
	r := rand.New(rand.NewPCG(13, 14))
	for range 100 {
		e := randomVotes(r)
		e.Clean = Clean{Class: e.Class, Margin: 1}
		e.Margins = Histogram{Edges: []float64{-1, 0, 0.5, 1},
			Counts: []int{0, 3, r.IntN(50), 20, 0}}
		e.SelectionMargins = Histogram{Edges: e.Margins.Edges,
			Counts: []int{0, 0, 0, 0, e.Selection.Total()}}
		e.Estimation[e.Class] += 100 // enough for those margins
		e.Margins.Counts[4] = e.Estimation.Total() - e.Margins.Total()
		e.Scores = []Scores{hardScores(e), hardScores(e)}
		for _, entry := range methods {
			if entry.Unsound {
				continue
			}
			m, err := entry.New(Setting{Lambda: Claim(2), Tau: 1, Distances: true})
			if err != nil {
				t.Fatal(err)
			}
			last := 0.0
			for _, alpha := range []float64{1e-9, 0.001, 0.05, 0.4} {
				c := certify(t, m, e, alpha)
				if a := c.Alpha(); a > alpha*(1+1e-12) || a == 0 &&
					entry.Name != "margin" && entry.Name != "distance" {
					t.Errorf("%s spends %g of %g", entry.Name, a, alpha)
				}
				// the choice turns on α
				chosen := entry.Name == "adaptive" || entry.Name == "isoperimetric"
				falls := c.Radius < last && !chosen && entry.Name != "paper" // T isn't monotone
				if falls || c.Class == Abstain && c.Radius != 0 ||
					c.Class != Abstain && c.Class != e.Class {
					t.Errorf("%s at α = %g: %v after %g", entry.Name, alpha, c, last)
				}
				last = c.Radius
			}
		}
	}
}

func TestRadiusGrowsWithVotes(t *testing.T) {
	for _, m := range []Method{Mono{}, TwoBound{}, Bonferroni{}, CPM{}, TwoBound{Clip: true},
		TwoBound{Bound: Betting{}}} {
		last := -1.0
		for k := 500; k <= 1000; k += 20 { // a vote more for the class is one less for its rival
			e := &Evidence{Sigma: 1, Selection: Votes{60, 30, 10},
				Estimation: Votes{k, 1000 - k, 0}}
			c := certify(t, m, e, 0.001)
			if c.Radius < last || k >= 600 && c.Radius <= last {
				t.Errorf("%+v: %d votes give %g after %g", m, k, c.Radius, last)
			}
			last = c.Radius
		}
		few := certify(t, m, &Evidence{Sigma: 1, Selection: Votes{9, 1, 0},
			Estimation: Votes{90, 9, 1}}, 0.001)
		many := certify(t, m, &Evidence{Sigma: 1, Selection: Votes{9, 1, 0},
			Estimation: Votes{9000, 900, 100}}, 0.001)
		if few.Radius >= many.Radius {
			t.Errorf("%+v: 100 draws %g, 10,000 draws %g", m, few.Radius, many.Radius)
		}
	}
	// All votes: p̲ = α^(1/n).
	all := certify(t, Mono{}, &Evidence{Sigma: 0.5, Estimation: Votes{0, 0, 1000}, Class: 2}, 0.001)
	if want := CohenRadius(0.5, math.Pow(0.001, 0.001)); !near(all.Radius, want, 1e-10) ||
		all.Class != 2 {
		t.Errorf("all votes: %v, want radius %g", all, want)
	}
}

// The radius of multi-class methods exceeds σ/2 (Φ⁻¹(pA) - Φ⁻¹(pB)) for the true
// probabilities at most α of the time, whichever class the selection names.
func TestVoteMethodsCover(t *testing.T) {
	const runs, alpha = 800, 0.05
	populations := [][]float64{
		{0.5, 0.5},
		{0.9, 0.1},
		{0.4, 0.3, 0.3},
		{0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1},
		{0.25, 0.25, 0.25, 0.25},
	}
	for _, m := range []Method{Mono{}, Bonferroni{}, CPM{}, TwoBound{}, Adaptive{}} {
		for _, p := range populations {
			r := rand.New(rand.NewPCG(15, 16))
			wrong := 0
			for range runs {
				e := &Evidence{Sigma: 1, Selection: multinomial(r, 10, p),
					Estimation: multinomial(r, 80, p)}
				e.Class = e.Selection.Top()
				rival := 0.0
				for c, x := range p {
					if c != e.Class {
						rival = max(rival, x)
					}
				}
				c := certify(t, m, e, alpha)
				wrong += b2i(c.Class != Abstain && c.Radius > CohenRadius2(1, p[e.Class],
					rival)+1e-12)
			}
			if wrong > excess(runs, alpha) {
				t.Errorf("%T, %v: wrong %d times of %d", m, p, wrong, runs)
			}
		}
	}
}

func TestMethodErrors(t *testing.T) {
	good := func() *Evidence {
		return &Evidence{Index: 7, Sigma: 1, Selection: Votes{5, 4}, Estimation: Votes{50, 40},
			Margins: Histogram{Edges: []float64{0}, Counts: []int{40, 50}},
			Clean:   Clean{Class: 0, Margin: 1}}
	}
	votes := []Method{Mono{}, TwoBound{}, Bonferroni{}, CPM{}, UnsoundPair{}, UnsoundSecond{},
		Lipschitz{Lambda: Claim(1), Tau: 1}, PaperLipschitz{Lambda: Claim(1), Tau: 1}}
	any := []Method{Mono{}, Adaptive{}}
	all := append([]Method{Margin{Lambda: Claim(1)}, Adaptive{}}, votes...)
	cases := []struct {
		what    string
		methods []Method
		spoil   func(*Evidence)
	}{
		{"no noise", votes, func(e *Evidence) { e.Sigma = 0 }},
		{"sigma NaN", votes, func(e *Evidence) { e.Sigma = math.NaN() }},
		{"no votes", votes, func(e *Evidence) { e.Estimation = nil }},
		{"zero votes", votes, func(e *Evidence) { e.Estimation = Votes{0, 0} }},
		{"a negative vote", votes, func(e *Evidence) { e.Estimation = Votes{9, -1} }},
		{"a class beyond", votes, func(e *Evidence) { e.Class = 2 }},
		{"no class", votes, func(e *Evidence) { e.Class = Abstain }},
		{"one class", votes[1:], func(e *Evidence) {
			e.Selection, e.Estimation = Votes{9}, Votes{90}
		}},
		{"no noise", any, func(e *Evidence) { e.Sigma = 0 }},
		{"a class beyond", any, func(e *Evidence) { e.Class = 2 }},
		{"a negative selection", []Method{Adaptive{}}, func(e *Evidence) { e.Selection[1] = -1 }},
		{"no selection votes", []Method{Adaptive{}},
			func(e *Evidence) { e.Selection = Votes{0, 0} }},
		{"no selection", []Method{CPM{}, Adaptive{}, UnsoundSecond{}},
			func(e *Evidence) { e.Selection = nil }},
		{"no margins", []Method{Lipschitz{Lambda: Claim(1), Tau: 1}},
			func(e *Evidence) { e.Margins = Histogram{} }},
		{"bins", []Method{Lipschitz{Lambda: Claim(1), Tau: 1}},
			func(e *Evidence) { e.Margins.Counts = []int{1, 2, 3} }},
		{"empty bins", []Method{Lipschitz{Lambda: Claim(1), Tau: 1}},
			func(e *Evidence) { e.Margins.Counts = []int{0, 0} }},
		{"no clean class", []Method{Margin{Lambda: Claim(1)}},
			func(e *Evidence) { e.Clean.Class = Abstain }},
		{"a negative margin", []Method{Margin{Lambda: Claim(1)}},
			func(e *Evidence) { e.Clean.Margin = -1 }},
		{"a margin NaN", []Method{Margin{Lambda: Claim(1)}},
			func(e *Evidence) { e.Clean.Margin = math.NaN() }},
		{"no Lambda", []Method{Margin{}, Lipschitz{Tau: 1}, Isoperimetric{}}, func(*Evidence) {}},
		{"tau", []Method{Lipschitz{Lambda: Claim(1), Tau: -1}, Lipschitz{Lambda: Claim(1),
			Tau: math.NaN()}},
			func(*Evidence) {}},
	}
	for _, m := range all {
		if _, err := m.Certify(good(), 0.1); err != nil {
			t.Errorf("%#v: %v", m, err)
		}
	}
	for _, c := range cases {
		for _, m := range c.methods {
			e := good()
			c.spoil(e)
			if got, err := m.Certify(e, 0.1); err == nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %#v: %v, error %v", c.what, m, got, err)
			}
		}
	}
	for _, m := range votes {
		panics(t, "alpha = 1", func() { m.Certify(good(), 1) })
	}
	for _, m := range any {
		if c, err := m.Certify(&Evidence{Sigma: 1, Selection: Votes{9}, Estimation: Votes{90}},
			0.1); err != nil || c.Class != 0 {
			t.Errorf("%T of one class: %v, %v", m, c, err)
		}
	}
}

func TestMethodTable(t *testing.T) {
	for _, name := range DefaultMethods {
		if !slices.Contains(MethodNames(), name) {
			t.Errorf("%s: no sound method", name)
		}
	}
	for i, entry := range Methods {
		if e, err := MethodByName(entry.Name); err != nil || e.Doc != entry.Doc || e.Doc == "" {
			t.Errorf("%s: %v, %v", entry.Name, e, err)
		}
		if slices.ContainsFunc(Methods[:i], func(e Entry) bool { return e.Name == entry.Name }) {
			t.Errorf("two methods %s", entry.Name)
		}
		if strings.HasPrefix(entry.Name, "unsound-") != entry.Unsound {
			t.Errorf("%s: unsound is %v", entry.Name, entry.Unsound)
		}
	}
	if _, err := MethodByName("none"); err == nil || !strings.Contains(err.Error(), "twobound") {
		t.Errorf("an unknown method: %v", err)
	}
	for _, c := range []struct {
		name string
		s    Setting
		ok   bool
	}{
		{"mono", Setting{}, true}, {"margin", Setting{}, false},
		{"margin", Setting{Lambda: Claim(1)}, true},
		{"distance", Setting{Lambda: Claim(1)}, false}, {"distance", Setting{Distances: true}, true},
		{"lipschitz", Setting{Lambda: Claim(1), Tau: -1}, false}, {"lipschitz", Setting{Tau: 1}, false},
		{"lipschitz", Setting{}, true}, {"lipschitz", Setting{Lambda: Claim(1), Tau: 2}, true},
	} {
		e, _ := MethodByName(c.name)
		if _, err := e.New(c.s); (err == nil) != c.ok {
			t.Errorf("%s of %+v: %v", c.name, c.s, err)
		}
	}
}
