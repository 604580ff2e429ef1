package rs

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestStops(t *testing.T) {
	for _, c := range []struct {
		first, block, n int
		growth          float64
		want            []int
	}{
		{100, 100, 1000, 2, []int{100, 200, 400, 800, 1000}},
		{1, 100, 250, 1.5, []int{100, 200, 250}},
		{500, 100, 300, 2, []int{300}},
		{64, 50, 400, 2, []int{100, 150, 300, 400}},
	} {
		if got := Stops(c.first, c.block, c.n, c.growth); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v", c, got)
		}
	}
	a := AtStops{ClopperPearson{}, []int{10, 20, 40, 100}}
	total := 0.0
	for _, n := range a.Stops {
		total += a.Level(n, 0.01)
	}
	if total > 0.01 || total < 0.00999 {
		t.Errorf("levels sum to %g", total)
	}
	panics(t, "no stop", func() { a.Lower(Bernoulli(1, 30), 0.1) })
	panics(t, "no growth", func() { Stops(1, 1, 10, 1) })
}

func TestRule(t *testing.T) {
	for text, want := range map[string]string{
		"radius>=0.5": "radius>=0.5", "radius >= 1": "radius>=1", "width<=5%": "width<=5%",
		"width<=0.05": "width<=5%", "width<=7%": "width<=7%",
		"radius>0.5": "is no rule", "radius>=0": "is no rule", "width<=-1": "is no rule",
		"": "is no rule", "radius>=NaN": "is no rule", "radius>=Inf": "is no rule",
	} {
		got := ""
		if r, err := ParseRule(text); err != nil {
			got = err.Error()
		} else {
			got = r.String()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// settling is a classifier on the line whose draws a rule ends at a stop.
type settling struct {
	x, sigma, alpha float64
	stops           []int
	rule            Rule
	m               Ranger
}

// draw draws until the rule is settled.
func (s settling) draw(t *testing.T, r *rand.Rand) *Evidence {
	t.Helper()
	x, sigma, stops := s.x, s.sigma, s.stops
	e := ramp(r, x, sigma, 0)
	e.Stops = stops
	last := 0
	for _, n := range stops {
		more := ramp(r, x, sigma, n-last)
		for more.Class != e.Class {
			more = ramp(r, x, sigma, n-last)
		}
		last = n
		for c, k := range more.Estimation {
			e.Estimation[c] += k
		}
		for i, k := range more.Margins.Counts {
			e.Margins.Counts[i] += k
		}
		if n == stops[len(stops)-1] {
			break
		}
		if ok, err := s.rule.Settled(e, s.m, s.alpha); err != nil {
			t.Fatal(err)
		} else if ok {
			break
		}
	}
	return e
}

// TestStoppedDrawsCover: certificates of draws that end because of what was drawn hold, by every
// bound that is let through. Fewer draws nearly always answer the question as all draws do.
func TestStoppedDrawsCover(t *testing.T) {
	const runs, alpha = 300, 0.05
	stops := Stops(20, 10, 1500, 1.5)
	for _, m := range []Ranger{Mono{}, TwoBound{}, Lipschitz{Lambda: Claim(1), Tau: 1}} {
		for _, x := range []float64{0, 0.3, 0.45, 0.55, 1} {
			r := rand.New(rand.NewPCG(71, 72))
			wrong, anytime, used, yes := 0, 0, 0, 0
			for range runs {
				e := settling{x, 0.5, alpha, stops, Rule{Radius: 0.5}, m}.draw(t, r)
				truth := x
				if e.Class == 1 {
					truth = -x
				}
				c := certify(t, m, e, alpha)
				wrong += b2i(c.Class != Abstain && c.Radius > truth)
				yes += b2i(c.Radius >= 0.5)
				used += e.Estimation.Total()
				for _, b := range []Bound{BetaMixture{}, Betting{}} {
					c := certify(t, TwoBound{Bound: b}, e, alpha)
					anytime += b2i(c.Class != Abstain && c.Radius > truth)
				}
			}
			if wrong > excess(runs, alpha) || anytime > 2*excess(runs, alpha) {
				t.Errorf("%T at %g: wrong %d and %d times of %d", m, x, wrong, anytime, runs)
			}
			if mean := used / runs; x != 0.45 && x != 0.55 && mean > 400 ||
				x == 1 && yes < runs*95/100 {
				t.Errorf("%T at %g: %d draws on average, %d times yes", m, x, mean, yes)
			}
		}
	}
}

func TestFixedBoundsAreRefused(t *testing.T) {
	e := &Evidence{Index: 7, Sigma: 1, Selection: Votes{9, 1}, Estimation: Votes{190, 10},
		Stops: []int{100, 200, 1000}}
	fixed := certify(t, TwoBound{}, &Evidence{Sigma: 1, Selection: e.Selection,
		Estimation: e.Estimation}, 0.01)
	for _, b := range Bounds {
		_, anytime := b.Bound.(Anytime)
		c, err := TwoBound{Bound: b.Bound}.Certify(e, 0.01)
		switch {
		case anytime && err != nil || !anytime &&
			(err == nil || !strings.Contains(err.Error(),
				"example 7: "+b.Name+" holds at a number of draws fixed beforehand")):
			t.Errorf("%s: %v", b.Name, err)
		case anytime && !(c.Radius < fixed.Radius && c.Radius > 0):
			t.Errorf("%s: radius %g, of a fixed number %g", b.Name, c.Radius, fixed.Radius)
		}
	}
	c := certify(t, TwoBound{}, e, 0.01)
	if c.Ledger[0].Bound != "clopper-pearson at stops" ||
		!(c.Radius < fixed.Radius && c.Radius > 0.5*fixed.Radius) || c.Alpha() > 0.01 {
		t.Errorf("%+v, of a fixed number %g", c, fixed.Radius)
	}
	e.Estimation[0]--
	if _, err := (Mono{}).Certify(e, 0.01); err == nil ||
		!strings.Contains(err.Error(), "199 estimation draws") {
		t.Errorf("%v", err)
	}
	// The division of α is chosen on the most draws there could be, whatever was drawn.
	e.Estimation[0]++
	early, _, err1 := Adaptive{}.plan(e, 0.01)
	e.Estimation = Votes{900, 100}
	late, _, err2 := Adaptive{}.plan(e, 0.01)
	if early != late || err1 != nil || err2 != nil {
		t.Errorf("plans %+v and %+v, %v, %v", early, late, err1, err2)
	}
}

// Noise that isn't Gaussian costs the score L times its distance, and votes nothing.
func TestRounding(t *testing.T) {
	r := rand.New(rand.NewPCG(73, 74))
	e := ramp(r, 1, 0.5, 1000)
	l := Lipschitz{Lambda: Claim(1), Tau: 2}
	before, votes := certify(t, l, e, 0.01), certify(t, Mono{}, e, 0.01)
	e.Rounding = 0.01
	after := certify(t, l, e, 0.01)
	if cost := before.Radius - after.Radius; cost < 0.0095 || cost > 0.011 {
		t.Errorf("costs %g", cost)
	}
	// Where most draws are far above the temperature, too.
	sharp := Lipschitz{Lambda: Claim(1), Tau: 0.25}
	withRounding := certify(t, sharp, e, 0.01).Radius
	e.Rounding = 0
	if cost := certify(t, sharp, e, 0.01).Radius - withRounding; cost < 0.005 || cost > 0.02 {
		t.Errorf("τ = 0.25: costs %g", cost)
	}
	if again := certify(t, Mono{}, e, 0.01); again.Radius != votes.Radius {
		t.Errorf("votes: %g, %g", again.Radius, votes.Radius)
	}
	if lowered(0.001, 10) != 0 || math.Signbit(lowered(0, 1)) || lowered(0.3, 0) != 0.3 {
		t.Error("lowered below 0")
	}
	// A difference of two means is at most 1, and its radius finite there.
	if r := MarginRadius(1, 2, 1-0x1p-53); !(r > 8.53 && r < 8.54) {
		t.Errorf("margin 1-2⁻⁵³: %g", r)
	}
	e.Rounding = -0.1
	if _, err := l.Certify(e, 0.01); err == nil {
		t.Error("rounding of -0.1 is taken")
	}
}
