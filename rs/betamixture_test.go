package rs

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestGoldenBetaMixture(t *testing.T) {
	for _, row := range goldenTSV(t, "beta_mixture.tsv") {
		m := BetaMixture{A: row["a"], B: row["b"]}
		s, alpha := Bernoulli(int(row["k"]), int(row["n"])), row["alpha"]
		lower, upper := m.Lower(s, alpha), m.Upper(s, alpha)
		if !near(lower, row["lower"], 2e-11*row["lower"]) || lower > row["lower"] {
			t.Errorf("%v: lower = %.17g, want %.17g", row, lower, row["lower"])
		}
		if !near(upper, row["upper"], 2e-11*row["upper"]) || upper < row["upper"] {
			t.Errorf("%v: upper = %.17g, want %.17g", row, upper, row["upper"])
		}
	}
}

func TestGoldenBernoulliPaths(t *testing.T) {
	var cases []struct {
		P, Alpha   float64
		X          string
		At         []int
		KTLower    []float64 `json:"kt_mixture_lower"`
		KTUpper    []float64 `json:"kt_mixture_upper"`
		Wealth     []float64 `json:"kt_log_wealth_p0_0_6"`
		BetsLower  []float64 `json:"betting_seq_c05_running_lower"`
		BetsHigher []float64 `json:"betting_seq_c05_running_upper"`
	}
	goldenJSON(t, "bernoulli_paths.json", &cases)
	for _, c := range cases {
		if len(c.KTLower) != len(c.At) || len(c.Wealth) != len(c.At) ||
			len(c.BetsLower) != len(c.At) {
			t.Fatalf("columns of %d, %d, %d times, want %d", len(c.KTLower), len(c.Wealth),
				len(c.BetsLower), len(c.At))
		}
		for i, n := range c.At {
			x := make([]float64, n)
			wealth, k := 0.0, 0
			for j := range x { // the bettor, draw by draw
				q := (float64(k) + 0.5) / float64(j+1)
				if c.X[j] == '1' {
					x[j] = 1
					k++
					wealth += math.Log(q / 0.6)
				} else {
					wealth += math.Log((1 - q) / 0.4)
				}
			}
			s := Draws(x)
			for what, pair := range map[string][2]float64{
				"kt lower":   {BetaMixture{}.Lower(s, c.Alpha), c.KTLower[i]},
				"kt upper":   {BetaMixture{}.Upper(s, c.Alpha), c.KTUpper[i]},
				"wealth":     {BetaMixture{}.LogWealth(k, n, 0.6), c.Wealth[i]},
				"the bettor": {wealth, c.Wealth[i]},
				"bets lower": {Hedged{}.Lower(x, c.Alpha), c.BetsLower[i]},
				"bets upper": {Hedged{}.Upper(x, c.Alpha), c.BetsHigher[i]},
			} {
				if !near(pair[0], pair[1], 1e-9) {
					t.Errorf("p = %g, α = %g, n = %d: %s = %.15g, want %.15g", c.P, c.Alpha, n,
						what, pair[0], pair[1])
				}
			}
		}
	}
}

func TestGoldenCheckpoints(t *testing.T) {
	for _, row := range goldenTSV(t, "checkpoint_cp.tsv") {
		c := Checkpoints{First: int(row["n_min"]), Growth: row["beta"]}
		n, alpha := int(row["n_j"]), row["alpha"]
		sizes := c.Sizes(int(row["n_max"]))
		j := int(row["j"])
		if sizes[j] != n || !near(c.Level(j, alpha), row["alpha_j"], 1e-14*row["alpha_j"]) {
			t.Errorf("%v: %d draws at level %g", row, sizes[j], c.Level(j, alpha))
			continue
		}
		s := Bernoulli(int(row["k"]), n)
		if lower := c.Lower(s, alpha); !near(lower, row["lower"], 1e-12*row["lower"]) ||
			lower > row["lower"] {
			t.Errorf("%v: lower = %.17g", row, lower)
		}
		if upper := c.Upper(s, alpha); !near(upper, row["upper"], 1e-12*row["upper"]) ||
			upper < row["upper"] {
			t.Errorf("%v: upper = %.17g", row, upper)
		}
	}
	total := 0.0
	for j := range 100000 {
		total += Checkpoints{}.Level(j, 0.05)
	}
	if total > 0.05 || total < 0.0499 {
		t.Errorf("levels sum to %g", total)
	}
	panics(t, "101 draws", func() { Checkpoints{100, 1.1}.Lower(Bernoulli(1, 101), 0.1) })
	panics(t, "no growth", func() { Checkpoints{100, 1}.Sizes(1000) })
	panics(t, "no first", func() { Checkpoints{0, 2}.Sizes(1000) })
}

