package rs

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestWrongAtMost(t *testing.T) {
	// Against the distribution summed term by term.
	for _, m := range []int{1, 2, 20, 500, 10000} {
		for _, alpha := range []float64{1e-9, 0.001, 0.05, 0.5, 0.9} {
			mass := make([]float64, m+1)
			for k := range mass {
				a, _ := math.Lgamma(float64(m + 1))
				b, _ := math.Lgamma(float64(k + 1))
				c, _ := math.Lgamma(float64(m - k + 1))
				mass[k] = math.Exp(a - b - c + float64(k)*math.Log(alpha) +
					float64(m-k)*math.Log1p(-alpha))
			}
			for _, beta := range []float64{1e-6, 0.01, 0.05, 0.5} {
				got, above := WrongAtMost(alpha, m, beta), 0.0
				for k := m; k > got; k-- {
					above += mass[k]
				}
				if above > beta || got > 0 && above+mass[got] <= beta*(1-1e-8) {
					t.Errorf("%d images at %g: %d wrong, more with probability %g, want %g", m,
						alpha, got, above, beta)
				}
			}
		}
	}
	for _, c := range []struct {
		alpha float64
		m     int
		beta  float64
		want  int
	}{
		{0.001, 10000, 0.05, 15}, // Poisson(10) passes 15 with 0.0487
		{0.001, 500, 0.05, 2},    // Poisson(0.5) passes 2 with 0.0144, 1 with 0.0902
		{1e-6, 500, 0.05, 0},
	} {
		if got := WrongAtMost(c.alpha, c.m, c.beta); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	if got := WrongAtMost(0.001, 1e9, 0.05); got < 1001500 || got > 1001800 { // 1e6 + 1.645·1e3
		t.Errorf("a billion images: %d", got)
	}
	panics(t, "no images", func() { WrongAtMost(0.1, 0, 0.1) })
	panics(t, "beta", func() { WrongAtMost(0.1, 1, 0) })
	panics(t, "no images", func() { SimultaneousAlpha(0.1, 0) })
	for alpha, want := range map[float64]int{0.001: 10, 0.05: 5, 0.4: 2, 0.6: 1} {
		got, bound := LeastDraws(alpha), ClopperPearson{}
		if got != want || bound.Lower(Bernoulli(got, got), alpha) <= 0.5 ||
			got > 1 && bound.Lower(Bernoulli(got-1, got-1), alpha) > 0.5 {
			t.Errorf("at α = %g %d draws certify, want %d", alpha, got, want)
		}
	}
	panics(t, "alpha", func() { ExpectedWrong(1, 3) })
}

// Mono certifies test sets of m images. At α/m, one is wrong anywhere in at most α of the sets. At
// α each, the number of wrong ones has the stated mean and quantile.
func TestManyImages(t *testing.T) {
	const sets, m, n, alpha, beta = 3000, 20, 50, 0.05, 0.05
	r := rand.New(rand.NewPCG(101, 102))
	quantile, each := WrongAtMost(alpha, m, beta), SimultaneousAlpha(alpha, m)
	any, passed, total := 0, 0, 0
	// Lower bounds turn on the votes alone.
	var lower, strict [n + 1]float64
	for k := range lower {
		lower[k] = ClopperPearson{}.Lower(Bernoulli(k, n), alpha)
		strict[k] = ClopperPearson{}.Lower(Bernoulli(k, n), each)
	}
	for range sets {
		wrong, anywhere := 0, false
		for range m {
			p, k := 0.6+0.39*r.Float64(), 0
			for range n {
				k += b2i(r.Float64() < p)
			}
			wrong += b2i(lower[k] > p)
			anywhere = anywhere || strict[k] > p
		}
		any, passed, total = any+b2i(anywhere), passed+b2i(wrong > quantile), total+wrong
	}
	t.Logf("%d sets: a wrong one in %d at α/m; at α each %d wrong, more than %d in %d sets", sets,
		any, total, quantile, passed)
	if any > excess(sets, alpha) || passed > excess(sets, beta) || total > excess(sets*m, alpha) {
		t.Errorf("%d sets: a wrong one in %d at α/m; at α each %d wrong, more than %d in %d sets",
			sets, any, total, quantile, passed)
	}
	if e := ExpectedWrong(alpha, m); !near(e, 1, 1e-12) || each*m > alpha ||
		each*m < alpha*(1-1e-12) {
		t.Errorf("expected %g, level %g", e, each)
	}
}
