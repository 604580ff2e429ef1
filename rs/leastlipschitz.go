package rs

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// leastTests is how many confidence bounds LeastLipschitz shares α among.
const leastTests = 10

// LeastLipschitz returns a lower confidence bound on the Lipschitz constant (l2) of the selected
// class's margin: with probability at least 1-α over the draws, the constant isn't smaller. A
// claimed constant below this bound is wrong. LeastLipschitz is 0 where margins show nothing.
//
// Let the margin m be Λ-Lipschitz and Z ~ N(0, σ²I). For a < b the sets {m < a} and {m >= b} are
// (b-a)/Λ apart, so the Gaussian isoperimetric inequality gives
//
//	(b-a)/Λ <= -σ (Φ⁻¹(P(m < a)) + Φ⁻¹(P(m >= b))).
//
// An image with margin c and noisy copies with margins beyond b, |c-b| = t, has t/Λ <= σr, where
// P(χ_d >= r) is the share of such copies. Shares are bounded from below, and the selection draw
// chooses a and b. dimension is d, the number of values of an image; 0 leaves the second test out.
func (e *Evidence) LeastLipschitz(dimension int, alpha float64) (float64, error) {
	checkAlpha(alpha)
	if !e.HasMargins() {
		return 0, nil
	}
	if err := e.checkMargins(); err != nil {
		return 0, err
	}
	bound, err := e.votesBound(nil)
	if err != nil {
		return 0, err
	}
	s := stretch{e, bound, alpha / leastTests, dimension}
	least := 0.0
	for _, q := range []float64{0.25, 0.1, 0.02} {
		low, high := s.below(q), s.above(q)
		least = max(least, s.across(low, high))
		if q < 0.25 && dimension > 0 {
			least = max(least, s.fromClean(high, true), s.fromClean(low, false))
		}
	}
	return least, nil
}

// stretch is what LeastLipschitz works on: bounds at alpha each.
type stretch struct {
	*Evidence
	bound     Bound
	alpha     float64
	dimension int
}

// below is the least edge that a share q of the selection draw lies below, -1 where there is none.
func (s stretch) below(q float64) int {
	h := s.SelectionMargins
	sum, want := 0, q*float64(h.Total())
	for j := range h.Edges {
		if sum += h.Counts[j]; float64(sum) >= want && sum > 0 {
			return j
		}
	}
	return -1
}

// above is the largest edge that a share q of the selection draw doesn't lie below, -1 where there
// is none.
func (s stretch) above(q float64) int {
	h := s.SelectionMargins
	sum, want := 0, q*float64(h.Total())
	for j := len(h.Edges) - 1; j >= 0; j-- {
		if sum += h.Counts[j+1]; float64(sum) >= want && sum > 0 {
			return j
		}
	}
	return -1
}

// share bounds from below the probability of a margin below an edge, or not below it.
func (s stretch) share(edge int, below bool) float64 {
	n, all := Votes(s.Margins.Counts[:edge+1]).Total(), s.Margins.Total()
	if !below {
		n = all - n
	}
	return s.bound.Lower(Bernoulli(n, all), s.alpha)
}

// across is the constant that margins below one edge and above another one show.
func (s stretch) across(low, high int) float64 {
	if low < 0 || high < 0 || low >= high {
		return 0
	}
	p, q := s.share(low, true), s.share(high, false)
	if p == 0 || q == 0 {
		return 0
	}
	edges := s.Margins.Edges
	apart := -mathext.NormalQuantile(p) - mathext.NormalQuantile(q)
	return s.least(edges[high]-edges[low], s.Sigma*apart+2*s.Rounding)
}

// fromClean is the constant that the clean margin and margins beyond an edge show.
func (s stretch) fromClean(edge int, above bool) float64 {
	if edge < 0 || s.Clean.Class < 0 {
		return 0
	}
	t := s.Margins.Edges[edge] - s.Clean.Margin
	switch {
	case s.Clean.Class != s.Class && !above:
		return 0 // the clean margin of this class is known from above alone
	case s.Clean.Class != s.Class:
		t = s.Margins.Edges[edge] + s.Clean.Margin
	case !above:
		t = -t
	}
	p := s.share(edge, !above)
	if t <= 0 || p == 0 {
		return 0
	}
	chi := distuv.ChiSquared{K: float64(s.dimension)}
	return s.least(t, s.Sigma*math.Sqrt(chi.Quantile(1-p))+s.Rounding)
}

// least is the constant of a margin that rises by rise, as logged, over a distance of at most far.
func (s stretch) least(rise, far float64) float64 {
	if rise -= 2 * s.MarginError; rise <= 0 || !(far > 0) {
		return 0
	}
	return rise / far * (1 - 1e-9) // the quantiles' rounding
}
