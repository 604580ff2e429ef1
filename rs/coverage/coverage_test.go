package coverage

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Counts of draws against the binomial probabilities, by the χ² statistic.
func TestBinomial(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		n int
		p float64
	}{{1, 0.3}, {10, 0.9}, {100, 0.02}, {100, 0.119}, {100, 0.121}, {100, 0.5}, {1000, 0.4},
		{100000, 1e-4}, {100000, 0.7}, {1000000, 0.99999}} {
		const draws = 200000
		counts := map[int]int{}
		for range draws {
			counts[binomial(c.n, c.p, r)]++
		}
		law := distuv.Binomial{N: float64(c.n), P: c.p}
		square, cells, seen, want := 0.0, 0.0, 0, 0.0
		for k := range c.n + 1 { // cells of 10 draws or more
			seen, want = seen+counts[k], want+draws*law.Prob(float64(k))
			if want >= 10 {
				square, cells, seen, want = square+(float64(seen)-want)*(float64(seen)-want)/want,
					cells+1, 0, 0
			}
		}
		if p := 1 - (distuv.ChiSquared{K: max(1, cells-1)}).CDF(square); p < 1e-4 {
			t.Errorf("Bin(%d, %g): χ² = %.1f of %g cells, P = %.2g", c.n, c.p, square, cells, p)
		}
	}
	if k := binomial(7, 0, r); k != 0 {
		t.Error(k)
	}
	if k := binomial(7, 1, r); k != 7 {
		t.Error(k)
	}
}

// TestMultinomial: the means and covariances of the votes are those of the multinomial. Conditional
// binomials must get the covariances from each other.
func TestMultinomial(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	p := []float64{0.3, 0, 0.25, 0.25, 0.15, 0.05}
	m, votes := newMultinomial(p), make(rs.Votes, len(p))
	const n, draws = 200, 50000
	var sum [6]float64
	var cross [6][6]float64
	for range draws {
		m.draw(n, votes, r)
		if votes.Total() != n {
			t.Fatal(votes)
		}
		for i, a := range votes {
			sum[i] += float64(a)
			for j, b := range votes {
				cross[i][j] += (float64(a) - n*p[i]) * (float64(b) - n*p[j])
			}
		}
	}
	for i := range p {
		if d := math.Abs(sum[i]/draws - n*p[i]); d > 5*math.Sqrt(n*p[i]*(1-p[i])/draws) {
			t.Errorf("mean of class %d is off by %g", i, d)
		}
		for j := range p {
			want := -n * p[i] * p[j]
			if i == j {
				want = n * p[i] * (1 - p[i])
			}
			if got := cross[i][j] / draws; math.Abs(got-want) > 0.03*n*math.Sqrt(p[i]*p[j]) {
				t.Errorf("covariance of classes %d and %d is %g, want %g", i, j, got, want)
			}
		}
	}
}

func simulate(t *testing.T, c Case, o Options) map[string]Outcome {
	t.Helper()
	outcomes, err := Simulate(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]Outcome{}
	for _, o := range outcomes {
		by[o.Method] = o
	}
	return by
}

// draws are the numbers of selection and of estimation draws.
type draws struct{ n0, n int }

func shaped(t *testing.T, name string, classes int, top float64, d draws) Case {
	t.Helper()
	s, err := ShapeByName(name)
	if err != nil {
		t.Fatal(err)
	}
	c := Case{Shape: name, P: s.P(classes, top, 1), Sigma: 1, N0: d.n0, N: d.n}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	return c
}

// The mean radii that MATH.md section 2 gives, to the last digit it has.
func TestMeanRadius(t *testing.T) {
	for classes, want := range map[int]map[string]float64{
		10:   {"mono": 1.229, "bonferroni": 1.469, "cpm": 1.396, "twobound": 1.478},
		1000: {"mono": 1.229, "bonferroni": 1.631, "cpm": 1.277, "twobound": 1.667},
	} {
		got := simulate(t, shaped(t, "zipf", classes, 0.9, draws{100, 10000}),
			Options{Alpha: 0.001, Trials: 2000, Seed: 1})
		for method, mean := range want {
			if o := got[method]; math.Abs(o.Mean-mean) > 0.0005+4*o.Error {
				t.Errorf("K = %d, %s: mean radius %.4f ± %.4f, want %g", classes, method, o.Mean,
					o.Error, mean)
			}
		}
	}
}

