package rs

import (
	"math"
	"math/rand/v2"
	"testing"
)

// deepTails are inverses in the tails, for σ, L and q = 1-F: mpmath with 80 digits and more, by
// bisection of the closed form.
var deepTails = []struct{ sigma, l, q, t float64 }{
	{0.25, 1e-06, 0x1p-53, 500001.458109831085},
	{0.25, 1e-06, 0x1p-40, 500001.037489955302},
	{0.25, 1e-06, 0x1p-20, 499999.046329681887},
	{0.25, 1e-06, 0.4375, 62500.0000000000028},
	{0.25, 1e-06, 0x1p-300, 500004.820491106195},
	{0.25, 1e-06, 0x1p-1000, 500009.150300823645},
	{0.25, 0.01, 0x1p-53, 51.7967766178202047},
	{0.25, 0.01, 0x1p-40, 51.4661963682066509},
	{0.25, 0.01, 0x1p-20, 50.750126891263444},
	{0.25, 0.01, 0.4375, 6.24999999999999987},
	{0.25, 0.01, 0x1p-300, 54.9378598130237897},
	{0.25, 0.01, 0x1p-1000, 59.2129038254619625},
	{0.25, 0.5, 0x1p-53, 2.92383836372523917},
	{0.25, 0.5, 0x1p-40, 2.617361434369659},
	{0.25, 0.5, 0x1p-20, 1.99629665299087316},
	{0.25, 0.5, 0.4375, 0.125014450087558977},
	{0.25, 0.5, 0x1p-300, 5.98688390456961335},
	{0.25, 0.5, 0x1p-1000, 10.2393660117778903},
	{0.5, 1, 0x1p-53, 4.43402586210318504},
	{0.5, 1, 0x1p-40, 3.83581473730413351},
	{0.5, 1, 0x1p-20, 2.64464149271353632},
	{0.5, 1, 0.4375, 0.0919154170379795598},
	{0.5, 1, 0x1p-300, 10.5082846789036076},
	{0.5, 1, 0x1p-1000, 18.9974504764605379},
	{1.0, 2, 0x1p-53, 8.28552782622776896},
	{1.0, 2, 0x1p-40, 7.11476946912721851},
	{1.0, 2, 0x1p-20, 4.81049672598087888},
	{1.0, 2, 0.4375, 0.158950931424632953},
	{1.0, 2, 0x1p-300, 20.3353663320043384},
	{1.0, 2, 0x1p-1000, 37.2823001224651079},
	{1.0, 9.9, 0x1p-53, 8.21300660195904965},
	{1.0, 9.9, 0x1p-40, 7.05068399253462881},
	{1.0, 9.9, 0x1p-20, 4.76502210631515855},
	{1.0, 9.9, 0.4375, 0.157377564280923228},
	{1.0, 9.9, 0x1p-300, 20.2081647599454321},
	{1.0, 9.9, 0x1p-1000, 37.1252689494741082},
	{1.0, 10.1, 0x1p-53, 8.21287125176029811},
	{1.0, 10.1, 0x1p-40, 7.05056745956876473},
	{1.0, 10.1, 0x1p-20, 4.76494299931083029},
	{1.0, 10.1, 0.4375, 0.157374941704175009},
	{1.0, 10.1, 0x1p-300, 20.2078488958616242},
	{1.0, 10.1, 0x1p-1000, 37.1247576529042858},
	{1.0, 40, 0x1p-53, 8.20974986716533033},
	{1.0, 40, 0x1p-40, 7.04788374354567258},
	{1.0, 40, 0x1p-20, 4.7631250564232671},
	{1.0, 40, 0.4375, 0.157314781252722275},
	{1.0, 40, 0x1p-300, 20.2003815684051845},
	{1.0, 40, 0x1p-1000, 37.111971533078312},
	{0.5, 1000000.0, 0x1p-53, 4.10476807580137756},
	{0.5, 1000000.0, 0x1p-40, 3.52385012833279167},
	{0.5, 1000000.0, 0x1p-20, 2.3815005171343039},
	{0.5, 1000000.0, 0.4375, 0.078655342305098457},
	{0.5, 1000000.0, 0x1p-300, 10.0999283212745942},
	{0.5, 1000000.0, 0x1p-1000, 18.5555059685854883},
}

