package rs

import (
	"fmt"
	"math"
)

// Randomized is Clopper–Pearson with one uniform draw V (Voráček 2024). Let X ~ Bin(n, p). The
// lower bound solves P(X > k) + (1-V) P(X = k) = α, and the upper bound solves P(X < k) + (1-V) P(X
// = k) = α. Over X and V, each errs with probability α exactly, not only at most. V = 0, the zero
// value, is Clopper–Pearson itself.
//
// V must be uniform in [0, 1), independent of the draws and chosen before they are seen. Uniform
// gives such a V. One V may serve both sides. Where all n votes agree and 1-V <= α, no p below 1
// solves the equation. The bound is then Clopper–Pearson's. That gives up exactness for p >
// α^(1/n), and avoids infinite radii. A draw strictly between 0 and 1 counts as 0 for the lower
// bound and as 1 for the upper one.
type Randomized struct {
	V float64
}

// OfExample returns b for an example of a run. Randomized gets the V that seed and index give, and
// STaR gets its order. Any other bound is returned unchanged.
func OfExample(b Bound, seed uint64, index int) Bound {
	switch b.(type) {
	case Randomized:
		return Randomized{V: Uniform(seed, index)}
	case STaR:
		return STaR{Seed: splitMix(splitMix(seed^0x737461722d626574) + uint64(index))}
	}
	return b
}

// Uniform returns the V of an example, uniform in [0, 1). V is a hash of the run's seed and the
// example's index. It isn't drawn from the generator of the noise.
func Uniform(seed uint64, index int) float64 {
	x := splitMix(splitMix(seed^0x72616e646f6d6973) + uint64(index))
	return float64(splitMix(x)>>11) * 0x1p-53
}

// splitMix is the output function of SplitMix64 (Steele, Lea & Flood 2014).
func splitMix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Name implements Bound.
func (Randomized) Name() string { return "randomized" }

// Lower implements Bound.
func (r Randomized) Lower(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	return r.root(s.atOne(), s.N, alpha)
}

// Upper implements Bound.
func (r Randomized) Upper(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	k, n := s.aboveZero(), s.N
	return oneMinusUp(r.root(n-k, n, alpha))
}

// randomizedError bounds the relative error of solve, in p and in 1-p, beside two units in the last
// place. randomized_test.go measures some 1e-13.
const randomizedError = 0x1p-39

// root is solve, rounded down.
func (r Randomized) root(k, n int, alpha float64) float64 {
	p := r.solve(k, n, alpha)
	return max(0, p-randomizedError*min(p, 1-p)-0x1p-51*p)
}

// solve solves P(X > k) + (1-V) P(X = k) = α for p, between Clopper–Pearson's p of k and of k+1.
func (r Randomized) solve(k, n int, alpha float64) float64 {
	weight := 1 - r.V
	if !(0 < weight && weight <= 1) {
		panic(fmt.Sprintf("rs: Randomized.V = %g, outside [0, 1)", r.V))
	}
	switch {
	case k == 0: // 1 - V(1-p)^n = α
		if 1-alpha >= r.V {
			return 0
		}
		return -math.Expm1((math.Log1p(-alpha) - math.Log(r.V)) / float64(n))
	case k == n: // (1-V) p^n = α
		if weight <= alpha {
			return clopperPearsonLower(n, n, alpha)
		}
		return math.Exp((math.Log(alpha) - math.Log(weight)) / float64(n))
	case r.V == 0:
		return clopperPearsonLower(k, n, alpha)
	}
	lo, hi := clopperPearsonLower(k, n, alpha),
		min(1, clopperPearsonLower(k+1, n, alpha)*(1+0x1p-40))
	target := math.Log(alpha)
	p := lo + r.V*(hi-lo)
	for range 200 {
		log, slope := weightedTail(k, n, p, weight)
		g := log - target
		if g > 0 {
			hi = p
		} else {
			lo = p
		}
		next := p - g/slope
		if !(lo < next && next < hi) {
			next = (lo + hi) / 2
		}
		if math.Abs(next-p) <= 0x1p-50*min(next, 1-next) || next == p {
			return min(next, p)
		}
		p = next
	}
	return lo
}

// weightedTail returns ln [P(X > k) + weight P(X = k)] and its slope in p, where X ~ Bin(n, p) and
// 0 < k < n.
func weightedTail(k, n int, p, weight float64) (log, slope float64) {
	q, x, fn := 1-p, float64(k), float64(n)
	d := -math.FMA(fn, p, -x)
	sum := weight + beyond(k, n, p, q, d)
	return logBinomial(k, n, p, q, d) + math.Log(sum), (weight*x/p + (1-weight)*(fn-x)/q) / sum
}
