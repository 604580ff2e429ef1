package rs

import (
	"fmt"
	"math"
)

// Checkpoints is Clopper–Pearson at geometrically spaced numbers of draws, with α spent over them.
// The numbers are n_0 = First and n_{j+1} = max(n_j + 1, ⌈Growth n_j⌉). The level of n_j is
// α/((j+1)(j+2)), and these levels sum to α. The bounds of all checkpoints hold together, so
// sampling may stop at any of them because of its value. Checkpoints is no bound at any other
// number of draws, and panics there.
type Checkpoints struct {
	First  int     // draws at the first checkpoint, > 0
	Growth float64 // > 1
}

// Name implements Bound.
func (Checkpoints) Name() string { return "checkpoint-clopper-pearson" }

// Sizes returns the checkpoints up to this many draws.
func (c Checkpoints) Sizes(most int) []int {
	if c.First <= 0 || !(c.Growth > 1) {
		panic(fmt.Sprintf("rs: checkpoints from %d draws by a factor of %g", c.First, c.Growth))
	}
	var sizes []int
	for n := c.First; n <= most; {
		sizes = append(sizes, n)
		next := math.Ceil(c.Growth * float64(n) * (1 - 1e-14)) // 1.1 × 100 is 110
		if next > float64(most) {
			break
		}
		n = max(n+1, int(next))
	}
	return sizes
}

// Level returns what checkpoint j, from 0, may spend of alpha, rounded down.
func (c Checkpoints) Level(j int, alpha float64) float64 {
	checkAlpha(alpha)
	f := float64(j)
	return alpha / ((f + 1) * (f + 2)) * (1 - 0x1p-51)
}

// Lower implements Bound, at every checkpoint at once.
func (c Checkpoints) Lower(s Sample, alpha float64) float64 {
	return ClopperPearson{}.Lower(s, c.Level(c.at(s.N), alpha))
}

// Upper implements Bound, at every checkpoint at once.
func (c Checkpoints) Upper(s Sample, alpha float64) float64 {
	return ClopperPearson{}.Upper(s, c.Level(c.at(s.N), alpha))
}

// at returns which checkpoint n is.
func (c Checkpoints) at(n int) int {
	sizes := c.Sizes(n)
	if len(sizes) == 0 || sizes[len(sizes)-1] != n {
		panic(fmt.Sprintf("rs: %d draws are no checkpoint of %+v", n, c))
	}
	return len(sizes) - 1
}
