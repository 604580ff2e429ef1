package rs

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// binomialBig returns P(Bin(n, p) >= k) to about 1e-60, by summing whichever side is shorter.
func binomialBig(k, n int, p float64) *big.Float {
	const precision = 400
	number := func(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }
	power := func(x *big.Float, m int) *big.Float {
		y, x := number(1), new(big.Float).Set(x)
		for ; m > 0; m >>= 1 {
			if m&1 == 1 {
				y.Mul(y, x)
			}
			x.Mul(x, x)
		}
		return y
	}
	x := number(p)
	rest := new(big.Float).Sub(number(1), x)
	if k > n/2 { // terms j = n, n-1, …, k
		term, sum := power(x, n), number(0)
		for j := n; j >= k; j-- {
			sum.Add(sum, term)
			term.Mul(term, number(float64(j)))
			term.Mul(term, rest)
			term.Quo(term, number(float64(n-j+1)))
			term.Quo(term, x)
		}
		return sum
	}
	term, sum := power(rest, n), number(0)
	for j := range k {
		sum.Add(sum, term)
		term.Mul(term, number(float64(n-j)))
		term.Mul(term, x)
		term.Quo(term, number(float64(j+1)))
		term.Quo(term, rest)
	}
	return sum.Sub(number(1), sum)
}

func TestClopperPearsonTails(t *testing.T) {
	cases := []struct {
		k, n  int
		alpha float64
	}{
		{1, 1, 0.001}, {1, 10, 0.05}, {9, 10, 0.9}, {5, 10, 0.7}, {50, 100, 1e-9}, {99, 100, 0.0005}, {2, 3, 0.5},
		{990, 1000, 0.001}, {3, 100000, 0.001}, {99990, 100000, 0.0005}, {1, 100000000, 0.001}, {2, 100000000, 1e-12},
		{99999998, 100000000, 1e-6}, {9000, 10000, 0.001}, {7000, 10000, 0.001}, {3000, 10000, 0.001}, {10000, 10000, 0.001},
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
				t.Errorf("k = %d of %d, %s: the tail is %.15g, want at most %g", c.k, c.n, what, tail, c.alpha)
			}
		}
		s := Bernoulli(c.k, c.n)
		lower := ClopperPearson{}.Lower(s, c.alpha)
		check("lower", binomialBig(c.k, c.n, lower), lower)
		if c.k < c.n { // P(X <= k) = 1 - P(X >= k+1)
			upper := ClopperPearson{}.Upper(s, c.alpha)
			tail := new(big.Float).SetPrec(400).SetInt64(1)
			check("upper", tail.Sub(tail, binomialBig(c.k+1, c.n, upper)), upper)
		}
	}
}

func TestClopperPearsonClosedForms(t *testing.T) {
	for _, n := range []int{1, 2, 7, 100, 12345, 1e6} {
		for _, alpha := range []float64{1e-9, 0.001, 0.05, 0.3, 0.8} {
			lower, want := ClopperPearson{}.Lower(Bernoulli(n, n), alpha), math.Pow(alpha, 1/float64(n))
			if !near(lower, want, 1e-13*want+3e-16) {
				t.Errorf("all of %d: %.17g, want α^(1/n) = %.17g", n, lower, want)
			}
			if upper := (ClopperPearson{}).Upper(Bernoulli(0, n), alpha); !near(upper, 1-want, 1e-12*(1-want)+3e-16) {
				t.Errorf("none of %d: %.17g, want %.17g", n, upper, 1-want)
			}
		}
	}
	if (ClopperPearson{}).Lower(Bernoulli(0, 9), 0.1) != 0 || (ClopperPearson{}).Upper(Bernoulli(9, 9), 0.1) != 1 {
		t.Error("no vote and every vote aren't 0 and 1")
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
					t.Errorf("%d of %d at %g: [%g, %g] after [%g, %g]", k, n, alpha, lower, upper, lastLower, lastUpper)
				}
				mirrored := ClopperPearson{}.Lower(Bernoulli(n-k, n), alpha)
				if !near(upper, 1-mirrored, 1e-14) {
					t.Errorf("%d of %d at %g: upper %g, 1 - lower of the rest %g", k, n, alpha, upper, 1-mirrored)
				}
				if smaller := (ClopperPearson{}).Lower(s, alpha/2); k > 0 && smaller >= lower {
					t.Errorf("%d of %d: lower at α/2 = %g, at α %g", k, n, smaller, lower)
				}
				lastLower, lastUpper = lower, upper
			}
		}
	}
}

// The root, put back: the tail at the bound is α, whatever k, n and α, to what rounding outward takes.
func TestClopperPearsonOfManyDraws(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	for range 2000 {
		n := 3 + int(math.Exp(15*r.Float64()))
		k := 1 + r.IntN(n-2)
		alpha := math.Exp(-0.7 - 30*r.Float64())
		lower, upper := ClopperPearson{}.Lower(Bernoulli(k, n), alpha), ClopperPearson{}.Upper(Bernoulli(k, n), alpha)
		fn, fk := float64(n), float64(k)
		below, _ := binomialTail(k, n, lower, 1-lower, -math.FMA(fn, lower, -fk))
		above, _ := binomialTail(n-k, n, 1-upper, upper, math.FMA(fn, upper, -fk))
		tolerance := 1e-9 + 1e-13*fn
		if !near(below, math.Log(alpha), tolerance) || !near(above, math.Log(alpha), tolerance+1e-15*fn/(1-upper)) {
			t.Errorf("%d of %d at %g: [%g, %g], ln tails %g, %g, want %g", k, n, alpha, lower, upper, below, above, math.Log(alpha))
		}
	}
}

// Draws between 0 and 1 count to the safe side.
func TestClopperPearsonOfSoftDraws(t *testing.T) {
	s := Draws([]float64{0, 0.2, 0.2, 1, 1, 1})
	if got, want := (ClopperPearson{}).Lower(s, 0.05), (ClopperPearson{}).Lower(Bernoulli(3, 6), 0.05); got != want {
		t.Errorf("lower %g, want %g", got, want)
	}
	if got, want := (ClopperPearson{}).Upper(s, 0.05), (ClopperPearson{}).Upper(Bernoulli(5, 6), 0.05); got != want {
		t.Errorf("upper %g, want %g", got, want)
	}
}

func BenchmarkClopperPearson(b *testing.B) {
	s := Bernoulli(90000, 100000)
	for b.Loop() {
		ClopperPearson{}.Lower(s, 0.001)
	}
}