// No sound method is wrong more often than α allows.
func TestSound(t *testing.T) {
	trials := 20000
	if testing.Short() {
		trials = 4000
	}
	for _, s := range Shapes {
		for _, size := range [][3]int{{2, 10, 100}, {10, 100, 1000}, {100, 20, 1000}} {
			c := shaped(t, s.Name, size[0], 0.7, draws{size[1], size[2]})
			got := simulate(t, c, Options{Alpha: 0.05, Trials: trials, Seed: 7})
			for _, method := range []string{"mono", "bonferroni", "cpm", "twobound"} {
				o := got[method]
				if lo, _ := o.Interval(1 - 1e-6); lo > 0.05 {
					t.Errorf("%v: %s is wrong in %d of %d", c, method, o.Wrong, o.Trials)
				}
			}
			if got["twobound"].Mean < got["cpm"].Mean ||
				got["twobound"].Mean < got["bonferroni"].Mean {
				t.Errorf("%v: two bounds certify less than another", c)
			}
		}
	}
	// The bound on the class alone is nearly tight, so the simulation can tell.
	o := simulate(t, shaped(t, "zipf", 10, 0.7, draws{100, 1000}),
		Options{Alpha: 0.05, Trials: trials, Seed: 7})["mono"]
	if lo, hi := o.Interval(0.9999); hi < 0.03 || lo > 0.05 {
		t.Errorf("mono is wrong in %d of %d", o.Wrong, o.Trials)
	}
}

// TestMiscoverage compares the miscoverage of the bound on the class alone with its closed form:
// the binomial probability of the counts whose lower bound exceeds p.
func TestMiscoverage(t *testing.T) {
	for _, c := range []Case{shaped(t, "zipf", 2, 0.9, draws{100, 100}),
		shaped(t, "zipf", 30, 0.9, draws{100, 1000}),
		shaped(t, "rivals", 5, 0.6, draws{1000, 50})} {
		const alpha, trials = 0.05, 40000
		want, law := 0.0, distuv.Binomial{N: float64(c.N), P: c.P[0]}
		for k := range c.N + 1 {
			if (rs.ClopperPearson{}).Lower(rs.Bernoulli(k, c.N), alpha) > c.P[0] {
				want += law.Prob(float64(k))
			}
		}
		got := simulate(t, c, Options{Alpha: alpha, Trials: trials, Seed: 5})["mono"].Miscoverage()
		if math.Abs(got-want) > 4*math.Sqrt(want/trials) || want < 0.01 {
			t.Errorf("%v: wrong in %g, want %g", c, got, want)
		}
	}
}

// bold certifies the class that came first in the estimation draw with a radius of 1/2.
type bold struct{}

func (bold) Certify(e *rs.Evidence, _ float64) (rs.Certificate, error) {
	return rs.Certificate{Class: e.Estimation.Top(), Radius: 0.5}, nil
}

var boldEntry = []rs.Entry{{Name: "bold", New: func(rs.Setting) (rs.Method, error) {
	return bold{}, nil
}}}

// A certificate is wrong where its radius passes the true one, by the closed form at one draw.
func TestWrong(t *testing.T) {
	for _, c := range []struct {
		p    []float64
		want float64
	}{
		{[]float64{0.8, 0.2}, 0.2},       // σΦ⁻¹(0.8) = 0.84: wrong where the class is
		{[]float64{0.6, 0.4}, 1},         // σΦ⁻¹(0.6) = 0.25
		{[]float64{0.5, 0.5}, 1},         // no class is the top one
		{[]float64{0.1, 0.7, 0.2}, 0.3},  // the order of classes plays no part; alone: 0.52
		{[]float64{0.45, 0.05, 0.5}, 1},  // σΦ⁻¹(0.5) = 0
		{[]float64{0, 1}, 0},             // certain
		{[]float64{0.31, 0.69, 0}, 1},    // σΦ⁻¹(0.69) = 0.4959
		{[]float64{0.308, 0.692}, 0.308}, // σΦ⁻¹(0.692) = 0.5015
	} {
		got := simulate(t, Case{Shape: "test", P: c.p, Sigma: 1, N0: 1, N: 1},
			Options{Alpha: 0.1, Trials: 10000, Seed: 3, Methods: boldEntry})["bold"]
		if d := math.Abs(got.Miscoverage() - c.want); d > 4*math.Sqrt(c.want*(1-c.want)/10000) {
			t.Errorf("%v: wrong in %g, want %g", c.p, got.Miscoverage(), c.want)
		}
		if got.Mean != 0.5 || got.Error != 0 || got.Abstain != 0 {
			t.Errorf("%+v", got)
		}
	}
	// A bound on rivals as well is compared with the two-class radius: σ/2 (Φ⁻¹(0.45) - Φ⁻¹(0.05))
	// = 0.7596.
	c := Case{P: append([]float64{0.45}, slices.Repeat([]float64{0.05}, 11)...), Sigma: 1,
		N0: 1, N: 1}
	if r := c.TrueRadius(0, false); math.Abs(r-0.759596) > 1e-5 {
		t.Error(r)
	}
	if r := c.TrueRadius(0, true); r != 0 {
		t.Error(r)
	}
}

