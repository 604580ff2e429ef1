package rs

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestGoldenLevels(t *testing.T) {
	for _, row := range goldenTSV(t, "levels.tsv") {
		k, n, s := int(row["k"]), int(row["n"]), row["level"]
		e := &Evidence{Sigma: row["sigma"], Selection: Votes{k, n - k}, Estimation: Votes{k, n - k},
			Margins: Histogram{Edges: []float64{0, cmp.Or(s, 1)}, Counts: []int{0, n - k, k}}}
		e.SelectionMargins = e.Margins
		l, err := e.levels("test", Claim(row["lambda"]), false)
		if err != nil {
			t.Fatal(err)
		}
		at := votes
		if s > 0 {
			at = 1
		}
		radius, spent := l.lower(at, ClopperPearson{}, row["alpha"])
		checkRadius(t, row, "radius", radius, row["radius"])
		if spent.Level != s || !near(spent.Value, row["p_lower"], 1e-9*row["p_lower"]) {
			t.Errorf("%v: %+v", row, spent)
		}
	}
}

// A linear margin: every level gives the true radius, with Λ = 1 and exact probabilities.
func TestLinearMarginsAreTight(t *testing.T) {
	for s := 0.0; s < 3; s += 0.25 {
		const at, sigma = 1.3, 0.5
		p := math.Erfc((s-at)/sigma/math.Sqrt2) / 2
		if got := CleanRadius(s, 1) + CohenRadius(sigma, p); !near(got, at, 1e-9) {
			t.Errorf("R(%g) = %g, want %g", s, got, at)
		}
	}
}

// Levels says what Certify takes, and what every other level would give.
func TestLevels(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	e := linear(r, 1.2, 100, 1000)
	m := Isoperimetric{Lambda: Claim(1)}
	all, chosen, err := m.Levels(e, 0.001)
	if err != nil {
		t.Fatal(err)
	}
	c := certify(t, m, e, 0.001)
	if at := all[chosen]; at.Margin != c.Level() || at.Radius() != c.Radius {
		t.Errorf("level %+v, certificate %+v", at, c)
	}
	mono := certify(t, Mono{}, e, 0.001)
	if len(all) != 257 || all[0].Margin != 0 || all[0].Radius() != mono.Radius {
		t.Errorf("%d levels, the first %+v", len(all), all[0])
	}
}

// Dead logits: a margin of 0 reaches level 0 and wins no vote.
func TestLevelZeroIsVotes(t *testing.T) {
	edges := []float64{-1, 0, 0.5, 1}
	e := &Evidence{Sigma: 1, Class: 1, Selection: Votes{4, 6}, Estimation: Votes{84, 16},
		SelectionMargins: Histogram{Edges: edges, Counts: []int{0, 0, 10, 0, 0}},
		Margins:          Histogram{Edges: edges, Counts: []int{0, 0, 100, 0, 0}}}
	if c := certify(t, Isoperimetric{Lambda: Claim(1)}, e, 0.05); c.Class != Abstain {
		t.Errorf("%+v", c)
	}
}

// The level is a function of the selection draw, the class and the number of draws.
func TestLevelIgnoresTheEstimationDraw(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	above := 0
	for range 200 {
		e := linear(r, 3*r.Float64(), 100, 1000)
		for _, m := range []Method{Isoperimetric{Lambda: Claim(1)}, Adaptive{Lambda: Claim(1)}} {
			c := certify(t, m, e, 0.001)
			above += b2i(c.Level() > 0)
			other := *e
			other.Margins.Counts = make([]int, len(e.Margins.Counts))
			other.Margins.Counts[r.IntN(len(other.Margins.Counts))] = 1000
			other.Estimation = Votes{1000, 0}
			got := certify(t, m, &other, 0.001)
			if got.Level() != c.Level() || len(got.Ledger) != len(c.Ledger) {
				t.Fatalf("%T: level %g became %g with the estimation draw", m, c.Level(), got.Level())
			}
			if !slices.Contains(e.Margins.Edges, c.Level()) {
				t.Errorf("level %g is no edge", c.Level())
			}
		}
	}
	if above < 100 {
		t.Errorf("a level above 0 only %d times", above)
	}
}

