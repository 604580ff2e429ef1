package coverage

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
)

// The isoperimetric theorem on functions whose law is known: at every point within R(s) more than
// half of the votes stay, and with exact probabilities R(s) never rises with s.
func TestIsoperimetricTheorem(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 14))
	close := 0
	for range 3000 {
		f, sigma := RandomLine(r, 12), 0.2+r.Float64()
		last := math.Inf(1)
		for s := 0.0; s < 2; s += 0.1 {
			p := f.Above(0, sigma, s)
			if p < 1e-9 || p > 1-1e-9 {
				continue
			}
			radius := s + rs.CohenRadius(sigma, p)
			if radius > last+1e-6 {
				t.Fatalf("R(%g) = %g, above %g at a lower level", s, radius, last)
			}
			if last = radius; radius <= 0 {
				continue
			}
			for _, part := range []float64{-0.999, -0.7, -0.3, 0.3, 0.7, 0.999} {
				stay := f.Above(part*radius, sigma, 0)
				if stay <= 0.5 {
					t.Fatalf("σ = %g, s = %g: %g of the votes at %g of R = %g", sigma, s, stay,
						part, radius)
				}
				if math.Abs(part) == 0.999 && stay < 0.51 {
					close++
				}
			}
		}
	}
	if close < 20 {
		t.Errorf("only %d radii came close to what is true", close)
	}
}
