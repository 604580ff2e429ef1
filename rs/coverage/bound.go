package coverage

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lipsmooth/lipsmooth/rs"
)

// CheckBound tries a bound and returns the first fault. On votes, it sums the error probability
// exactly, over every count, for a grid of means. On draws between 0 and 1, it simulates. So a
// bound whose error probability is barely too large can pass. Each bound must lie in [0, 1], on its
// side of the mean, and be wider at a smaller α. STaR's error probability is also over a random
// order of the draws, so it is only simulated.
func CheckBound(b rs.Bound) error {
	if b.Name() == "" {
		return fmt.Errorf("%T: no name", b)
	}
	if _, ordered := b.(rs.STaR); ordered {
		return simulated(b)
	}
	for _, n := range []int{1, 10, 60, 300} {
		var last [2][]float64 // at the larger α
		for _, alpha := range []float64{0.05, 0.001} {
			sides, err := ofVotes(b, n, alpha)
			if err != nil {
				return err
			}
			for k := range n + 1 {
				if last[0] != nil && (sides[0][k] > last[0][k] || sides[1][k] < last[1][k]) {
					return fmt.Errorf("%s: %d of %d votes: tighter at α = %g than at a larger one",
						b.Name(), k, n, alpha)
				}
			}
			last = sides
			if err := covers(b, n, alpha, sides); err != nil {
				return err
			}
		}
	}
	return simulated(b)
}

// ofVotes returns the lower and upper bound of each number of votes.
func ofVotes(b rs.Bound, n int, alpha float64) (sides [2][]float64, err error) {
	for k := range n + 1 {
		s := rs.Bernoulli(k, n)
		low, high, mean := b.Lower(s, alpha), b.Upper(s, alpha), float64(k)/float64(n)
		if !(0 <= low && low <= mean && mean <= high && high <= 1) {
			return sides, fmt.Errorf("%s: %d of %d votes at α = %g: [%g, %g], want it in [0, 1] "+
				"and around %g", b.Name(), k, n, alpha, low, high, mean)
		}
		sides[0], sides[1] = append(sides[0], low), append(sides[1], high)
	}
	return sides, nil
}

// covers sums the probabilities of the counts whose bounds miss the mean.
func covers(b rs.Bound, n int, alpha float64, sides [2][]float64) error {
	for i := 1; i < 200; i++ {
		p := float64(i) / 200
		law := distuv.Binomial{N: float64(n), P: p}
		below, above := 0.0, 0.0
		for k := range n + 1 {
			if sides[0][k] > p {
				below += law.Prob(float64(k))
			}
			if sides[1][k] < p {
				above += law.Prob(float64(k))
			}
		}
		for side, wrong := range map[string]float64{"lower": below, "upper": above} {
			if wrong > alpha*(1+1e-9) {
				return fmt.Errorf("%s: of %d votes of mean %g the %s bound at α = %g is wrong "+
					"with probability %.3g", b.Name(), n, p, side, alpha, wrong)
			}
		}
	}
	return nil
}

// simulated draws from populations in [0, 1]. A bound that is wrong with probability α exceeds the
// limit once in 30,000 times by chance.
func simulated(b rs.Bound) error {
	const trials, n, alpha = 1000, 60, 0.05
	limit := int(trials*alpha + 4*math.Sqrt(trials*alpha*(1-alpha)) + 1)
	for _, p := range []struct {
		name string
		mean float64
		draw func(*rand.Rand) float64
	}{
		{"uniform", 0.5, (*rand.Rand).Float64},
		{"near 1", 0.99, func(r *rand.Rand) float64 { return math.Pow(r.Float64(), 1.0/99) }},
		{"near 0", 1.0 / 11, func(r *rand.Rand) float64 { return math.Pow(r.Float64(), 10) }},
	} {
		r, below, above := rand.New(rand.NewPCG(1, 2)), 0, 0
		for trial := range trials {
			b := rs.OfExample(b, 1, trial)
			x := make([]float64, n)
			for i := range x {
				x[i] = p.draw(r)
			}
			s := rs.Draws(x)
			if p.mean < b.Lower(s, alpha) {
				below++
			}
			if p.mean > b.Upper(s, alpha) {
				above++
			}
		}
		if max(below, above) > limit {
			return fmt.Errorf("%s: of %d draws %s the lower bound at α = %g was wrong %d times "+
				"of %d, the upper one %d times", b.Name(), n, p.name, alpha, below, trials, above)
		}
	}
	return nil
}