// linear is the evidence of a linear margin whose zero lies at that distance: Λ = 1, σ = ½.
func linear(r *rand.Rand, at float64, n0, n int) *Evidence {
	e := &Evidence{Sigma: 0.5, Selection: Votes{0, 0}, Estimation: Votes{0, 0}}
	draw := func(h *Histogram, v Votes, n int, shift float64) {
		h.Edges, h.Counts = lineEdges, make([]int, len(lineEdges)+1)
		for range n {
			m := at + 0.5*r.NormFloat64()
			v[b2i(m <= 0)]++
			h.Counts[lineBin(m+shift)]++
		}
	}
	draw(&e.SelectionMargins, e.Selection, n0, 0)
	draw(&e.Margins, e.Estimation, n, 0)
	return e
}

const lineWidth = 1.0 / 64

var lineEdges = func() []float64 {
	edges := make([]float64, 513)
	for i := range edges {
		edges[i] = lineWidth * float64(i-256)
	}
	return edges
}()

func lineBin(m float64) int { return min(max(int(math.Floor(m/lineWidth))+257, 0), 513) }

// More draws above a level give a larger radius, and the certificate's α is spent in full.
func TestIsoperimetricGrows(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	e := linear(r, 1.2, 100, 1000)
	last := -1.0
	for k := 700; k <= 1000; k += 50 {
		e.Margins.Counts = make([]int, 514)
		e.Margins.Counts[513], e.Margins.Counts[256] = k, 1000-k
		e.Estimation = Votes{k, 1000 - k}
		c := certify(t, Isoperimetric{Lambda: Claim(1)}, e, 0.001)
		if c.Radius <= last || c.Level() == 0 || c.Alpha() != 0.001 {
			t.Errorf("%d of 1000 above %g: radius %g after %g, α %g",
				k, c.Level(), c.Radius, last, c.Alpha())
		}
		last = c.Radius
	}
	c := certify(t, Isoperimetric{Lambda: Claim(1)}, e, 0.001)
	want := c.Level() + 0.5*math.Sqrt2*math.Erfinv(2*math.Pow(0.001, 0.001)-1)
	if !near(c.Radius, want, 1e-9) {
		t.Errorf("all above %g: radius %g, want %g", c.Level(), c.Radius, want)
	}
}

// What Rounding and Float32 cost, and that votes aren't used with them.
func TestIsoperimetricShift(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	e := linear(r, 1.2, 100, 1000)
	plain := certify(t, Isoperimetric{Lambda: Claim(1)}, e, 0.001)
	e.Rounding = 0.01
	rounded := certify(t, Isoperimetric{Lambda: Claim(1)}, e, 0.001)
	if cost := plain.Radius - rounded.Radius; cost < 0.005 || cost > 0.02 {
		t.Errorf("rounding costs %g", cost)
	}
	e.Rounding, e.MarginError = 0, 0.01
	real := certify(t, Isoperimetric{Lambda: Claim(1), Float32: true}, e, 0.001)
	if cost := plain.Radius - real.Radius; cost < 0.005 || cost > 0.02 {
		t.Errorf("float32 costs %g", cost)
	}
	// Unanimous votes whose margins all lie within the error certify nothing in real arithmetic.
	e = &Evidence{Sigma: 0.5, Selection: Votes{100, 0}, Estimation: Votes{1000, 0}, MarginError: 0.05,
		SelectionMargins: Histogram{Edges: lineEdges, Counts: make([]int, 514)},
		Margins:          Histogram{Edges: lineEdges, Counts: make([]int, 514)}}
	e.SelectionMargins.Counts[258], e.Margins.Counts[258] = 100, 1000
	for _, m := range []Method{
		Isoperimetric{Lambda: Claim(1), Float32: true}, Adaptive{Lambda: Claim(1), Float32: true},
	} {
		if c := certify(t, m, e, 0.001); c.Class != Abstain {
			t.Errorf("%T certifies %+v", m, c)
		}
	}
}

func TestIsoperimetricRefuses(t *testing.T) {
	for want, change := range map[string]func(e *Evidence, m *Isoperimetric){
		"no bound on the Lip": func(e *Evidence, m *Isoperimetric) { m.Lambda = Constant{} },
		"need margins":        func(e *Evidence, m *Isoperimetric) { e.Margins = Histogram{} },
		"selection margins: 0 draws": func(e *Evidence, m *Isoperimetric) {
			e.SelectionMargins = Histogram{}
		},
		"margin_error": func(e *Evidence, m *Isoperimetric) { m.Float32 = true },
		"sigma":        func(e *Evidence, m *Isoperimetric) { e.Sigma = 0 },
	} {
		e, m := linear(rand.New(rand.NewPCG(1, 1)), 1, 10, 10), Isoperimetric{Lambda: Claim(1)}
		change(e, &m)
		if _, err := m.Certify(e, 0.01); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
