package rs

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// BetaBinomialMixture is the beta-binomial mixture of Howard, Ramdas, McAuliffe & Sekhon (Annals of
// Statistics 49, 2021, Propositions 7 and 8). Let S be a sum of independent draws of mean 0 in [-G,
// H], and V be GH times their number. Then exp(Log(S, V)) is a supermartingale that starts at 1. So
// S stays below Bound(V, α) at all times, with probability 1-α.
type BetaBinomialMixture struct {
	G, H     float64 // > 0
	V, Alpha float64 // Bound is about the tightest at that V and α; they don't bear on soundness
	// OneSided mixes over parameters that raise S only. Otherwise the mixture is over both
	// directions, and S keeps to a bound on either side at α for both.
	OneSided bool
}

// Log returns ln of the mixture where the sum is s and its variance process v, -v/H <= s <= v/G.
func (m BetaBinomialMixture) Log(s, v float64) float64 {
	g, h := m.G, m.H
	if !(g > 0 && h > 0 && m.V > 0 && v > 0 && -v/h <= s && s <= v/g) {
		panic(fmt.Sprintf("rs: a sum of %g at variance %g for %+v", s, v, m))
	}
	level, x := m.Alpha, 1.0
	if m.OneSided {
		level, x = 2*m.Alpha, h/(g+h)
	}
	r := g * h * concentration(m.V/(g*h), level)
	logBetaBelow := func(r, v, s float64) float64 {
		a, b := (r+v-g*s)/(g*(g+h)), (r+v+h*s)/(h*(g+h))
		l := logBeta(a, b)
		if x < 1 {
			l += math.Log(mathext.RegIncBeta(a, b, x))
		}
		return l
	}
	return v/(g*h)*math.Log(g+h) - (v+h*s)/(h*(g+h))*math.Log(g) - (v-g*s)/(g*(g+h))*math.Log(h) +
		logBetaBelow(r, v, s) - logBetaBelow(r, 0, 0)
}

// Bound returns the s at which the mixture is 1/alpha, at most v/G. The mixture is at most 1 at s =
// 0, and convex in s.
func (m BetaBinomialMixture) Bound(v, alpha float64) float64 {
	checkAlpha(alpha)
	lo, hi := 0.0, v/m.G
	for range 100 {
		if mid := lo + (hi-lo)/2; m.Log(mid, v) < -math.Log(alpha) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// concentration is A+B of the Beta prior that is tuned to this many draws of unit variance and to a
// two-sided level.
func concentration(draws, level float64) float64 {
	if !(0 < level && level < 1) {
		panic(fmt.Sprintf("rs: a mixture tuned to the level %g, outside (0, 1)", level))
	}
	l := -2 * math.Log(level)
	return max(draws/(l+math.Log1p(l))-1, 0.001)
}

// BetaBinomialSequence is the Bernoulli confidence sequence of Howard et al. 2021. It is
// BetaBinomialMixture with G = p, H = 1-p and both sides, at S = k - np and V = np(1-p). That is
// the likelihood of k of n under the prior Beta(cp, c(1-p)), over the likelihood under p,
//
//	M(p) = Π_{i<k} (c + i/p) Π_{i<n-k} (c + i/(1-p)) / Π_{i<n} (c + i),
//
// where c follows from T and Alpha. The bounds are the p on either side of k/n where M = 1/α. ln M
// is convex and at most 0 at k/n, so M is larger at each p beyond a bound. Each bound holds at α at
// every n at once, and both bounds do so together. The one-sided bounds are the ends of the
// published interval at the same α. (At 2α, no proof says that they hold.) A draw strictly between
// 0 and 1 counts as 0 for the lower bound and as 1 for the upper one.
type BetaBinomialSequence struct {
	T     float64 // about the number of draws at which it is tightest; 0 is 1,000
	Alpha float64 // and at which level of both bounds together; 0 is 0.001
}

// Name implements Bound.
func (BetaBinomialSequence) Name() string { return "beta-binomial" }

// At implements Anytime.
func (b BetaBinomialSequence) At([]int) Bound { return b }

// Lower implements Bound, at every s.N at once.
func (b BetaBinomialSequence) Lower(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	return b.root(s.atOne(), s.N, alpha)
}

// Upper implements Bound, at every s.N at once.
func (b BetaBinomialSequence) Upper(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	return oneMinusUp(b.root(s.N-s.aboveZero(), s.N, alpha))
}

// root returns a p below k/n where ln M >= ln 1/α + mixtureSlack, or 0. M at 0 is c/(c+n-1) for one
// success.
func (b BetaBinomialSequence) root(k, n int, alpha float64) float64 {
	c := b.concentration()
	if k <= 1 {
		return 0
	}
	target := mixtureSlack - math.Log(alpha)
	far, near := 0.0, float64(k)/float64(n)
	for range 200 {
		mid := far + (near-far)/2
		if mid == far || mid == near {
			break
		}
		if logMixture(c, k, n, mid) >= target {
			far = mid
		} else {
			near = mid
		}
	}
	return far
}

func (b BetaBinomialSequence) concentration() float64 {
	draws, level := b.T, b.Alpha
	if draws == 0 {
		draws = 1000
	}
	if level == 0 {
		level = 0.001
	}
	if !(draws > 0) || draws > 1e15 {
		panic(fmt.Sprintf("rs: a confidence sequence tuned to %g draws", draws))
	}
	return concentration(draws, level)
}

// logMixture is ln M(p), 0 < p < 1. The prior's mean is p, so by Stirling's formula the large terms
// of ln M are two deviances.
func logMixture(c float64, k, n int, p float64) float64 {
	q, x, y, s := 1-p, float64(k), float64(n-k), c+float64(n)
	d := -math.FMA(float64(n), p, -x) // k - np
	return deviance(c*p+x, s*p, d) + deviance(c*q+y, s*q, -d) +
		0.5*math.Log(p/(c*p+x)*c*s*(q/(c*q+y))) +
		stirlingError(c*p+x) + stirlingError(c*q+y) - stirlingError(s) -
		stirlingError(c*p) - stirlingError(c*q) + stirlingError(c)
}
