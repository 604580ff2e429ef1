package rs

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// ClopperPearson is the exact bound for draws of 0 or 1: the lower one solves
// P(Bin(n, p) >= k) = α (0 at k = 0), the upper one P(Bin(n, p) <= k) = α (1 at k = n)
// (Biometrika 26, 1934). Draws strictly between count as 0 for the lower bound and as 1
// for the upper one: sound, but wasteful.
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
			p = binomialRoot(k, n, math.Log(alpha), true)
		} else {
			p = binomialRoot(k-1, n, math.Log1p(-alpha), false)
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
			p = binomialRoot(k, n, math.Log(alpha), false)
		} else {
			p = binomialRoot(k+1, n, math.Log1p(-alpha), true)
		}
	}
	return min(1, p+binomialError*min(p, 1-p)+0x1p-52*p)
}

// binomialRoot solves ln P(Bin(n, p) >= k) = target for p, or ln P(Bin(n, p) <= k) = target
// where atLeast is false; 0 < k < n, target <= ln 1/2. Newton's method from the Wilson score
// bound, inside a bracket that ends at k/n, where both probabilities are at least 1/2.
func binomialRoot(k, n int, target float64, atLeast bool) float64 {
	fn, rate := float64(n), float64(k)/float64(n)
	z := mathext.NormalQuantile(math.Exp(target))
	lo, hi, a := 0.0, rate, k
	if !atLeast {
		lo, hi, a, z = rate, 1, n-k, -z
	}
	p := (rate + z*z/(2*fn) + z*math.Sqrt((rate*(1-rate)+z*z/(4*fn))/fn)) / (1 + z*z/fn)
	if !(lo < p && p < hi) {
		p = (lo + hi) / 2
	}
	for range 200 {
		d := -math.FMA(fn, p, -float64(k)) // k - np
		var logTail, slope float64
		if atLeast {
			logTail, slope = binomialTail(a, n, p, 1-p, d)
		} else {
			logTail, slope = binomialTail(a, n, 1-p, p, -d)
			slope = -slope
		}
		g := logTail - target
		if (g > 0) == atLeast {
			hi = p
		} else {
			lo = p
		}
		next := p - g/slope
		if !(lo < next && next < hi) {
			next = (lo + hi) / 2
		}
		if step := math.Abs(next - p); step <= 0x1p-52*min(next, 1-next) || p > 0.5 && step <= 0x1p-53 {
			return next
		}
		p = next
	}
	return p
}

// binomialTail returns ln P(Bin(n, p) >= k) and its slope in p, 0 < k < n, given q = 1-p and
// d = k - np: the first term by Loader's saddle point, and the sum of all over the first.
func binomialTail(k, n int, p, q, d float64) (logTail, slope float64) {
	x, fn := float64(k), float64(n)
	logFirst := stirlingError(fn) - stirlingError(x) - stirlingError(fn-x) -
		deviance(x, fn*p, d) - deviance(fn-x, fn*q, -d) + 0.5*math.Log(fn/(2*math.Pi*x*(fn-x)))
	odds, term, sum := p/q, 1.0, 1.0
	for j := x; j < fn && term > 0x1p-60*sum; j++ {
		term *= (fn - j) / (j + 1) * odds
		sum += term
	}
	return logFirst + math.Log(sum), x / (p * sum)
}

// deviance is x ln(x/m) + m - x, given d = x - m (Loader 2000, "Fast and accurate computation of binomial probabilities").
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
