package rs

import (
	"math"
	"math/big"
	"math/rand/v2"
	"sort"
	"testing"
)

// weightedTailBig is P(X > k) + weight P(X = k), term by term in 200 bits.
func weightedTailBig(k, n int, p, weight float64) float64 {
	at := func(x float64) *big.Float { return new(big.Float).SetPrec(200).SetFloat64(x) }
	mul := func(a, b *big.Float) *big.Float { return new(big.Float).SetPrec(200).Mul(a, b) }
	power := func(x *big.Float, k int) *big.Float {
		r := at(1)
		for ; k > 0; k >>= 1 {
			if k&1 == 1 {
				r = mul(r, x)
			}
			x = mul(x, x)
		}
		return r
	}
	q := new(big.Float).SetPrec(200).Sub(at(1), at(p))
	odds := new(big.Float).SetPrec(200).Quo(at(p), q)
	term := mul(new(big.Float).SetPrec(200).SetInt(new(big.Int).Binomial(int64(n), int64(k))),
		mul(power(at(p), k), power(q, n-k)))
	sum := mul(at(weight), term)
	for j := k; j < n; j++ {
		term = mul(term, odds)
		term = mul(term, at(float64(n-j)))
		term = new(big.Float).SetPrec(200).Quo(term, at(float64(j+1)))
		sum = new(big.Float).SetPrec(200).Add(sum, term)
	}
	f, _ := sum.Float64()
	return f
}

// In big floats: at the lower bound the tail is at most α, and just above the bound it isn't.
func TestRandomizedSolvesItsEquation(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	for range 150 {
		n := 1 + r.IntN(700)
		k, v, alpha := r.IntN(n+1), r.Float64(), math.Exp(-12*r.Float64())
		if r.IntN(4) == 0 {
			k = min(n, max(0, []int{0, 1, n - 1, n}[r.IntN(4)]))
		}
		b := Randomized{V: v}
		lower, upper := b.Lower(Bernoulli(k, n), alpha), b.Upper(Bernoulli(n-k, n), alpha)
		if k < n || 1-v > alpha {
			at, above := weightedTailBig(k, n, lower, 1-v),
				weightedTailBig(k, n, min(1-1e-16, lower*(1+1e-10)), 1-v)
			if lower > 0 && at > alpha*(1+1e-15) || above < alpha && lower < 1-1e-9 {
				t.Errorf("%d of %d, V = %g, α = %g: tail %.17g at %g, and %.17g above", k, n, v,
					alpha, at, lower, above)
			}
		}
		if !near(1-upper, lower, 1e-15) || upper < 1-lower {
			t.Errorf("%d of %d: upper of the rest %g, lower %g", k, n, upper, lower)
		}
		classic, next := ClopperPearson{}.Lower(Bernoulli(k, n), alpha), 1.0
		if k < n {
			next = ClopperPearson{}.Lower(Bernoulli(k+1, n), alpha)
		}
		if lower < classic*(1-1e-11) || lower > next {
			t.Errorf("%d of %d, V = %g: %g outside Clopper–Pearson's [%g, %g]", k, n, v, lower,
				classic, next)
		}
		if plain := (Randomized{}).Lower(Bernoulli(k, n), alpha); !near(plain, classic,
			1e-11*classic) {
			t.Errorf("%d of %d at V = 0: %g, Clopper–Pearson %g", k, n, plain, classic)
		}
	}
	panics(t, "V = 1", func() { Randomized{V: 1}.Lower(Bernoulli(1, 2), 0.1) })
	panics(t, "V < 0", func() { Randomized{V: -0.1}.Lower(Bernoulli(1, 2), 0.1) })
	panics(t, "V NaN", func() { Randomized{V: math.NaN()}.Upper(Bernoulli(1, 2), 0.1) })
	panics(t, "alpha", func() { Randomized{}.Lower(Bernoulli(1, 2), 1) })
}