// TestAnytimeBoundsCover: over all times at once, each side of an anytime-valid bound errs at most
// α of the time. Clopper–Pearson, looked at as often, errs more often.
func TestAnytimeBoundsCover(t *testing.T) {
	const runs, n, alpha = 1000, 1000, 0.05
	schedule := Checkpoints{First: 20, Growth: 1.2}
	sizes := schedule.Sizes(n)
	for _, p := range []float64{0.5, 0.9, 0.02} {
		wrong := map[string]int{}
		for _, b := range []Bound{BetaMixture{}, BetaMixture{A: 2, B: 5}, schedule,
			ClopperPearson{}} {
			r := rand.New(rand.NewPCG(31, 32))
			below, above := 0, 0
			for range runs {
				k, last, under, over := 0, 0, false, false
				for _, at := range sizes {
					for ; last < at; last++ {
						k += b2i(r.Float64() < p)
					}
					s := Bernoulli(k, at)
					under = under || p < b.Lower(s, alpha)
					over = over || p > b.Upper(s, alpha)
				}
				below, above = below+b2i(under), above+b2i(over)
			}
			wrong[b.Name()] = max(below, above)
			if limit := excess(runs, alpha); max(below, above) > limit && b != (ClopperPearson{}) {
				t.Errorf("%+v, p = %g: wrong %d and %d times of %d, want at most %d", b, p, below,
					above, runs, limit)
			}
		}
		if wrong["clopper-pearson"] <= excess(runs, alpha) {
			t.Errorf("p = %g: Clopper–Pearson errs only %d times", p, wrong["clopper-pearson"])
		}
	}
}

func TestBetaMixtureLimits(t *testing.T) {
	// One outcome only: M = B(1, 1+n)/(1-p)^n for a uniform prior, in closed form.
	for _, n := range []int{1, 7, 1000, 1e9} {
		for _, alpha := range []float64{0.5, 0.001, 1e-15} {
			want := -math.Expm1(math.Log(alpha/float64(n+1)) / float64(n))
			if got := (BetaMixture{A: 1, B: 1}).Upper(Bernoulli(0, n), alpha); !near(got, want,
				1e-10*want) || got < want*(1-1e-15) {
				t.Errorf("0 of %d at %g: %.17g, want %.17g", n, alpha, got, want)
			}
		}
	}
	for _, n := range []int{10, 1000, 1e9} { // never tighter than Clopper–Pearson
		for _, k := range []int{0, 1, n / 3, n - 1, n} {
			s := Bernoulli(k, n)
			if a, b := (BetaMixture{}).Lower(s, 1e-15), (ClopperPearson{}).Lower(s, 1e-15); a > b ||
				k > 0 && a == 0 {
				t.Errorf("%d of %d: lower %g, Clopper–Pearson %g", k, n, a, b)
			}
			if a, b := (BetaMixture{}).Upper(s, 1e-15), (ClopperPearson{}).Upper(s, 1e-15); a < b {
				t.Errorf("%d of %d: upper %g, Clopper–Pearson %g", k, n, a, b)
			}
		}
	}
	// A draw more multiplies the wealth by what the bettor staked on it.
	for _, n := range []int{1, 50, 1e5, 1e9} {
		for _, k := range []int{0, n / 7, n} {
			p := (float64(k) + 5) / (float64(n) + 10)
			p += 2 * math.Sqrt(p*(1-p)/float64(n+10)) // near the root, as the bounds use it
			got := BetaMixture{}.LogWealth(k+1, n+1, p) - BetaMixture{}.LogWealth(k, n, p)
			want := math.Log((float64(k) + 0.5) / (float64(n) + 1) / p)
			if !near(got, want, mixtureSlack/10) {
				t.Errorf("wealth of %d of %d against %g: one draw adds %.15g, want %.15g", k, n, p,
					got, want)
			}
		}
	}
	if w := (BetaMixture{}).LogWealth(0, 0, 0.3); w != 0 {
		t.Errorf("wealth %g before the first draw", w)
	}
	panics(t, "a prior", func() { BetaMixture{A: 1}.Lower(Bernoulli(1, 2), 0.1) })
	panics(t, "wealth at 1", func() { BetaMixture{}.LogWealth(1, 2, 1) })
}
