package rs

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestFloat32: methods subtract float32's error from margins where Float32 asks for that. A score
// loses L times the error, and votes lose nothing.
func TestFloat32(t *testing.T) {
	r := rand.New(rand.NewPCG(73, 74))
	e := ramp(r, 1, 0.5, 1000)
	e.Clean = Clean{Class: e.Class, Margin: 1}
	const off = 0.01
	for name, m := range map[string]struct{ plain, exact Method }{
		"lipschitz": {Lipschitz{Lambda: Claim(1), Tau: 2},
			Lipschitz{Lambda: Claim(1), Tau: 2, Float32: true}},
		"paper": {PaperLipschitz{Lambda: Claim(1), Tau: 2},
			PaperLipschitz{Lambda: Claim(1), Tau: 2, Float32: true}},
		"margin": {Margin{Lambda: Claim(1)}, Margin{Lambda: Claim(1), Float32: true}},
	} {
		e.MarginError = 0
		before := certify(t, m.plain, e, 0.01)
		if _, err := m.exact.Certify(e, 0.01); err == nil ||
			!strings.Contains(err.Error(), "margin_error") {
			t.Errorf("%s of a run that knows none: %v", name, err)
		}
		e.MarginError = math.NaN()
		if _, err := m.exact.Certify(e, 0.01); err == nil {
			t.Errorf("%s takes NaN", name)
		}
		e.MarginError = off
		if again := certify(t, m.plain, e, 0.01); again.Radius != before.Radius {
			t.Errorf("%s subtracts unasked: %g, before %g", name, again.Radius, before.Radius)
		}
		if cost := before.Radius - certify(t, m.exact, e, 0.01).Radius; cost < 0.5*off ||
			cost > 1.1*off {
			t.Errorf("%s: costs %g of %g", name, cost, off)
		}
	}
	// It adds to what noise on a grid costs.
	sharp := Lipschitz{Lambda: Claim(1), Tau: 0.25}
	before := certify(t, sharp, e, 0.01).Radius
	e.Rounding, sharp.Float32 = off, true
	if cost := before - certify(t, sharp, e, 0.01).Radius; cost < off || cost > 4*off {
		t.Errorf("τ = 0.25, with a grid: costs %g", cost)
	}
	e.Clean.Margin = off
	if c := certify(t, Margin{Lambda: Claim(1), Float32: true}, e, 0.01); c.Class != Abstain ||
		c.Radius != 0 {
		t.Errorf("a margin no larger than its error: %+v", c)
	}
	// The hard vote has no margins: it certifies the classifier as float32 computes it.
	e.MarginError = 0
	if c := certify(t, Lipschitz{Float32: true}, e, 0.01); c.Radius != certify(t, Mono{}, e,
		0.01).Radius {
		t.Errorf("τ = 0: %g", c.Radius)
	}
}

// TestFloat32Scores: let every difference of two logits move by at most η. Then a score, and the
// difference of two, move by no more than float32Error says. Some move by nearly as much.
func TestFloat32Scores(t *testing.T) {
	r := rand.New(rand.NewPCG(75, 76))
	for _, m := range []ScoreMap{{"softmax", 1}, {"softmax", 5}, {"sparsemax", 0.5}, {"ramp", 2}} {
		for _, classes := range []int{2, 3, 10} {
			const eta = 0.01
			one, difference := m.float32Error(eta, classes)
			most1, most2 := 0.0, 0.0
			for range 20000 {
				z, moved := make([]float64, classes), make([]float64, classes)
				top := r.IntN(classes)
				for i := range z {
					z[i] = r.NormFloat64() / m.T * []float64{0.1, 1, 3}[top%3]
					moved[i] = z[i] + eta*float64(r.IntN(2)) // differences of η or none
				}
				a, b := m.Scores(z), m.Scores(moved)
				for i := range a {
					most1 = max(most1, math.Abs(a[i]-b[i]))
					for j := range i {
						most2 = max(most2, math.Abs(a[i]-a[j]-(b[i]-b[j])))
					}
				}
			}
			if most1 > one || most2 > difference || most1 < 0.8*one || most2 < 0.8*difference {
				t.Errorf("%v of %d classes: a score moves by %g, bound %g; a difference by %g, "+
					"bound %g", m, classes, most1, one, most2, difference)
			}
		}
	}
	// What that costs a radius; LVM-RS nothing.
	e := &Evidence{Sigma: 0.5, Selection: Votes{10, 0}, Estimation: Votes{1000, 0},
		Scores: []Scores{emptyScores(ScoreMap{"ramp", 1}, 2)}}
	for range 1000 {
		addScores(&e.Scores[0], []float64{0.5 + 0.1*r.NormFloat64(), 0})
	}
	for name, m := range map[string]SoftScores{"lvm": {},
		"lipschitz-two":    {Lambda: Claim(1), TwoClass: true},
		"lipschitz-margin": {Lambda: Claim(1), Difference: true}} {
		e.MarginError = 0
		before, exact := certify(t, m, e, 0.01).Radius, m
		exact.Float32 = true
		if _, err := exact.Certify(e, 0.01); (err == nil) != (name == "lvm") {
			t.Errorf("%s of a run that knows no error: %v", name, err)
		}
		e.MarginError = 0.02
		cost := before - certify(t, exact, e, 0.01).Radius
		if name == "lvm" && cost != 0 || name != "lvm" && (cost < 0.015 || cost > 0.03) {
			t.Errorf("%s: costs %g of %g", name, cost, e.MarginError)
		}
	}
	if one, difference := (ScoreMap{"softmax", 1}).float32Error(0, 3); one != 0 || difference != 0 {
		t.Errorf("no error costs %g, %g", one, difference)
	}
}
