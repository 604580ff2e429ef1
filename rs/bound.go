package rs

import (
	"fmt"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/named"
)

// A Bound bounds the mean of independent, identically distributed draws in [0, 1]
// from one side. Results are rounded outward.
type Bound interface {
	// Name is the name in Bounds.
	Name() string
	// Lower returns b with P(mean < b) <= alpha, 0 < alpha < 1.
	Lower(s Sample, alpha float64) float64
	// Upper returns b with P(mean > b) <= alpha.
	Upper(s Sample, alpha float64) float64
}

// A Sample sums up N draws in [0, 1]: Counts[i] of them lie in [Lo[i], Hi[i]]. A lower
// bound takes every draw at Lo, an upper bound at Hi, so that the width of a bin costs
// tightness and never soundness.
type Sample struct {
	N      int
	Lo, Hi []float64
	Counts []int
}

// Bernoulli is a sample of n draws in {0, 1}, k of them 1. It panics unless 0 <= k <= n, n > 0.
func Bernoulli(k, n int) Sample {
	if k < 0 || k > n || n == 0 {
		panic(fmt.Sprintf("rs: %d successes of %d draws", k, n))
	}
	ends := []float64{0, 1}
	return Sample{N: n, Lo: ends, Hi: ends, Counts: []int{n - k, k}}
}

// Draws is the sample of the values x, each in [0, 1]. It panics on any other value, and on an
// empty x.
func Draws(x []float64) Sample {
	values := slices.Sorted(slices.Values(x))
	counts := make([]int, 0, len(x))
	distinct := values[:0]
	for _, v := range values {
		if len(distinct) > 0 && distinct[len(distinct)-1] == v {
			counts[len(counts)-1]++
			continue
		}
		distinct, counts = append(distinct, v), append(counts, 1)
	}
	s := Sample{N: len(x), Lo: distinct, Hi: distinct, Counts: counts}
	s.check()
	return s
}

// check panics where s is no sample.
func (s Sample) check() {
	if len(s.Lo) != len(s.Counts) || len(s.Hi) != len(s.Counts) {
		panic("rs: a sample needs one Lo and one Hi a count")
	}
	n := 0
	for i, c := range s.Counts {
		if c < 0 || !(0 <= s.Lo[i] && s.Lo[i] <= s.Hi[i] && s.Hi[i] <= 1) {
			panic(fmt.Sprintf("rs: %d draws in [%g, %g], outside [0, 1]", c, s.Lo[i], s.Hi[i]))
		}
		n += c
	}
	if n != s.N || n == 0 {
		panic(fmt.Sprintf("rs: a sample of N = %d counts %d draws", s.N, n))
	}
}

// Mean returns the mean of the draws taken at Lo, and at Hi.
func (s Sample) Mean() (lo, hi float64) {
	return s.mean(s.Lo), s.mean(s.Hi)
}

func (s Sample) mean(at []float64) float64 {
	var sum compensated
	for i, c := range s.Counts {
		sum.add(float64(c) * at[i])
	}
	return sum.value() / float64(s.N)
}

// variance returns the unbiased variance of the draws taken at Lo; +Inf for a single draw.
func (s Sample) variance() float64 {
	if s.N == 1 {
		return math.Inf(1)
	}
	mean := s.mean(s.Lo)
	var sum compensated
	for i, c := range s.Counts {
		d := s.Lo[i] - mean
		sum.add(float64(c) * d * d)
	}
	return sum.value() / float64(s.N-1)
}

// mirror is the sample of 1-x, rounded outward.
func (s Sample) mirror() Sample {
	m := Sample{N: s.N, Lo: make([]float64, len(s.Lo)), Hi: make([]float64, len(s.Hi)),
		Counts: s.Counts}
	for i := range s.Counts {
		m.Lo[i], m.Hi[i] = oneMinusDown(s.Hi[i]), oneMinusUp(s.Lo[i])
	}
	return m
}

// compensated is Neumaier's sum.
type compensated struct{ sum, rest float64 }

func (c *compensated) add(x float64) {
	t := c.sum + x
	if math.Abs(c.sum) >= math.Abs(x) {
		c.rest += c.sum - t + x
	} else {
		c.rest += x - t + c.sum
	}
	c.sum = t
}

func (c *compensated) value() float64 { return c.sum + c.rest }

// meanSlack is taken off a bound that is a mean plus or minus a deviation: it covers
// the rounding of both, some units of 2^-53.
const meanSlack = 0x1p-48

// MinAlpha is the least error probability that methods may divide among bounds. Smaller parts may
// underflow.
const MinAlpha = 1e-100

func checkAlpha(alpha float64) {
	if !(0 < alpha && alpha < 1) {
		panic(fmt.Sprintf("rs: alpha = %g, outside (0, 1)", alpha))
	}
}

// upperOf is 1 - b.Lower of 1-x, rounded up.
func upperOf(b Bound, s Sample, alpha float64) float64 {
	return oneMinusUp(b.Lower(s.mirror(), alpha))
}

// oneMinusUp is 1-p, rounded up.
func oneMinusUp(p float64) float64 {
	u := 1 - p
	if 1-u > p {
		u = math.Nextafter(u, 2)
	}
	return u
}

// oneMinusDown is 1-p, rounded down.
func oneMinusDown(p float64) float64 {
	u := 1 - p
	if 1-u < p {
		u = math.Nextafter(u, -1)
	}
	return u
}

// BoundEntry is a Bound with its name and a description of one line.
type BoundEntry struct {
	Name, Doc string
	Bound     Bound
}

// Bounds lists the bounds by name.
var Bounds = []BoundEntry{
	{"clopper-pearson", "exact for votes: draws of 0 or 1", ClopperPearson{}},
	{"star", "bets sized by the missing wealth; tightest for soft votes at a fixed number of " +
		"draws (STaR-Bets 2025)", STaR{}},
	{"betting", "mixture of constant bets on soft votes, valid at every number of draws at once",
		Betting{}},
	{"bernstein", "empirical Bernstein (Maurer & Pontil 2009)", Bernstein{}},
	{"hoeffding", "Hoeffding 1963", Hoeffding{}},
	{"randomized", "randomized Clopper–Pearson, with one uniform number from the run's seed " +
		"(Voráček 2024)", Randomized{}},
	{"beta-mixture", "beta-binomial mixture on votes, valid at every number of draws at once",
		BetaMixture{}},
	{"beta-binomial", "confidence sequence of Howard et al. 2021 on votes, valid at every number " +
		"of draws at once", BetaBinomialSequence{}},
}

// BoundNames lists the names of Bounds.
func BoundNames() []string {
	names := make([]string, len(Bounds))
	for i, b := range Bounds {
		names[i] = b.Name
	}
	return names
}

// BoundByName finds a bound of Bounds. Its error lists the known names.
func BoundByName(name string) (Bound, error) {
	i := slices.IndexFunc(Bounds, func(b BoundEntry) bool { return b.Name == name })
	if i < 0 {
		return nil, named.Unknown("bound", name, BoundNames())
	}
	return Bounds[i].Bound, nil
}
