package rs

import (
	"math"
	"math/bits"
)

// STaR bounds the mean by bets that recalculate their target (STaR-Bets, Vorácek & Orabona 2025,
// arXiv 2505.22422). Each bet is made for the wealth still missing to 1/α and the draws still left.
// The number of draws must be fixed beforehand. Betting holds at every number of draws at once,
// which makes it wider.
//
// The order. A Sample has no order, and bets need one. The draws are independent and identically
// distributed, so all orders are equally likely given the counts. A uniformly random order that is
// chosen apart from the draws therefore has the law of the order in which they came.
//
// The proof. Each mean m in (0, 1) has its own bets. The bet λ_i(m) on draw i is a function of the
// draws before it:
//
//	W(m) = Π_i (1 + λ_i(m)(x_i - m)),  0 <= λ_i(m) m < 1.
//
// Bets against m end where W(m) reaches 1/α, and then m is rejected. W(μ) of the true mean μ is a
// nonnegative martingale that starts at 1, so μ is rejected with probability at most α (Ville). The
// bound is b = inf {m: m isn't rejected}. Where b > μ, μ is rejected: P(b > μ) <= α. The proof
// doesn't need W to fall in m.
//
// The computation. The first 1/16 of the draws have bets that are common to all m. These draws
// choose cells, which divide the means. The other bets are common to all m of a cell, so W falls in
// m within a cell. The cells are tried from the lowest. A cell is rejected where its upper end is.
// In the first other cell, b is the root of W(m) = 1/α, or the lower end of the cell.
//
// Draws are taken at Lo, and the mean of Lo is no larger. The work grows with the draws: the bound
// of more than 200,000 is Betting's.
type STaR struct {
	// Seed gives the order. It must be independent of the draws, as that of OfExample is.
	Seed uint64
}

// Name implements Bound.
func (STaR) Name() string { return "star" }

// mostSTaR is the number of draws above which the bound is Betting's.
const mostSTaR = 200_000

// Lower implements Bound.
func (b STaR) Lower(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	if s.check(); s.N > mostSTaR {
		return Betting{}.Lower(s, alpha)
	}
	g := newGame(s.shuffled(b.Seed), alpha)
	below := 0.0
	for _, end := range g.cells() {
		if !g.play(end) {
			return min(g.root(below, end), s.mean(s.Lo))
		}
		below = end
	}
	return min(below, s.mean(s.Lo))
}

// Upper implements Bound.
func (b STaR) Upper(s Sample, alpha float64) float64 { return upperOf(b, s, alpha) }

// shuffled returns the draws at Lo, in a random order.
func (s Sample) shuffled(seed uint64) []float64 {
	x := make([]float64, 0, s.N)
	for i, c := range s.Counts {
		for range c {
			x = append(x, s.Lo[i])
		}
	}
	for i := len(x) - 1; i > 0; i-- { // Fisher & Yates, by SplitMix64
		seed += 0x9e3779b97f4a7c15
		j, _ := bits.Mul64(splitMix(seed), uint64(i+1))
		x[i], x[j] = x[j], x[i]
	}
	return x
}

// game is a series of draws to bet on. Bets change from block to block of draws; a block is about
// 1/100 of the draws that are left.
type game struct {
	x      []float64
	blocks []block
	bets   []float64 // of the blocks of the last play, the common ones first
	common int       // blocks whose bets are common to all means
	alpha  float64
	target float64 // wealth that rejects a mean: 1/α, and more for the rounding of factors
}

// block is x[from:to], and the sums over x[:from].
type block struct {
	from, to     int
	sum, squares float64
}

// allIn is the largest λm. Each factor is then above 2⁻¹¹, and rounded by less than 2⁻⁴¹ of it.
const allIn = 1 - 0x1p-10