// Equal seeds give equal outcomes whatever the number of workers; other seeds and cases others.
func TestSeed(t *testing.T) {
	c := shaped(t, "zipf", 10, 0.6, draws{100, 1000})
	run := func(c Case, seed uint64, workers int) string {
		return fmt.Sprint(simulate(t, c, Options{Alpha: 0.01, Trials: 500, Seed: seed,
			Workers: workers})["twobound"].Mean)
	}
	want := run(c, 1, 1)
	for _, workers := range []int{0, 2, 7} {
		if got := run(c, 1, workers); got != want {
			t.Errorf("%d workers: %s, one: %s", workers, got, want)
		}
	}
	if run(c, 2, 1) == want {
		t.Error("the seed doesn't act")
	}
	if c.N0++; run(c, 1, 1) == want {
		t.Error("two cases with the same draws")
	}
}

func TestMethods(t *testing.T) {
	var names []string
	for _, e := range Methods() {
		names = append(names, e.Name)
	}
	for _, name := range []string{"mono", "bonferroni", "cpm", "twobound"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is left out", name)
		}
	}
	for _, name := range []string{"lipschitz", "margin"} {
		if slices.Contains(names, name) {
			t.Errorf("%s can't certify votes alone", name)
		}
	}
}

func TestMistakes(t *testing.T) {
	good, o := shaped(t, "tie", 2, 0, draws{10, 10}), Options{Alpha: 0.1, Trials: 10}
	for want, change := range map[string]func(*Case, *Options){
		"alpha = 0":                func(_ *Case, o *Options) { o.Alpha = 0 },
		"alpha = NaN":              func(_ *Case, o *Options) { o.Alpha = math.NaN() },
		"0 trials":                 func(_ *Case, o *Options) { o.Trials = 0 },
		"-1 workers":               func(_ *Case, o *Options) { o.Workers = -1 },
		"no method":                func(_ *Case, o *Options) { o.Methods = []rs.Entry{} },
		"sum to 0.8":               func(c *Case, _ *Options) { c.P = []float64{0.3, 0.5} },
		"class 0 has probability":  func(c *Case, _ *Options) { c.P = []float64{1.5, -0.5} },
		"want two classes or more": func(c *Case, _ *Options) { c.P = []float64{1} },
		"at least one draw":        func(c *Case, _ *Options) { c.N = 0 },
		"sigma = 0":                func(c *Case, _ *Options) { c.Sigma = 0 },
		"margin: no bound on": func(_ *Case, o *Options) {
			m, _ := rs.MethodByName("margin")
			o.Methods = []rs.Entry{m}
		},
	} {
		c, o := good, o
		change(&c, &o)
		if _, err := Simulate(t.Context(), c, o); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := ShapeByName("zip"); err == nil ||
		!strings.Contains(err.Error(), "known: zipf, rivals, close, tie") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.Trials = 1000000
	o.Progress = func(int) { cancel() }
	if _, err := Simulate(ctx, good, o); err != context.Canceled {
		t.Error(err)
	}
}

func BenchmarkTrial(b *testing.B) {
	for _, classes := range []int{10, 1000} {
		b.Run(fmt.Sprint("K=", classes), func(b *testing.B) {
			c := Case{Shape: "zipf", P: zipf(classes, 0.9, 1), Sigma: 1, N0: 100, N: 10000}
			w, err := newWorker(c, Options{Alpha: 0.001, Seed: 1})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := w.trials(0, 2000); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := w.trials(i, i+1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
