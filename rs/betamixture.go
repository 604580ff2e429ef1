package rs

import (
	"fmt"
	"math"
)

// BetaMixture is the beta-binomial mixture bound for draws of 0 or 1. The likelihood of k of n
// under a Beta(A, B) prior, over the likelihood under p, is
//
//	M(p) = B(A+k, B+n-k) / (B(A, B) p^k (1-p)^(n-k)).
//
// M is a nonnegative martingale in n where p is the mean. The bounds are the p on either side of
// k/n where M = 1/α (Ville 1939, Robbins 1970). Each bound holds at every n at once, so sampling
// may stop because of its value. A draw strictly between 0 and 1 counts as 0 for the lower bound
// and as 1 for the upper one.
type BetaMixture struct {
	A, B float64 // the prior, > 0; both 0 are 1/2 and 1/2 (Krichevsky & Trofimov 1981)
}

// Name implements Bound.
func (BetaMixture) Name() string { return "beta-mixture" }

// At implements Anytime.
func (m BetaMixture) At([]int) Bound { return m }

// Lower implements Bound, at every s.N at once.
func (m BetaMixture) Lower(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	return m.root(s.atOne(), s.N, 0, alpha)
}

// Upper implements Bound, at every s.N at once.
func (m BetaMixture) Upper(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	return m.root(s.aboveZero(), s.N, 1, alpha)
}

// atOne counts the draws that are surely 1.
func (s Sample) atOne() int {
	s.check()
	k := 0
	for i, c := range s.Counts {
		if s.Lo[i] == 1 {
			k += c
		}
	}
	return k
}

// aboveZero counts the draws that may be above 0.
func (s Sample) aboveZero() int {
	s.check()
	k := 0
	for i, c := range s.Counts {
		if s.Hi[i] > 0 {
			k += c
		}
	}
	return k
}

// mixtureSlack is how far ln M must pass ln 1/α. The error of ln M near the root, measured at some
// 1e-14 (betamixture_test.go), is far below.
const mixtureSlack = 1e-11

// root bisects between end, which is 0 or 1, and k/n. It returns a point where ln M >= ln 1/α +
// mixtureSlack, or end.
func (m BetaMixture) root(k, n int, end, alpha float64) float64 {
	far, near := end, float64(k)/float64(n)
	target, weight := mixtureSlack-math.Log(alpha), m.logWeight(k, n)
	for range 200 {
		mid := far + (near-far)/2
		if mid == far || mid == near {
			break
		}
		if weight+divergence(k, n, mid) >= target {
			far = mid
		} else {
			near = mid
		}
	}
	return far
}

// LogWealth returns ln M(p), 0 < p < 1. It is the log wealth against the mean p of a bettor who
// predicts a 1 with probability (k+A)/(n+A+B).
func (m BetaMixture) LogWealth(k, n int, p float64) float64 {
	if k < 0 || k > n || !(0 < p && p < 1) {
		panic(fmt.Sprintf("rs: wealth of %d of %d draws against %g", k, n, p))
	}
	if n == 0 {
		return 0
	}
	return m.logWeight(k, n) + divergence(k, n, p)
}

// logWeight is ln M(k/n). The factors p^k of numerator and denominator meet in one
// logarithm, so that digits don't go as n grows.
func (m BetaMixture) logWeight(k, n int) float64 {
	a, b := m.A, m.B
	if a == 0 && b == 0 {
		a, b = 0.5, 0.5
	}
	if !(a > 0 && b > 0) || a+b > 1e15 {
		panic(fmt.Sprintf("rs: a prior Beta(%g, %g)", a, b))
	}
	x, y, total := float64(k), float64(n-k), float64(n)
	s := total + a + b
	lean := a*y - b*x // (a+x)n - s x
	log := a*math.Log((a+x)/s) + b*math.Log((b+y)/s)
	if k > 0 {
		log += x * math.Log1p(lean/(s*x))
	}
	if k < n {
		log += y * math.Log1p(-lean/(s*y))
	}
	log += 0.5*math.Log(2*math.Pi*s/((a+x)*(b+y))) + stirlingError(a+x) +
		stirlingError(b+y) - stirlingError(s)
	return log - logBeta(a, b)
}

// logBeta is ln B(a, b).
func logBeta(a, b float64) float64 {
	s := a + b
	return a*math.Log(a/s) + b*math.Log(b/s) + 0.5*math.Log(2*math.Pi*s/(a*b)) +
		stirlingError(a) + stirlingError(b) - stirlingError(s)
}

// divergence is k ln(k/np) + (n-k) ln((n-k)/n(1-p)), 0 < p < 1.
func divergence(k, n int, p float64) float64 {
	fn := float64(n)
	d := -math.FMA(fn, p, -float64(k)) // k - np
	switch k {
	case 0:
		return -fn * math.Log1p(-p)
	case n:
		return -fn * math.Log(p)
	}
	return deviance(float64(k), fn*p, d) + deviance(float64(n-k), fn*(1-p), -d)
}
