package rs

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mathext"
)

// ClopperPearson is the exact bound for draws of 0 or 1 (Biometrika 26, 1934). The lower bound
// solves P(Bin(n, p) >= k) = α and is 0 at k = 0. The upper bound solves P(Bin(n, p) <= k) = α and
// is 1 at k = n. Draws strictly between count as 0 for the lower bound and as 1 for the upper one:
// sound, but wasteful.
type ClopperPearson struct{}

// Name implements Bound.
func (ClopperPearson) Name() string { return "clopper-pearson" }

// Lower implements Bound.
func (ClopperPearson) Lower(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	return clopperPearsonLower(s.atOne(), s.N, alpha)
}

// Upper implements Bound.
func (ClopperPearson) Upper(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	return clopperPearsonUpper(s.aboveZero(), s.N, alpha)
}

// binomialError bounds the relative error of the roots below, in p and in 1-p, beside
// two units in the last place: measured at some 1e-15 (clopperpearson_test.go).
const binomialError = 0x1p-45

func clopperPearsonLower(k, n int, alpha float64) float64 {
	var p float64
	switch k {
	case 0:
		return 0
	case n: // p^n = α
		p = math.Exp(math.Log(alpha) / float64(n))
	case 1: // 1 - (1-p)^n = α
		p = -math.Expm1(math.Log1p(-alpha) / float64(n))
	default:
		if alpha <= 0.5 {
			p = binomialRoot(k, n, alpha, true)
		} else {
			p = binomialRoot(k-1, n, 1-alpha, false)
		}
	}
	return max(0, p-binomialError*min(p, 1-p)-0x1p-52*p)
}

func clopperPearsonUpper(k, n int, alpha float64) float64 {
	var p float64
	switch k {
	case n:
		return 1
	case 0: // (1-p)^n = α
		p = -math.Expm1(math.Log(alpha) / float64(n))
	case n - 1: // 1 - p^n = α
		p = math.Exp(math.Log1p(-alpha) / float64(n))
	default:
		if alpha <= 0.5 {
			p = binomialRoot(k, n, alpha, false)
		} else {
			p = binomialRoot(k+1, n, 1-alpha, true)
		}
	}
	return min(1, p+binomialError*min(p, 1-p)+0x1p-52*p)
}

// binomialRoot solves P(Bin(n, p) >= k) = alpha for p, or P(Bin(n, p) <= k) = alpha where atLeast
// is false; 0 < k < n, alpha <= 1/2. Halley's method on the logarithm, inside a bracket that ends
// at k/n, where both probabilities are at least 1/2.
func binomialRoot(k, n int, alpha float64, atLeast bool) float64 {
	target, fn, rate := math.Log(alpha), float64(n), float64(k)/float64(n)
	var lo, hi, p, sign float64
	a := k
	if atLeast {
		lo, hi, sign = 0, rate, 1
		odds := betaOdds(float64(k), float64(n-k+1), alpha)
		p = odds / (1 + odds)
	} else {
		lo, hi, sign, a = rate, 1, -1, n-k
		p = 1 / (1 + betaOdds(float64(n-k), float64(k+1), alpha))
	}
	if !(lo < p && p < hi) {
		p = (lo + hi) / 2
	}
	for range 200 {
		x, y, d := p, 1-p, -math.FMA(fn, p, -float64(k)) // d = k - np
		if !atLeast {
			x, y, d = y, x, -d
		}
		logTail, slope := binomialTail(a, n, x, y, d)
		g := logTail - target
		if (g > 0) == atLeast {
			hi = p
		} else {
			lo = p
		}
		bend := (d-y)/(x*y) - slope // the second derivative over the first
		next := p - sign*g/(slope-g*bend/2)
		if !(lo < next && next < hi) {
			if next == p || hi-lo <= 0x1p-52*min(p, 1-p) {
				return p
			}
			p = (lo + hi) / 2
			continue
		}
		// What is left after the step is below |g|³/slope.
		if e := math.Abs(g); e < 0x1p-6 && e*e*e <= 0x1p-56*slope*min(next, 1-next) {
			return next
		}
		p = next
	}
	if atLeast { // far below what any certificate rests on; on the safe side
		return lo
	}
	return hi
}