// Each side errs with probability α exactly, where Clopper–Pearson errs less often. The probability
// is summed over all k and a grid of V.
func TestRandomizedIsExact(t *testing.T) {
	const n, grid = 40, 4000
	for _, alpha := range []float64{0.001, 0.05} {
		for _, p := range []float64{0.1, 0.5, 0.8, 0.84, 0.999} {
			exact := p <= math.Pow(alpha, 1.0/n) && 1-p <= math.Pow(alpha, 1.0/n)
			below, above := 0.0, 0.0
			for k := 0; k <= n; k++ {
				log, _ := math.Lgamma(float64(n + 1))
				a, _ := math.Lgamma(float64(k + 1))
				b, _ := math.Lgamma(float64(n - k + 1))
				mass := math.Exp(log - a - b + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
				if mass < 1e-12 {
					continue
				}
				s := Bernoulli(k, n)
				share := func(errs func(Randomized) bool) float64 {
					at := func(i int) bool { return errs(Randomized{V: (float64(i) + 0.5) / grid}) }
					if 0 < k && k < n { // bounds tighten with V
						return mass * float64(grid-sort.Search(grid, at)) / grid
					}
					sum := 0
					for i := range grid {
						sum += b2i(at(i))
					}
					return mass * float64(sum) / grid
				}
				below += share(func(r Randomized) bool { return p < r.Lower(s, alpha) })
				above += share(func(r Randomized) bool { return p > r.Upper(s, alpha) })
			}
			slack := 1.0 / grid
			if below > alpha+slack || above > alpha+slack ||
				exact && (below < alpha-slack || above < alpha-slack) {
				t.Errorf("p = %g: wrong below %g, above %g, want %g", p, below, above, alpha)
			}
		}
	}
}

func TestUniform(t *testing.T) {
	const m = 20000
	sum, squares, lag := 0.0, 0.0, 0.0
	last := 0.5
	for i := range m {
		v := Uniform(7, i)
		if !(0 <= v && v < 1) || v != Uniform(7, i) || v == Uniform(8, i) || v == Uniform(7, i+1) {
			t.Fatalf("index %d: %g", i, v)
		}
		sum, squares, lag, last = sum+v, squares+v*v, lag+(v-0.5)*(last-0.5), v
	}
	if !near(sum/m, 0.5, 0.01) || !near(squares/m, 1.0/3, 0.01) || !near(lag/m, 0, 0.003) {
		t.Errorf("mean %g, mean square %g, lag %g", sum/m, squares/m, lag/m)
	}
}

func TestRandomizedCovers(t *testing.T) {
	const runs, alpha = 4000, 0.05
	for _, p := range [][]float64{{0.6, 0.4}, {0.9, 0.1}, {0.4, 0.3, 0.3},
		{0.25, 0.25, 0.25, 0.25}} {
		wrong := coverage(t, func(index int) Method {
			return TwoBound{Bound: OfExample(Randomized{}, 3, index)}
		}, trials{p, 80, runs}, alpha)
		if wrong > excess(runs, alpha) {
			t.Errorf("%v: wrong %d times of %d", p, wrong, runs)
		}
	}
}

// always is one method for every example.
func always(m Method) func(int) Method { return func(int) Method { return m } }

// trials are seeded runs of 10 selection draws and n estimation draws from p.
type trials struct {
	p       []float64
	n, runs int
}

// coverage counts the certificates above the true radius.
func coverage(t *testing.T, of func(index int) Method, s trials, alpha float64) (wrong int) {
	t.Helper()
	r := rand.New(rand.NewPCG(51, 52))
	for i := range s.runs {
		e := &Evidence{Index: i, Sigma: 1, Selection: multinomial(r, 10, s.p),
			Estimation: multinomial(r, s.n, s.p)}
		e.Class = e.Selection.Top()
		rival := 0.0
		for c, x := range s.p {
			if c != e.Class {
				rival = max(rival, x)
			}
		}
		c := certify(t, of(i), e, alpha)
		wrong += b2i(c.Class != Abstain && c.Radius > CohenRadius2(1, s.p[e.Class], rival)+1e-12)
	}
	return wrong
}