func newGame(x []float64, alpha float64) *game {
	n := len(x)
	g := &game{x: x, alpha: alpha, target: math.Exp(float64(n)*0x1p-40+1e-12) / alpha}
	sum, squares := 0.0, 0.0
	for from := 0; from < n; {
		to := from + 1 + (n-from)/100
		b := block{from, to, sum, squares}
		g.blocks = append(g.blocks, b)
		if from < n/16 {
			g.common++ // for every m at once: λ < 1
			g.bets = append(g.bets, min(g.bet(b, b.mean(), 1), allIn))
		}
		for _, v := range x[from:to] {
			sum += v
			squares += float64(v * v)
		}
		from = to
	}
	return g
}

// mean of the draws before the block, and of one at 1/2.
func (b block) mean() float64 { return (b.sum + 0.5) / (float64(b.from) + 1) }

// variance estimates the mean square of x - m. It adds a draw of square m, and is at most m(1-m),
// the variance of votes of mean m.
func (b block) variance(m float64) float64 {
	t := float64(b.from)
	seen := max(0, b.squares-2*m*b.sum+t*m*m)
	return min(m*(1-m), (seen+m)/(t+1))
}

// bet returns λ for m at some wealth. With l = ln(1/(α wealth)) missing and k draws of variance V
// left, STaR-Bets take √(2l/(kV)). This bet takes 2l - ln(1 + 1.55 l) for 2l: within 4% the square
// of the normal hazard rate φ/Φ̄ where Φ̄ = e^-l, for l from 0.7 to 20. Such bets replicate a
// payment of 1/α that is due where a sum of normal draws passes its (1-α)-quantile.
func (g *game) bet(b block, m, wealth float64) float64 {
	l := max(-math.Log(g.alpha*wealth), 1e-9)
	return math.Sqrt((2*l - math.Log1p(1.55*l)) / (float64(len(g.x)-b.from) * b.variance(m)))
}

// cells returns the upper ends of the cells, rising, and closest where the common draws let expect
// the bound. Means above the last are not rejected.
func (g *game) cells() []float64 {
	const cells = 60
	b := g.blocks[min(g.common, len(g.blocks)-1)]
	mean, n, l := b.mean(), float64(len(g.x)), -math.Log(g.alpha)
	v := b.variance(mean)
	middle := mean - math.Sqrt(2*l*v/n) - l/(3*n)
	deviation := math.Sqrt(v / (float64(b.from) + 1))
	var ends []float64
	for k := range cells + 1 {
		u := 2*float64(k)/cells - 1
		if end := middle + deviation*(1.6*u+2.4*u*u*u); 0 < end && end < 1 {
			ends = append(ends, end)
		}
	}
	return ends
}

// play bets against the mean m, which it reports to be rejected or not.
func (g *game) play(m float64) bool {
	w := 1.0
	g.bets = g.bets[:g.common]
	for i, b := range g.blocks {
		if i >= g.common {
			g.bets = append(g.bets, min(g.bet(b, m, w), allIn/m))
		}
		if w = g.factors(b, w, g.bets[i], m); w >= g.target || w < ruin {
			break
		}
	}
	return w >= g.target
}

// ruin is the wealth at which bets end, before doubles lose digits.
const ruin = 1e-200

// factors multiplies w by those of a block.
func (g *game) factors(b block, w, bet, m float64) float64 {
	for _, v := range g.x[b.from:b.to] {
		w *= 1 + float64(bet*(v-m))
	}
	return w
}

// rejects reports whether the bets of the last play reject m.
func (g *game) rejects(m float64) bool {
	w := 1.0
	for i, bet := range g.bets {
		if w = g.factors(g.blocks[i], w, bet, m); w >= g.target || w < ruin {
			break
		}
	}
	return w >= g.target
}

// root returns lo, or an m that the bets of the last play reject, just below the least that they
// don't. The last play was against hi.
func (g *game) root(lo, hi float64) float64 {
	for range 40 {
		if mid := lo + (hi-lo)/2; g.rejects(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}