// betaOdds returns about x/(1-x), where x is the alpha-quantile of Beta(a, b), and a and b are at
// least 2. It is a start for iterations (Abramowitz & Stegun 1964, 26.5.22).
func betaOdds(a, b, alpha float64) float64 {
	y := -mathext.NormalQuantile(alpha)
	r, s, t := (y*y-3)/6, 1/(2*a-1), 1/(2*b-1)
	h := 2 / (s + t)
	w := y*math.Sqrt(h+r)/h - (t-s)*(r+5.0/6-2/(3*h))
	return a / b * math.Exp(-2*w)
}

// binomialTail returns ln P(Bin(n, p) >= k) and its slope in p, 0 < k < n, given q = 1-p and
// d = k - np: the first term by Loader's saddle point, and the sum of all over the first.
func binomialTail(k, n int, p, q, d float64) (logTail, slope float64) {
	more := beyond(k, n, p, q, d)
	return logBinomial(k, n, p, q, d) + math.Log1p(more), float64(k) / (p * (1 + more))
}

// logBinomial is ln P(Bin(n, p) = k), by Loader's saddle point.
func logBinomial(k, n int, p, q, d float64) float64 {
	x, fn := float64(k), float64(n)
	return stirlingError(fn) - stirlingError(x) - stirlingError(fn-x) -
		deviance(x, fn*p, d) - deviance(fn-x, fn*q, -d) + 0.5*math.Log(fn/(2*math.Pi*x*(fn-x)))
}

// beyond is P(Bin(n, p) > k) / P(Bin(n, p) = k), 0 < k < n. It is the sum of the terms where few of
// them matter, else
//
//	k ∫ (1-u)^(k-1) (1 + up/q)^(n-k) du - 1, 0 <= u <= 1,
//
// by Gauss–Legendre, up to where the integrand is below e^-42. The integrand is log-concave.
func beyond(k, n int, p, q, d float64) float64 {
	const nats, few = 42, 128
	x, fn, odds := float64(k), float64(n), p/q
	a, b := x-1, fn-x
	// To second order the logarithm of the integrand is -fall u - curve u²/2.
	fall, curve := d/q-1, a+b*odds*odds
	u := 2 * nats / (fall + math.Sqrt(fall*fall+2*nats*curve))
	if d < 0 || min(x*u, x, b) < few {
		term, sum := 1.0, 0.0
		for j := x; j < fn && term > 0x1p-60*sum; j++ {
			term *= (fn - j) / (j + 1) * odds
			sum += term
		}
		return sum
	}
	// A tangent lies above: one Newton step ends beyond.
	u = min(u, 0.9)
	u = min(1, u+(nats+a*math.Log1p(-u)+b*math.Log1p(u*odds))/(a/(1-u)-b*odds/(1+u*odds)))
	sum := 0.0
	for i, node := range tailNodes {
		v := u * node
		sum += tailWeights[i] * math.Exp(a*math.Log1p(-v)+b*math.Log1p(v*odds))
	}
	return x*u*sum - 1
}

// From 24 nodes on, the rest of the error is rounding. (gonum v0.17's rule of 26 nodes is wrong by
// 1%.)
var tailNodes, tailWeights = func() (x, w [32]float64) {
	quad.Legendre{}.FixedLocations(x[:], w[:], 0, 1)
	return x, w
}()

// deviance is x ln(x/m) + m - x, given d = x - m (Loader 2000, "Fast and accurate computation of
// binomial probabilities").
func deviance(x, m, d float64) float64 {
	v := d / (x + m)
	if math.Abs(v) > 0.1 {
		return x*math.Log(x/m) - d
	}
	s := d * v
	term := 2 * x * v
	for j := 3.0; ; j += 2 {
		term *= v * v
		next := s + term/j
		if next == s {
			return s
		}
		s = next
	}
}

// stirlingError is ln n! - ln(√(2πn) (n/e)^n), n >= 1.
func stirlingError(n float64) float64 {
	up := 0.0
	for ; n < 16; n++ {
		up += (n+0.5)*math.Log1p(1/n) - 1
	}
	m := 1 / (n * n)
	return up + (1.0/12-(1.0/360-(1.0/1260-(1.0/1680-m/1188)*m)*m)*m)/n
}