func TestInverseInDeepTails(t *testing.T) {
	worst := 0.0
	for _, c := range deepTails {
		s := Smoothed{Sigma: c.sigma, L: c.l}
		// F⁻¹(q) = -F⁻¹(1-q), and q below 1/2 keeps its digits.
		got, slack := s.inverse(c.q)
		if e := math.Abs(-got - c.t); e > slack+2e-16*c.t || e > 1e-13*c.t {
			t.Errorf("%v: inverse = %.17g, slack %g", c, -got, slack)
		} else {
			worst = max(worst, e/c.t)
		}
		if p := 1 - c.q; 1-p == c.q {
			if r := s.Radius(p); r > c.t || r < c.t*(1-1e-12) {
				t.Errorf("%v: Radius(1-q) = %.17g", c, r)
			}
		}
		if f := s.F(-c.t); !near(f, c.q, 1e-12*c.q+4e-16*c.t*s.Derivative(c.t)) {
			t.Errorf("%v: F = %g", c, f)
		}
	}
	t.Logf("largest relative error: %.2g", worst)
}

func TestSmoothedInverts(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	for range 3000 {
		s := Smoothed{Sigma: math.Exp(4 * r.NormFloat64()), L: math.Exp(6 * r.NormFloat64())}
		p := r.Float64()
		if r.IntN(2) == 0 {
			p = math.Exp(-40 * r.Float64())
		}
		x := s.Inverse(p)
		if f := s.F(x); !near(f, p, 1e-12*p+4e-16*math.Abs(x)*s.Derivative(x)) {
			t.Errorf("%v: F(F⁻¹(%g)) = %g", s, p, f)
		}
		if d := s.Derivative(x); d > s.L*(1+1e-9) || d > 0.4/s.Sigma {
			t.Errorf("%v: F' = %g", s, d)
		}
		if p <= 0.5 {
			continue
		}
		// Cohen <= the paper's <= exact, up to rounding; and the bound of a score without noise.
		exact, cohen := s.Radius(p), CohenRadius(s.Sigma, p)
		if exact < cohen*(1-1e-12) || exact < (p-0.5)/s.L*(1-1e-9) {
			t.Errorf("%v: p = %g: radius %g, Cohen %g", s, p, exact, cohen)
		}
		if s.width() < 1e3 { // F' underflows beyond
			if paper := s.PaperRadius(p); paper > exact*(1+1e-9)+1e-12 || paper < cohen*(1-1e-9) {
				t.Errorf("%v: p = %g: the paper's radius %g, Cohen %g, exact %g", s, p, paper,
					cohen, exact)
			}
		}
	}
}

func TestRadiusIsMonotone(t *testing.T) {
	for _, sigma := range []float64{0.12, 1} {
		for _, l := range []float64{0.01, 0.3, 1, 8, 9.9, 10.1, 300, 1e6, math.Inf(1)} {
			s, last := Smoothed{Sigma: sigma, L: l}, math.Inf(-1)
			for p := 0.001; p < 1; p += 0.001 {
				r := s.Radius(p)
				if r < last-1e-13 {
					t.Errorf("%v: falls to %g at p = %g", s, r, p)
				}
				if p > 0.5 && !math.IsInf(l, 1) {
					if more := (Smoothed{Sigma: sigma, L: l * 1.01}).Radius(p); more > r*(1+1e-12) {
						t.Errorf("%v: p = %g: a larger L gives %g, above %g", s, p, more, r)
					}
				}
				last = r
			}
		}
	}
}

