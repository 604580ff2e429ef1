package rs

import (
	"cmp"
	"math"
	"slices"
)

// Betting bounds the mean by the wealth of a mixture of constant bets,
//
//	W(m) = Σ_j π_j Π_i (1 - θ_j + θ_j x_i/m).
//
// W is a nonnegative martingale where m is the mean, so it exceeds 1/α with probability at most α.
// W falls in m, and the lower bound is the m where W = 1/α. The bound holds for any draws in [0, 1]
// (Orabona & Jun 2021; Waudby-Smith & Ramdas 2024). The prior π depends on α and on a number of
// draws.
type Betting struct {
	// N is the number of draws that the prior is made for. The bound holds at every number of draws
	// at once. Where N is 0, the prior is made for the sample's own number, which must then be
	// fixed beforehand.
	N int
}

// Name implements Bound.
func (Betting) Name() string { return "betting" }

// Lower implements Bound.
func (b Betting) Lower(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	s.check()
	return newBets(cmp.Or(b.N, s.N), alpha).root(s, wealthSlack(s.N)-math.Log(alpha))
}

// At implements Anytime: the prior is made for the last stop.
func (Betting) At(stops []int) Bound { return Betting{N: stops[len(stops)-1]} }

// Upper implements Bound.
func (b Betting) Upper(s Sample, alpha float64) float64 { return upperOf(b, s, alpha) }

// wealthSlack is how far ln W must pass ln 1/α: it covers the rounding of n logarithms.
func wealthSlack(n int) float64 { return 1e-9 + float64(n)*0x1p-50 }

// bets is a discrete prior over bets in [0, 1], rising, with the logarithms of its weights.
type bets struct {
	theta, logWeight []float64
}

// newBets spaces bets by about a standard deviation of their likelihood. At the bound, the best bet
// is near m√(2 ln(1/α)/(nV)), where V is the variance. Most of the weight is where m²/V lies in
// [1/2, 150]. The bet 1, for draws that are all alike, has its own part.
func newBets(n int, alpha float64) bets {
	l := -math.Log(alpha) + 1
	unit := math.Sqrt(2 * l / float64(n))
	step := 1.1 / math.Sqrt(l)
	logit := func(theta float64) float64 { return math.Log(theta / (1 - theta)) }
	top := math.Log(4 * l)
	plateau, end := logit(min(0.7*unit, 0.4)), min(logit(min(12*unit, 0.9999)), top)
	var b bets
	total := 0.0
	for t := plateau - 12*step; t < top; t += step {
		w := 1.0
		if d := max(plateau-t, t-end); d > 0 {
			w = 1 / ((1 + d/step) * (1 + d/step))
		}
		b.theta = append(b.theta, 1/(1+math.Exp(-t)))
		b.logWeight = append(b.logWeight, w)
		total += w
	}
	b.theta = append(b.theta, 1)
	b.logWeight = append(b.logWeight, total/4)
	total += total / 4
	for j, w := range b.logWeight {
		b.logWeight[j] = math.Log(w / total)
	}
	return b
}

// negligible is how far ln of a bet's wealth may lie below the largest before it is left
// out of the mixture, which only lowers W.
const negligible = 6

// root returns an m just below the one where ln W = target; 0 where all draws are 0. Newton's
// method: ln W is convex and falls in m, so that after the first step m rises to the
// root from below, and each m is itself a sound bound.
func (b bets) root(s Sample, target float64) float64 {
	w := wealth{bets: b}
	for i, c := range s.Counts {
		switch last := len(w.x) - 1; {
		case c == 0:
		case last >= 0 && w.x[last] == s.Lo[i]:
			w.count[last] += float64(c)
		default:
			w.x, w.count = append(w.x, s.Lo[i]), append(w.count, float64(c))
		}
	}
	n, mean := float64(s.N), s.mean(s.Lo)
	if mean == 0 {
		return 0
	}
	w.mean, w.variance = mean, 0
	for i, x := range w.x {
		w.variance += w.count[i] / n * (x - mean) * (x - mean)
	}
	lo, hi := 0.0, mean // ln W(lo) >= target, and not at hi
	m := mean - math.Sqrt(2*w.variance*(target+2)/n) - (target+2)/n
	for range 200 {
		if !(lo < m && m < hi) {
			if m = (lo + hi) / 2; lo == 0 {
				m = hi / 8
			}
			if m <= lo || m >= hi {
				break
			}
		}
		log, slope := w.at(m)
		gap := log - target
		if gap < 0 {
			hi = m
		} else if lo = m; gap < 1e-6 {
			break
		}
		m -= gap / slope
	}
	return lo
}

// wealth is the wealth of bets on the draws x, counted.
type wealth struct {
	bets
	x, count       []float64
	mean, variance float64
}

// at returns ln W(m), rounded down by what negligible leaves out, and its slope.
func (w wealth) at(m float64) (log, slope float64) {
	d := w.mean - m
	start, _ := slices.BinarySearch(w.theta, m*d/(w.variance+d*d))
	start = min(start, len(w.theta)-1)
	best, sum, slopes := math.Inf(-1), 0.0, 0.0
	// add reports whether the bet matters.
	add := func(j int) bool {
		f, g := w.of(w.theta[j], m)
		f += w.logWeight[j]
		if f > best {
			scale := math.Exp(best - f)
			sum, slopes, best = sum*scale, slopes*scale, f
		}
		if f < best-negligible || math.IsInf(f, -1) {
			return false
		}
		sum += math.Exp(f - best)
		slopes += math.Exp(f-best) * g
		return true
	}
	for j := start; j < len(w.theta) && (add(j) || j == start); j++ {
	}
	for j := start - 1; j >= 0 && add(j); j-- {
	}
	if sum == 0 {
		return math.Inf(-1), math.NaN()
	}
	return best + math.Log(sum), slopes / sum
}

// of returns Σ ln(1 - θ + θ x/m) over the draws, and its slope in m.
func (w wealth) of(theta, m float64) (log, slope float64) {
	ratio := theta / m
	for i, x := range w.x {
		f := 1 - theta + ratio*x
		log += w.count[i] * math.Log(f)
		slope -= w.count[i] * x / f
	}
	return log, slope * ratio / m
}
