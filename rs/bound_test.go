package rs

import (
	"math"
	"math/rand/v2"
	"testing"
)

// populations are draws in [0, 1] of known mean.
var populations = []struct {
	name string
	mean float64
	draw func(*rand.Rand) float64
}{
	{"Bernoulli 0.9", 0.9, func(r *rand.Rand) float64 { return float64(b2i(r.Float64() < 0.9)) }},
	{"Bernoulli 0.1", 0.1, func(r *rand.Rand) float64 { return float64(b2i(r.Float64() < 0.1)) }},
	{"uniform", 0.5, (*rand.Rand).Float64},
	{"near 1", 0.99, func(r *rand.Rand) float64 { return math.Pow(r.Float64(), 1.0/99) }},
	{"skewed", 1.0 / 11, func(r *rand.Rand) float64 { return math.Pow(r.Float64(), 10) }},
	{"rarely 0", 0.995, func(r *rand.Rand) float64 { return float64(b2i(r.Float64() < 0.995)) }},
	{"constant", 0.3, func(*rand.Rand) float64 { return 0.3 }},
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// binned sorts the draws into bins of the width.
func binned(x []float64, width float64) Sample {
	s := Sample{N: len(x)}
	for lo := 0.0; lo < 1; lo += width {
		s.Lo, s.Hi = append(s.Lo, lo), append(s.Hi, min(1, lo+width))
	}
	s.Counts = make([]int, len(s.Lo))
	for _, v := range x {
		s.Counts[min(int(v/width), len(s.Lo)-1)]++
	}
	return s
}

// excess is a count that a binomial of mean n·alpha passes about once in 30,000 times.
func excess(n int, alpha float64) int {
	mean := float64(n) * alpha
	return int(mean + 4*math.Sqrt(mean*(1-alpha)) + 1)
}

func TestBoundsCover(t *testing.T) {
	const runs, n, alpha = 1000, 60, 0.05
	for _, b := range Bounds {
		for _, p := range populations {
			r := rand.New(rand.NewPCG(3, 4))
			below, above := 0, 0
			for run := range runs {
				x := make([]float64, n)
				for i := range x {
					x[i] = p.draw(r)
				}
				s, bound := Draws(x), OfExample(b.Bound, 6, run)
				if run%2 == 1 {
					s = binned(x, 1.0/32)
				}
				below += b2i(p.mean < bound.Lower(s, alpha))
				above += b2i(p.mean > bound.Upper(s, alpha))
			}
			if limit := excess(runs, alpha); below > limit || above > limit {
				t.Errorf("%s, %s: the mean lies below the lower bound %d times and above the "+
					"upper one %d times of %d, want at most %d",
					b.Name, p.name, below, above, runs, limit)
			}
		}
	}
}

func TestHedgedCovers(t *testing.T) {
	const runs, n, alpha = 150, 40, 0.05
	for _, h := range []Hedged{{}, {C: 0.75, FixedN: true}, {Final: true}} {
		for _, p := range populations {
			r := rand.New(rand.NewPCG(5, 6))
			wrong := 0
			for range runs {
				x := make([]float64, n)
				for i := range x {
					x[i] = p.draw(r)
				}
				wrong += b2i(p.mean < h.Lower(x, alpha))
			}
			if wrong > excess(runs, alpha) {
				t.Errorf("%+v, %s: %d of %d lower bounds are above the mean", h, p.name,
					wrong, runs)
			}
		}
	}
}

func TestBoundsAreMonotone(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	for _, b := range Bounds {
		for range 20 {
			x := make([]float64, 50)
			for i := range x {
				x[i] = r.Float64()
			}
			s := Draws(x)
			lower, upper := b.Bound.Lower(s, 0.01), b.Bound.Upper(s, 0.01)
			mean, _ := s.Mean()
			if !(0 <= lower && lower <= mean && mean <= upper && upper <= 1) {
				t.Errorf("%s: [%g, %g] around %g", b.Name, lower, upper, mean)
			}
			if b.Bound.Lower(s, 0.001) > lower || b.Bound.Upper(s, 0.001) < upper {
				t.Errorf("%s: a smaller α gives a tighter bound", b.Name)
			}
			coarse := binned(x, 0.125)
			// whose variance may fall
			if b.Bound.Lower(coarse, 0.01) > lower+1e-12 && b.Name != "bernstein" {
				t.Errorf("%s: coarse bins raise the lower bound", b.Name)
			}
			if got, want := b.Bound.Upper(s, 0.01), 1-b.Bound.Lower(s.mirror(), 0.01); !near(got,
				want, 1e-12) {
				t.Errorf("%s: upper %g, 1 - lower of 1-x %g", b.Name, got, want)
			}
		}
		last := 0.0
		for n := 1; n < 1e6; n *= 4 { // more of the same draws
			got := b.Bound.Lower(Bernoulli(n, n), 0.001)
			if got < last {
				t.Errorf("%s: falls to %g at n = %d", b.Name, got, n)
			}
			last = got
		}
		if last < 0.99 {
			t.Errorf("%s: %g of many votes that agree", b.Name, last)
		}
	}
}

func TestBoundsByName(t *testing.T) {
	for _, entry := range Bounds {
		if b, err := BoundByName(entry.Name); err != nil || b != entry.Bound ||
			b.Name() != entry.Name || entry.Doc == "" {
			t.Errorf("%s: %v, %v", entry.Name, b, err)
		}
	}
	if _, err := BoundByName("none"); err == nil {
		t.Error("no error for a bound that isn't there")
	}
}

func TestSample(t *testing.T) {
	s := Draws([]float64{0.5, 0, 1, 0.5})
	if s.N != 4 || len(s.Counts) != 3 || s.Counts[1] != 2 || s.variance() != 1.0/6 {
		t.Errorf("%+v, variance %g", s, s.variance())
	}
	x := 1.0 / 3
	if y := oneMinusDown(x); y > 2.0/3 {
		t.Errorf("1 - 1/3 rounded down: %.17g", y)
	}
	if up, down := oneMinusUp(1e-20), oneMinusDown(1e-20); up != 1 || down >= 1 {
		t.Errorf("1 - 1e-20: [%.17g, %.17g]", down, up)
	}
	panics(t, "k > n", func() { Bernoulli(3, 2) })
	panics(t, "k < 0", func() { Bernoulli(-1, 2) })
	panics(t, "n = 0", func() { Bernoulli(0, 0) })
	panics(t, "a draw of 2", func() { Draws([]float64{2}) })
	panics(t, "a draw of NaN", func() { Draws([]float64{math.NaN()}) })
	panics(t, "no draws", func() { Draws(nil) })
	panics(t, "N",
		func() {
			Hoeffding{}.Lower(Sample{N: 3, Lo: []float64{0}, Hi: []float64{0},
				Counts: []int{2}}, 0.1)
		})
	for _, b := range Bounds {
		for _, alpha := range []float64{0, 1, -1, math.NaN()} {
			panics(t, b.Name, func() { b.Bound.Lower(Bernoulli(1, 2), alpha) })
			panics(t, b.Name, func() { b.Bound.Upper(Bernoulli(1, 2), alpha) })
		}
	}
	panics(t, "hedged alpha", func() { Hedged{}.Lower([]float64{1}, 0) })
	panics(t, "hedged c", func() { Hedged{C: 2}.Lower([]float64{1}, 0.1) })
	panics(t, "hedged draw", func() { Hedged{}.Lower([]float64{-1}, 0.1) })
}
