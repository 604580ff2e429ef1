package rs

import (
	"fmt"
	"math"
	"math/big"
	"testing"
)

// This file checks bounds on votes of up to 1e9 draws by logarithms in big floats. Each bound lies
// on the far side of the root of its equation, and near the root.

// bigLogGamma is ln Γ(x), x > 0, by Stirling's series beyond 200.
func bigLogGamma(x *big.Float) *big.Float {
	product, y := bigNumber(1), bigNumber(0).Set(x)
	for y.Cmp(bigNumber(200)) < 0 {
		product.Mul(product, y)
		y.Add(y, bigNumber(1))
	}
	log := bigLog(y)
	sum := bigNumber(0).Mul(bigNumber(0).Sub(y, bigNumber(0.5)), log)
	sum.Sub(sum, y)
	sum.Add(sum, bigNumber(0).Quo(bigLog(bigNumber(0).Mul(bigNumber(2), bigPi)), bigNumber(2)))
	square, power := bigNumber(0).Mul(y, y), bigNumber(0).Set(y)
	for _, term := range [][2]float64{ // B_2k/(2k(2k-1))
		{1, 12}, {-1, 360}, {1, 1260}, {-1, 1680}, {1, 1188}, {-691, 360360}, {1, 156},
		{-3617, 122400},
	} {
		sum.Add(sum, bigNumber(0).Quo(bigNumber(term[0]),
			bigNumber(0).Mul(bigNumber(term[1]), power)))
		power.Mul(power, square)
	}
	return sum.Sub(sum, bigLog(product))
}

func TestBigLogGamma(t *testing.T) {
	for _, x := range []float64{0.5, 1, 2, 10.25, 199.5, 1000, 1e9} {
		want, _ := math.Lgamma(x)
		if got, _ := bigLogGamma(bigNumber(x)).Float64(); !near(got, want,
			1e-14*(1+math.Abs(want))) {
			t.Errorf("ln Γ(%g) = %.17g, want %.17g", x, got, want)
		}
	}
	// Γ(1/2) = √π, to the digits of big floats.
	root := bigNumber(0).Sub(bigLogGamma(bigNumber(0.5)),
		bigNumber(0).Quo(bigLog(bigPi), bigNumber(2)))
	if e, _ := root.Float64(); math.Abs(e) > 1e-35 {
		t.Errorf("ln Γ(1/2) is off by %g", e)
	}
}

// bigLogBeta is ln B(a, b).
func bigLogBeta(a, b *big.Float) *big.Float {
	l := bigNumber(0).Add(bigLogGamma(a), bigLogGamma(b))
	return l.Sub(l, bigLogGamma(bigNumber(0).Add(a, b)))
}

// bigLogLikelihood is k ln p + (n-k) ln(1-p).
func bigLogLikelihood(k, n int, p *big.Float) *big.Float {
	l := bigNumber(0).Mul(bigNumber(float64(k)), bigLog(p))
	return l.Add(l, bigNumber(0).Mul(bigNumber(float64(n-k)),
		bigLog(bigNumber(0).Sub(bigNumber(1), p))))
}

// bigLogMixture is ln M(p) under the prior Beta(a, b).
func bigLogMixture(a, b *big.Float, k, n int, p *big.Float) *big.Float {
	l := bigLogBeta(bigNumber(0).Add(a, bigNumber(float64(k))),
		bigNumber(0).Add(b, bigNumber(float64(n-k))))
	l.Sub(l, bigLogBeta(a, b))
	return l.Sub(l, bigLogLikelihood(k, n, p))
}

// bigLogTail is ln [P(X > k) + weight P(X = k)], X ~ Bin(n, p).
func bigLogTail(k, n int, p *big.Float, weight float64) *big.Float {
	first := bigLogLikelihood(k, n, p)
	first.Sub(first, bigLogBeta(bigNumber(float64(k+1)), bigNumber(float64(n-k+1))))
	first.Sub(first, bigLog(bigNumber(float64(n+1))))
	odds := bigNumber(0).Quo(p, bigNumber(0).Sub(bigNumber(1), p))
	term, sum, factor := bigNumber(1), bigNumber(weight), bigNumber(0)
	for j := k; j < n && term.MantExp(nil) > sum.MantExp(nil)-70; j++ {
		factor.Quo(factor.SetInt64(int64(n-j)), bigNumber(float64(j+1)))
		term.Mul(term, factor.Mul(factor, odds))
		sum.Add(sum, term)
	}
	return first.Add(first, bigLog(sum))
}

func TestVoteBoundsRoundOutward(t *testing.T) {
	type evidence func(k, n int, p *big.Float) *big.Float // against a mean of p or less
	mixture := func(a, b float64) evidence {
		return func(k, n int, p *big.Float) *big.Float {
			return bigLogMixture(bigNumber(a), bigNumber(b), k, n, p)
		}
	}
	sequence := func(b BetaBinomialSequence) evidence {
		c := bigNumber(b.concentration())
		return func(k, n int, p *big.Float) *big.Float {
			q := bigNumber(0).Sub(bigNumber(1), p)
			return bigLogMixture(bigNumber(0).Mul(c, p), q.Mul(c, q), k, n, p)
		}
	}
	tail := func(k, n int, p *big.Float) *big.Float {
		l := bigLogTail(k, n, p, 0.25)
		return l.Neg(l)
	}
	tuned := BetaBinomialSequence{T: 1e7, Alpha: 0.01}
	for _, c := range []struct {
		bound           Bound
		below, mirrored evidence
	}{
		{Randomized{V: 0.75}, tail, tail}, {BetaMixture{}, mixture(0.5, 0.5), mixture(0.5, 0.5)},
		{BetaMixture{A: 20, B: 3}, mixture(20, 3), mixture(3, 20)},
		{BetaBinomialSequence{}, sequence(BetaBinomialSequence{}),
			sequence(BetaBinomialSequence{})}, {tuned, sequence(tuned), sequence(tuned)},
	} {
		for _, n := range []int{3, 30, 1000, 1e6, 1e9} {
			for _, k := range []int{1, 2, n / 3, n - n/10, n - n/1000 - 1, n - 1} {
				if k == n {
					continue
				}
				for _, alpha := range []float64{0.4, 0.001, 1e-15} {
					target := bigLog(bigNumber(0).Quo(bigNumber(1), bigNumber(alpha)))
					s := Bernoulli(k, n)
					say := fmt.Sprintf("%+v, %d of %d at %g", c.bound, k, n, alpha)
					if lower := c.bound.Lower(s, alpha); lower > 0 {
						if c.below(k, n, bigNumber(lower)).Cmp(target) < 0 {
							t.Errorf("%s: lower %.17g is above the root", say, lower)
						}
						// The spacing of doubles near 1, and where 200 bisections end.
						inner := lower + max(1e-9*min(lower, 1-lower), 8e-16*lower,
							float64(k)/float64(n)*0x1p-198)
						if c.below(k, n, bigNumber(inner)).Cmp(target) > 0 {
							t.Errorf("%s: lower %.17g is far from the root", say, lower)
						}
					}
					if upper := c.bound.Upper(s, alpha); upper < 1 {
						rest := bigNumber(0).Sub(bigNumber(1), bigNumber(upper))
						if c.mirrored(n-k, n, rest).Cmp(target) < 0 {
							t.Errorf("%s: upper %.17g is below the root", say, upper)
						}
					}
				}
			}
		}
	}
}