func TestRadiusLimits(t *testing.T) {
	inf := math.Inf(1)
	for _, p := range []float64{0.5, 0.50001, 0.6, 0.9, 0.999} {
		large, cohen := Smoothed{0.5, 1e9}.Radius(p), CohenRadius(0.5, p)
		if !near(large, cohen, 1e-9) {
			t.Errorf("L → ∞: %g, Cohen %g", large, cohen)
		}
		clean := Smoothed{0, 3}.Radius(p)
		if small := (Smoothed{1e-9, 3}).Radius(p); !near(small, clean, 1e-7) ||
			!near(clean, (p-0.5)/3, 1e-12) {
			t.Errorf("σ → 0: %g, %g without noise", small, clean)
		}
		// Two classes that share everything are one.
		s := Smoothed{0.5, 2}
		if two, one := s.Radius2(p, 1-p), s.Radius(p); !near(two, one, 1e-12) {
			t.Errorf("p2 = 1-p1: %g, one class %g", two, one)
		}
		if got, want := MarginRadius(0.5, 4, 2*p-1), s.Radius(p); !near(got, want, 1e-12) {
			t.Errorf("margin radius %g, want %g", got, want)
		}
	}
	cases := []struct{ got, want float64 }{
		{Smoothed{1, 1}.Radius(1), inf}, {Smoothed{1, inf}.Radius(1), inf},
		{Smoothed{1, 1}.Radius(0), -inf},
		{Smoothed{0, inf}.Radius(0.9), 0}, {Smoothed{1, 1}.Radius(0.5), 0},
		{Smoothed{1, 1}.Radius2(0.3, 0.3), 0}, {Smoothed{1, 1}.Radius2(0.9, 0), inf},
		{Smoothed{1, 1}.Radius2(1, 0), inf},
		{Smoothed{1, 1}.PaperRadius(0.5), 0}, {Smoothed{0, 2}.F(0.1), 0.7},
		{Smoothed{0, 2}.Derivative(0.1), 2},
		{Smoothed{0, 2}.Derivative(1), 0}, {Smoothed{1, inf}.F(0), 0.5},
		{Smoothed{1, inf}.Lipschitz(1), 1 / math.Sqrt(2*math.Pi) * (1 + tailError)},
		{Smoothed{0, 3}.Lipschitz(1), 3},
	}
	for i, c := range cases {
		if !near(c.got, c.want, 1e-15) {
			t.Errorf("case %d: %g, want %g", i, c.got, c.want)
		}
	}
	// Where σL and the tails leave the range of doubles.
	for _, c := range []struct {
		s        Smoothed
		p, limit float64
	}{
		{Smoothed{1e-200, 1e-200}, 0.75, 0.25e200}, {Smoothed{1, 1e-300}, 0.75, 0.25e300},
		{Smoothed{1e-300, 1}, 0.75, 0.25},
	} {
		if r := c.s.Radius(c.p); r > c.limit || r < c.limit*(1-1e-12) {
			t.Errorf("%v: radius %g, want %g", c.s, r, c.limit)
		}
	}
	for _, w := range []float64{1e-4, 0.04, 0.06, 1, 10, 1e4, 1e12} {
		s := Smoothed{1, 1 / (2 * w)}
		if x := -s.Inverse(5e-324); !near(s.F(-x), 0x1p-1000, 0x1p-1000*(1e-11+4e-15*w)) {
			t.Errorf("w = %g: F⁻¹ of the smallest double is -%g, F there %g", w, x, s.F(-x))
		}
	}
	if r := CleanRadius(1, 3); r > 1.0/3 || r < 1.0/3-1e-13 {
		t.Errorf("clean radius %g", r)
	}
}

// The exact radius against the definition: E clip(L(t + σZ) + 1/2, 0, 1) by summation over Z.
func TestSmoothedIsAMean(t *testing.T) {
	for _, s := range []Smoothed{{0.25, 1}, {1, 2}, {0.5, 30}} {
		for _, x := range []float64{-0.7, 0, 0.2, 1.1} {
			sum, h := 0.0, 1e-4
			for z := -9.0; z < 9; z += h {
				sum += h * density(z) * min(max(s.L*(x+s.Sigma*z)+0.5, 0), 1)
			}
			if f := s.F(x); !near(f, sum, 1e-7) {
				t.Errorf("%v: F(%g) = %g, the mean is %g", s, x, f, sum)
			}
		}
	}
}

func TestRadiusPanics(t *testing.T) {
	panics(t, "L = 0", func() { Smoothed{1, 0}.Radius(0.9) })
	panics(t, "sigma < 0", func() { Smoothed{-1, 1}.Radius(0.9) })
	panics(t, "p > 1", func() { Smoothed{1, 1}.Radius(1.1) })
	panics(t, "p NaN", func() { CohenRadius(1, math.NaN()) })
	panics(t, "length 0", func() { Smoothed{1, 1}.Lipschitz(0) })
}

func BenchmarkRadius(b *testing.B) {
	for _, c := range []struct {
		name string
		s    Smoothed
	}{{"L=1", Smoothed{0.5, 1}}, {"L=0.1", Smoothed{0.12, 0.1}}, {"L=100", Smoothed{0.5, 100}}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.s.Radius(0.99)
			}
		})
	}
}
