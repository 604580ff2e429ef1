package peers

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// Contender runs the net.
type Contender interface {
	Name() string
	Version() string
	// Logits are those of the image without noise, [10].
	Logits(ctx context.Context) ([]float64, error)
	// Run takes vote steps for so many seconds and returns noisy images a second.
	Run(ctx context.Context, seconds float64) (rate float64, err error)
	// Close frees what the contender holds.
	Close()
}

// Tolerance is how far two logits of the same net may lie apart: float32 sums in another order.
// Rounded is for less than float32.
const Tolerance, Rounded = 1e-4, 3e-2

// Agree tells that a contender computes another net than the first.
func Agree(ctx context.Context, contenders []Contender, within float64) error {
	var first []float64
	for _, c := range contenders {
		z, err := c.Logits(ctx)
		if err != nil {
			return err
		}
		if first == nil {
			first = z
		}
		if len(z) != len(first) {
			return fmt.Errorf("%s has %d logits, %s %d", c.Name(), len(z), contenders[0].Name(),
				len(first))
		}
		for i, v := range z {
			if !(math.Abs(v-first[i]) <= within) {
				return fmt.Errorf("%s computes another net than %s: logit %d of the image "+
					"without noise is %.6g, not %.6g", c.Name(), contenders[0].Name(), i, v,
					first[i])
			}
		}
	}
	return nil
}

// Alternate runs the contenders in turn, each alone, and returns their rates in images a second,
// [rounds][contenders]. It calls each after every round.
func Alternate(ctx context.Context, contenders []Contender, rounds int, seconds float64,
	each func(round int, rates []float64)) (all [][]float64, err error) {
	for round := range rounds {
		var rates []float64
		for _, c := range contenders {
			rate, err := c.Run(ctx, seconds)
			if err != nil {
				return nil, err
			}
			rates = append(rates, rate)
		}
		all = append(all, rates)
		each(round, rates)
	}
	return all, nil
}

// Result is what the rounds say of a contender, in noisy images a second.
type Result struct {
	Best, Median float64
	Ratio        float64 // the median over rounds of the base's rate over this one's
}

// Results of rates, [rounds][contenders], is one for every contender. Ratios are of the contender
// that base numbers.
func Results(rates [][]float64, base int) []Result {
	results := make([]Result, len(rates[0]))
	for c := range results {
		var own, ratios []float64
		for _, round := range rates {
			own = append(own, round[c])
			ratios = append(ratios, round[base]/round[c])
		}
		results[c] = Result{slices.Max(own), median(own), median(ratios)}
	}
	return results
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
