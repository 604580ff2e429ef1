package sample

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
)

// TestReach: noisy images, of a side of black and white pixels, lie within reach, and come nearer
// to it than half.
func TestReach(t *testing.T) {
	if p := math.Exp(-deviations * deviations / 2.); p >= rs.BeyondReach {
		t.Errorf("beyond reach lie %g, not below %g", p, rs.BeyondReach)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, sigma := range []float64{0.01, 0.25, 1, 5} {
		for _, d := range []int{1, 10, 784, 3072} {
			reach, most := Reach(sigma, d, 0), 0.0
			for range 200 {
				s := 0.0
				for range d {
					v := 0.5 + sigma*r.NormFloat64()
					s += v * v
				}
				most = max(most, math.Sqrt(s))
			}
			if most > reach || d > 100 && most < 0.5*reach {
				t.Errorf("σ = %g, %d values: %g of %g", sigma, d, most, reach)
			}
			if more := Reach(sigma, d, 0.5) - reach; math.Abs(more-0.5) > 1e-4 {
				t.Errorf("rounding of 0.5 adds %g", more)
			}
		}
	}
}
