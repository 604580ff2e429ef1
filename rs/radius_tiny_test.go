package rs

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mathext"
)

// -F⁻¹(p) of p that doubles hold with few digits: mpmath, 1,000 digits, bisection of the closed
// form.
var tinyTails = []struct{ sigma, l, p, t float64 }{
	{1, math.Inf(1), 0x1p-1074, 38.4674056171443463},
	{1, math.Inf(1), 0x3p-1074, 38.438854734569955},
	{1, math.Inf(1), 0x1p-1040, 37.850225772271683},
	{1, math.Inf(1), 0x1p-1001, 37.1296713891504337},
	{0.25, 0.5, 0x1p-1074, 10.5795863426094966},
	{0.25, 0.5, 0x3p-1074, 10.5724257385630811},
	{0.25, 0.5, 0x1p-1040, 10.4247898281580001},
	{0.25, 0.5, 0x1p-1001, 10.2440468060391058},
	{0.5, 1000000.0, 0x1p-1074, 19.2337028085753787},
	{0.5, 1000000.0, 0x3p-1074, 19.2194273672881807},
	{0.5, 1000000.0, 0x1p-1040, 18.9251128861389957},
	{0.5, 1000000.0, 0x1p-1001, 18.564835694578311},
	{1, 1e30, 0x1p-1074, 38.4674056171443463}, // as of L = ∞, to 30 digits
	{1, 1e30, 0x1p-1001, 37.1296713891504337},
}

func TestRadiusOfTinyProbabilities(t *testing.T) {
	for _, c := range tinyTails {
		s := Smoothed{Sigma: c.sigma, L: c.l}
		if low := s.below(c.p); low > -c.t || low < -c.t-2*c.sigma {
			t.Errorf("%v: rounded down, %.17g", c, low)
		}
		if high := s.above(c.p); high < -c.t || high > -c.t+2*c.sigma {
			t.Errorf("%v: rounded up, %.17g", c, high)
		}
		if r, most := s.Radius2(0.9, c.p), (s.above(0.9)+c.t)/2; r > most || r < most-2*c.sigma {
			t.Errorf("%v: Radius2(0.9, p) = %.17g, want at most %.17g", c, r, most)
		}
	}
	// F⁻¹ rises, however narrow the ramp, and so do its bounds.
	tiny := []float64{0, 0x1p-1074, 0x3p-1074, 1e-320, 0x1p-1022, 1e-305,
		0x1p-1001, 0x1p-1000, 0x1p-999, 1e-300, 1e-200, 1e-20, 0.25, 0.5}
	for _, l := range []float64{math.Inf(1), 1e300, 1e30, 100, 1, 1e-3, 1e-10, 1e-15, 3e-16, 1e-20,
		1e-300} {
		s := Smoothed{Sigma: 1, L: l}
		for i, p := range tiny[1:] {
			if s.below(p) < s.below(tiny[i]) || s.above(p) < s.above(tiny[i]) ||
				s.below(p) > s.above(p) {
				t.Errorf("L = %g: F⁻¹(%g) in [%g, %g], F⁻¹(%g) in [%g, %g]",
					l, tiny[i], s.below(tiny[i]), s.above(tiny[i]), p, s.below(p), s.above(p))
			}
			if r := s.Radius2(0.9, p); math.IsNaN(r) || math.IsInf(r, 0) {
				t.Errorf("L = %g: Radius2(0.9, %g) = %g", l, p, r)
			}
		}
	}
}

// Products with subnormal numbers round to the nearest, by up to half of what they are.
func TestRadiusOfTinyScales(t *testing.T) {
	for _, sigma := range []float64{0x1p-1074, 0x3p-1074, 1e-320, 1e-310} {
		for _, pA := range []float64{0.6, 0.75, 0.9, 0.93, 0.999} {
			exact := mathext.NormalQuantile(pA)
			if r := CohenRadius(sigma, pA); r/0x1p-1074 > exact*(sigma/0x1p-1074) {
				t.Errorf("σ = %g, p = %g: radius %g, more than %g σ", sigma, pA, r, exact)
			}
		}
	}
	for _, c := range []struct{ margin, lambda, most float64 }{
		{0x1p-1074, 0.7, 0x1p-1074}, {0x3p-1074, 2, 0x1p-1074},
		{1, 1e-320, math.MaxFloat64}, {1e10, 1e-300, math.MaxFloat64}, {0, 1, 0},
	} {
		if r := CleanRadius(c.margin, c.lambda); !(0 <= r && r <= c.most) {
			t.Errorf("margin %g over %g: %g", c.margin, c.lambda, r)
		}
	}
	if r, half := MarginRadius(0, 0x3p-1074, 1), MarginRadius(0, 0x4p-1074, 1); r != half {
		t.Errorf("half of an odd subnormal constant isn't rounded up: %g, %g", r, half)
	}
	one, two := ScoreMap{"sparsemax", 1}.Lipschitz(0x1p-1074, 2)
	if one < 0x1p-1074 || two < 0x1p-1074 {
		t.Errorf("a constant of 2^-1074 became %g, %g", one, two)
	}
}
