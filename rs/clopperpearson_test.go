package rs

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

const bigPrecision = 300

func bigNumber(x float64) *big.Float { return new(big.Float).SetPrec(bigPrecision).SetFloat64(x) }

func bigPower(x *big.Float, m int) *big.Float {
	y, x := bigNumber(1), new(big.Float).Set(x)
	for ; m > 0; m >>= 1 {
		if m&1 == 1 {
			y.Mul(y, x)
		}
		x.Mul(x, x)
	}
	return y
}

func bigConstant(digits string) *big.Float {
	c, _ := bigNumber(0).SetString(digits)
	return c
}

var (
	bigE = bigConstant(
		"2.71828182845904523536028747135266249775724709369995957496696762772407663035354759")
	bigPi = bigConstant(
		"3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
)

// bigStirling is n! / (√(2πn) (n/e)^n) to about 1e-35: by Stirling's series from 200 on.
func bigStirling(n int) *big.Float {
	x := bigNumber(float64(n))
	if n < 200 {
		y := bigNumber(1)
		for i := 2; i <= n; i++ {
			y.Mul(y, bigNumber(float64(i)))
		}
		root := bigNumber(0).Mul(bigPi, bigNumber(float64(2*n)))
		y.Quo(y, root.Sqrt(root))
		return y.Quo(y, bigPower(x.Quo(x, bigE), n))
	}
	log, power := bigNumber(0), bigNumber(0).Set(x) // Σ B_2i/(2i(2i-1) n^(2i-1))
	for _, c := range [][2]float64{{1, 12}, {-1, 360}, {1, 1260}, {-1, 1680}, {1, 1188},
		{-691, 360360}, {1, 156}, {-3617, 122400}} {
		log.Add(log, bigNumber(0).Quo(bigNumber(c[0]), bigNumber(0).Mul(power, bigNumber(c[1]))))
		power.Mul(power, x)
		power.Mul(power, x)
	}
	term, sum := bigNumber(1), bigNumber(1)
	for i := 1; i < 20; i++ {
		term.Mul(term, log)
		term.Quo(term, bigNumber(float64(i)))
		sum.Add(sum, term)
	}
	return sum
}

// binomialTermBig is P(Bin(n, p) = k), p+q = 1.
func binomialTermBig(k, n int, p, q *big.Float) *big.Float {
	if k == n {
		return bigPower(p, n)
	}
	x, y := bigNumber(float64(k)), bigNumber(float64(n-k))
	scale := func(p, x *big.Float) *big.Float { // np/x
		m := bigNumber(0).Mul(p, bigNumber(float64(n)))
		return m.Quo(m, x)
	}
	term := bigPower(scale(p, x), k)
	term.Mul(term, bigPower(scale(q, y), n-k))
	term.Mul(term, bigStirling(n))
	term.Quo(term, bigNumber(0).Mul(bigStirling(k), bigStirling(n-k)))
	root := bigNumber(0).Mul(bigPi, bigNumber(0).Mul(x, y))
	root.Quo(root, bigNumber(float64(n)/2))
	return term.Quo(term, root.Sqrt(root))
}

// binomialBig returns P(Bin(n, p) >= k) to about 1e-30. It takes the first term and the ratios of
// the next ones, upwards, where the terms fall.
func binomialBig(k, n int, p *big.Float) *big.Float {
	q := bigNumber(0).Sub(bigNumber(1), p)
	if mean, _ := p.Float64(); k > 0 && float64(k) < mean*float64(n) { // 1 - P(Bin(n, q) >= n-k+1)
		return q.Sub(bigNumber(1), binomialBig(n-k+1, n, q))
	}
	term := binomialTermBig(k, n, p, q)
	sum, small := bigNumber(0), bigNumber(0)
	odds := bigNumber(0).Quo(p, q)
	for j := k; ; j++ {
		sum.Add(sum, term)
		if j == n || term.Cmp(small.Mul(sum, bigNumber(1e-35))) < 0 {
			return sum
		}
		term.Mul(term, odds)
		term.Mul(term, bigNumber(float64(n-j)))
		term.Quo(term, bigNumber(float64(j+1)))
	}
}

// TestClopperPearsonRoots: the error of the root before outward rounding, by the tail in big floats
// over its slope. The error is at most a quarter of binomialError, in p and in 1-p, beside a unit
// in the last place.
func TestClopperPearsonRoots(t *testing.T) {
	type row struct {
		k, n  int
		alpha float64
	}
	rows := []row{{5e8, 1e9, 0.001}, {1e9 - 1e4, 1e9, 1e-15}, {1e8, 1e9, 0.1}}
	r := rand.New(rand.NewPCG(43, 44))
	for _, n := range []int{5, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9} {
		alpha := func() float64 { return math.Pow(10, -0.31-15*r.Float64()) }
		for _, k := range []int{1, 2, 3, n / 2, n - 2, n - 1} {
			if n < 1e6 || k != n/2 {
				rows = append(rows, row{k, n, alpha()})
			}
		}
		for range 20000 / (400 + int(math.Sqrt(float64(n)))) {
			u := r.Float64()
			rows = append(rows, row{1 + r.IntN(n-1), n, alpha()},
				row{1 + int(math.Pow(float64(n-2), u)), n, alpha()},
				row{n - int(math.Pow(float64(n-2), u)), n, alpha()})
		}
	}
	worst := 0.0
	for _, c := range rows {
		for _, atLeast := range []bool{true, false} {
			if atLeast && c.k == 1 || !atLeast && c.k == c.n-1 {
				continue // closed forms
			}
			p := binomialRoot(c.k, c.n, c.alpha, atLeast)
			a, x, at := c.k, p, bigNumber(p)
			if !atLeast {
				a, x, at = c.n-c.k, 1-p, at.Sub(bigNumber(1), at)
			}
			excess := binomialBig(a, c.n, at)
			excess.Sub(excess.Quo(excess, bigNumber(c.alpha)), bigNumber(1))
			g, _ := excess.Float64()
			_, slope := binomialTail(a, c.n, x, 1-x, -math.FMA(float64(c.n), x, -float64(a)))
			e := math.Log1p(g) / slope
			e = max(0, math.Abs(e)-0x1p-53*p) / min(p, 1-p)
			if worst = max(worst, e); !(e <= binomialError/4) {
				t.Errorf("%+v, at least %v: %.17g errs by %.2g of it", c, atLeast, p, e)
			}
		}
	}
	t.Logf("largest error of %d roots: %.2g", len(rows), worst)
}

func TestClopperPearsonTails(t *testing.T) {
	cases := []struct {
		k, n  int
		alpha float64
	}{
		{1, 1, 0.001}, {1, 10, 0.05}, {9, 10, 0.9}, {5, 10, 0.7}, {50, 100, 1e-9},
		{99, 100, 0.0005}, {2, 3, 0.5},
		{990, 1000, 0.001}, {3, 100000, 0.001}, {99990, 100000, 0.0005}, {1, 100000000, 0.001},
		{2, 100000000, 1e-12},
		{99999998, 100000000, 1e-6}, {9000, 10000, 0.001}, {7000, 10000, 0.001},
		{3000, 10000, 0.001}, {10000, 10000, 0.001},
		{99000, 100000, 0.0005}, {20, 1000, 1e-100},
	}
	for _, c := range cases {
		alpha := new(big.Float).SetFloat64(c.alpha)
		// The bound is lowered by up to 6e-16 near 1, where doubles are that far apart.
		check := func(what string, tail *big.Float, p float64) {
			t.Helper()
			loss := 1e-10 + 6e-16/(1-p)*float64(c.n-c.k+1) + 1e-13*float64(c.k)
			less := new(big.Float).SetFloat64(c.alpha * (1 - loss))
			if tail.Cmp(alpha) > 0 || tail.Cmp(less) < 0 {
				t.Errorf("k = %d of %d, %s: the tail is %.15g, want at most %g", c.k, c.n, what,
					tail, c.alpha)
			}
		}
		s := Bernoulli(c.k, c.n)
		lower := ClopperPearson{}.Lower(s, c.alpha)
		check("lower", binomialBig(c.k, c.n, bigNumber(lower)), lower)
		if c.k < c.n { // P(X <= k) = P(n-X >= n-k)
			upper := ClopperPearson{}.Upper(s, c.alpha)
			rest := bigNumber(1)
			check("upper", binomialBig(c.n-c.k, c.n, rest.Sub(rest, bigNumber(upper))), upper)
		}
	}
}

func TestClopperPearsonClosedForms(t *testing.T) {
	for _, n := range []int{1, 2, 7, 100, 12345, 1e6} {
		for _, alpha := range []float64{1e-9, 0.001, 0.05, 0.3, 0.8} {
			lower, want := ClopperPearson{}.Lower(Bernoulli(n, n), alpha),
				math.Pow(alpha, 1/float64(n))
			if !near(lower, want, 1e-13*want+3e-16) {
				t.Errorf("all of %d: %.17g, want α^(1/n) = %.17g", n, lower, want)
			}
			if upper := (ClopperPearson{}).Upper(Bernoulli(0, n), alpha); !near(upper, 1-want,
				1e-12*(1-want)+3e-16) {
				t.Errorf("none of %d: %.17g, want %.17g", n, upper, 1-want)
			}
		}
	}
	if (ClopperPearson{}).Lower(Bernoulli(0, 9), 0.1) != 0 ||
		(ClopperPearson{}).Upper(Bernoulli(9, 9), 0.1) != 1 {
		t.Error("no vote and every vote aren't 0 and 1")
	}
}

// TestClopperPearsonOfLeastAlpha: where the iteration doesn't end, the bound is on the safe side.
// For 3 draws, P(X >= 2) is about 3p².
func TestClopperPearsonOfLeastAlpha(t *testing.T) {
	for _, alpha := range []float64{1e-90, 1e-130, 1e-250, 1e-300} {
		if p := (ClopperPearson{}).Lower(Bernoulli(2, 3), alpha); 3*p*p > alpha*(1+1e-9) {
			t.Errorf("α = %g: p = %g", alpha, p)
		}
		if p := (ClopperPearson{}).Upper(Bernoulli(1, 3), alpha); p < 1 &&
			3*(1-p)*(1-p) > alpha*(1+1e-9) {
			t.Errorf("α = %g: p = %g from above", alpha, p)
		}
	}
}

func TestClopperPearsonIsMonotone(t *testing.T) {
	for _, n := range []int{1, 2, 3, 17, 400} {
		for _, alpha := range []float64{1e-6, 0.001, 0.05, 0.5, 0.6, 0.99} {
			lastLower, lastUpper := -1.0, -1.0
			for k := range n + 1 {
				s := Bernoulli(k, n)
				lower, upper := ClopperPearson{}.Lower(s, alpha), ClopperPearson{}.Upper(s, alpha)
				if lower <= lastLower || upper <= lastUpper {
					t.Errorf("%d of %d at %g: [%g, %g] after [%g, %g]", k, n, alpha, lower, upper,
						lastLower, lastUpper)
				}
				mirrored := ClopperPearson{}.Lower(Bernoulli(n-k, n), alpha)
				if !near(upper, 1-mirrored, 1e-14) {
					t.Errorf("%d of %d at %g: upper %g, 1 - lower of the rest %g", k, n, alpha,
						upper, 1-mirrored)
				}
				if smaller := (ClopperPearson{}).Lower(s, alpha/2); k > 0 && smaller >= lower {
					t.Errorf("%d of %d: lower at α/2 = %g, at α %g", k, n, smaller, lower)
				}
				lastLower, lastUpper = lower, upper
			}
		}
	}
}

// TestClopperPearsonOfManyDraws puts the root back. The tail at the bound is α, up to outward
// rounding, for all k, n and α.
func TestClopperPearsonOfManyDraws(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	for range 2000 {
		n := 3 + int(math.Exp(15*r.Float64()))
		k := 1 + r.IntN(n-2)
		alpha := math.Exp(-0.7 - 30*r.Float64())
		lower, upper := ClopperPearson{}.Lower(Bernoulli(k, n), alpha),
			ClopperPearson{}.Upper(Bernoulli(k, n), alpha)
		fn, fk := float64(n), float64(k)
		below, _ := binomialTail(k, n, lower, 1-lower, -math.FMA(fn, lower, -fk))
		above, _ := binomialTail(n-k, n, 1-upper, upper, math.FMA(fn, upper, -fk))
		tolerance := 1e-9 + 1e-13*fn
		if !near(below, math.Log(alpha), tolerance) ||
			!near(above, math.Log(alpha), tolerance+1e-15*fn/(1-upper)) {
			t.Errorf("%d of %d at %g: [%g, %g], ln tails %g, %g, want %g", k, n, alpha, lower,
				upper, below, above, math.Log(alpha))
		}
	}
}

// Draws between 0 and 1 count to the safe side.
func TestClopperPearsonOfSoftDraws(t *testing.T) {
	s := Draws([]float64{0, 0.2, 0.2, 1, 1, 1})
	if got, want := (ClopperPearson{}).Lower(s, 0.05), (ClopperPearson{}).Lower(Bernoulli(3, 6),
		0.05); got != want {
		t.Errorf("lower %g, want %g", got, want)
	}
	if got, want := (ClopperPearson{}).Upper(s, 0.05), (ClopperPearson{}).Upper(Bernoulli(5, 6),
		0.05); got != want {
		t.Errorf("upper %g, want %g", got, want)
	}
}

func BenchmarkClopperPearson(b *testing.B) {
	for _, n := range []int{1e3, 1e5, 1e9} {
		s := Bernoulli(n/10*9, n)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			for b.Loop() {
				ClopperPearson{}.Lower(s, 0.001)
			}
		})
	}
}
