package rs

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Test values of the confseq library, in the oracle's digits: testdata/README.md.
func TestGoldenBetaBinomial(t *testing.T) {
	text, err := os.ReadFile("testdata/confseq_published.tsv")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
	for _, row := range rows {
		cells := strings.Split(row, "\t")
		want, err := strconv.ParseFloat(cells[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		arg := map[string]float64{}
		for pair := range strings.FieldsSeq(cells[1]) {
			name, value, _ := strings.Cut(pair, "=")
			if arg[name], err = strconv.ParseFloat(value, 64); err != nil {
				t.Fatal(err)
			}
		}
		m := BetaBinomialMixture{G: arg["g"], H: arg["h"], V: arg["v_opt"], Alpha: arg["alpha_opt"],
			OneSided: strings.HasSuffix(cells[0], "one_sided")}
		b := BetaBinomialSequence{T: arg["t_opt"], Alpha: arg["alpha_opt"]}
		var got float64
		switch kind, _, _ := strings.Cut(cells[0], "_sided"); kind {
		case "log_mixture_one", "log_mixture_two":
			got = m.Log(arg["s"], arg["v"])
		case "bound_one", "bound_two":
			got = m.Bound(arg["v"], arg["alpha"])
		case "bernoulli_ci_lower":
			got = b.Lower(Bernoulli(int(arg["k"]), int(arg["n"])), arg["alpha"])
			if got > want {
				t.Errorf("%s: lower = %.17g", row, got)
			}
		case "bernoulli_ci_upper":
			got = b.Upper(Bernoulli(int(arg["k"]), int(arg["n"])), arg["alpha"])
			if got < want {
				t.Errorf("%s: upper = %.17g", row, got)
			}
		default:
			t.Errorf("row %s", row)
		}
		// The published search for a lower bound of 0 ends at 1e-30.
		if !near(got, want, 2e-11*math.Abs(want)+1e-29) {
			t.Errorf("%s: %.17g", row, got)
		}
	}
	if len(rows) != 21 {
		t.Errorf("%d rows", len(rows))
	}
}

// mixtureBig is M(p) by its product, in 300 bits.
func mixtureBig(c float64, k, n int, p float64) *big.Float {
	number := func(x float64) *big.Float { return new(big.Float).SetPrec(300).SetFloat64(x) }
	q := number(1)
	q.Sub(q, number(p))
	m := number(1)
	factor := func(i int, of *big.Float) *big.Float { // c + i/of
		x := number(float64(i))
		return x.Add(x.Quo(x, of), number(c))
	}
	for i := range k {
		m.Mul(m, factor(i, number(p)))
	}
	for i := range n - k {
		m.Mul(m, factor(i, q))
	}
	for i := range n {
		m.Quo(m, factor(i, number(1)))
	}
	return m
}

// TestBetaBinomialSolvesItsEquation: in big floats, M is at least 1/α at each bound, and less just
// within it. The general mixture agrees with the product.
func TestBetaBinomialSolvesItsEquation(t *testing.T) {
	r := rand.New(rand.NewPCG(101, 102))
	for range 300 {
		n := 1 + int(math.Exp(7*r.Float64()))
		k, alpha := r.IntN(n+1), math.Exp(-0.1-34*r.Float64()*r.Float64())
		b := BetaBinomialSequence{T: math.Exp(12 * r.Float64()),
			Alpha: math.Exp(-0.1 - 10*r.Float64())}
		c, s := b.concentration(), Bernoulli(k, n)
		lower, upper := b.Lower(s, alpha), b.Upper(s, alpha)
		least := new(big.Float).Quo(big.NewFloat(1), big.NewFloat(alpha))
		check := func(p, end, mean float64) {
			if p == end {
				return
			}
			within := p + (mean-p)*1e-6
			if m := mixtureBig(c, k, n, p); m.Cmp(least) < 0 {
				t.Errorf("%+v, %d of %d, α = %g: M(%.17g) = %g, less than 1/α", b, k, n,
					alpha, p, m)
			}
			if m := mixtureBig(c, k, n, within); m.Cmp(least) > 0 {
				t.Errorf("%+v, %d of %d, α = %g: M(%g) = %g within the bound %g", b, k, n, alpha,
					within, m, p)
			}
		}
		mean := float64(k) / float64(n)
		check(lower, 0, mean)
		check(upper, 1, mean)
		p := 0.001 + 0.998*r.Float64()
		general := BetaBinomialMixture{G: p, H: 1 - p, V: p * (1 - p) * b.T, Alpha: b.Alpha}
		v := float64(n) * p * (1 - p)
		sum := min(max(float64(k)-float64(n)*p, -v/(1-p)), v/p)
		if got, want := general.Log(sum, v), logMixture(c, k, n, p); !near(got, want,
			1e-9*(1+c+float64(n))) {
			t.Errorf("%+v, %d of %d at %g: the general mixture %.15g, by deviances %.15g", b, k, n,
				p, got, want)
		}
	}
}

// Over all times at once each side errs at most α of the time, and both together do.
func TestBetaBinomialCovers(t *testing.T) {
	const runs, n, alpha = 2000, 600, 0.05
	for _, p := range []float64{0.5, 0.9, 0.02} {
		for _, b := range []BetaBinomialSequence{{}, {T: 50, Alpha: 0.05}, {T: 1}} {
			// The bounds at every n and k are asked for once.
			known := map[[2]int][2]float64{}
			r := rand.New(rand.NewPCG(103, 104))
			wrong := 0
			for range runs {
				k, errs := 0, false
				for at := 1; at <= n && !errs; at++ {
					k += b2i(r.Float64() < p)
					if at%7 != 0 && at > 50 {
						continue
					}
					pair, ok := known[[2]int{k, at}]
					if !ok {
						s := Bernoulli(k, at)
						pair = [2]float64{b.Lower(s, alpha), b.Upper(s, alpha)}
						known[[2]int{k, at}] = pair
					}
					errs = p < pair[0] || p > pair[1]
				}
				wrong += b2i(errs)
			}
			if wrong > excess(runs, alpha) || b.T == 50 && wrong == 0 {
				t.Errorf("%+v, p = %g: wrong %d times of %d", b, p, wrong, runs)
			}
		}
	}
}

func TestBetaBinomialSettings(t *testing.T) {
	s := Bernoulli(900, 1000)
	if a, b := (BetaBinomialSequence{}).Lower(s, 0.01),
		(BetaBinomialSequence{T: 1000, Alpha: 0.001}).Lower(s, 0.01); a != b {
		t.Errorf("the zero value gives %g, its meaning %g", a, b)
	}
	// tuned to n it is the tightest at n, but for what the tuning rounds
	for _, n := range []int{100, 1000, 100000} {
		at := func(draws float64) float64 {
			return BetaBinomialSequence{T: draws, Alpha: 0.01}.Lower(Bernoulli(n*9/10, n), 0.01)
		}
		if best := at(float64(n)); best <= at(float64(10*n)) || best <= at(float64(n)/10) {
			t.Errorf("n = %d: tuned %g, to 10n %g, to n/10 %g", n, best, at(float64(10*n)),
				at(float64(n)/10))
		}
	}
	for _, m := range []BetaBinomialMixture{{}, {G: 1, H: 1, V: 1, Alpha: 1},
		{G: 1, H: -1, V: 1, Alpha: 0.1}, {G: 1, H: 1, V: 1, Alpha: 0.5, OneSided: true}} {
		panics(t, fmt.Sprintf("%+v", m), func() { m.Log(0, 1) })
	}
	panics(t, "T < 0", func() { BetaBinomialSequence{T: -1}.Lower(s, 0.1) })
	panics(t, "Alpha = 1", func() { BetaBinomialSequence{Alpha: 1}.Lower(s, 0.1) })
	panics(t, "alpha = 1", func() { BetaBinomialSequence{}.Lower(s, 1) })
}
