package rs

import "math"

// Hoeffding is mean ± √(ln(1/α)/(2n)), for any draws in [0, 1] (JASA 58, 1963).
type Hoeffding struct{}

// Name implements Bound.
func (Hoeffding) Name() string { return "hoeffding" }

// Lower implements Bound.
func (Hoeffding) Lower(s Sample, alpha float64) float64 {
	checkAlpha(alpha)
	s.check()
	return max(0, s.mean(s.Lo)-math.Sqrt(-math.Log(alpha)/(2*float64(s.N)))-meanSlack)
}

// Upper implements Bound.
func (h Hoeffding) Upper(s Sample, alpha float64) float64 { return upperOf(h, s, alpha) }
