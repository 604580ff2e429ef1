package rs

import "math"

// Bernstein is the empirical Bernstein bound of Maurer & Pontil (2009, Theorem 4): mean ± (√(2V
// ln(2/α)/n) + 7 ln(2/α)/(3(n-1))), where V is the unbiased variance. It holds for any draws in [0,
// 1].
type Bernstein struct{}

// Name implements Bound.
func (Bernstein) Name() string { return "bernstein" }

// Lower implements Bound.
func (Bernstein) Lower(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	s.check()
	n, l := float64(s.N), math.Log(2/alpha)
	shift := math.Sqrt(2*s.variance()*l/n) + 7*l/(3*(n-1))
	return max(0, s.mean(s.Lo)-shift-meanSlack)
}

// Upper implements Bound.
func (b Bernstein) Upper(s Sample, alpha float64) float64 { return upperOf(b, s, alpha) }
