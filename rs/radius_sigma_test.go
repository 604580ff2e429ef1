package rs

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Radii grow with σ at equal means, so noise larger than stated is sound.
func TestRadiiGrowWithSigma(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		sigma, l, p := math.Exp(r.NormFloat64()), math.Exp(2*r.NormFloat64()), 0.5+r.Float64()/2
		more := sigma * (1 + r.Float64()/10)
		a, b := Smoothed{Sigma: sigma, L: l}, Smoothed{Sigma: more, L: l}
		if x, y := a.Radius(p), b.Radius(p); y < x-1e-12 {
			t.Fatalf("L = %v, p = %v: radius %v at σ = %v, %v at %v", l, p, x, sigma, y, more)
		}
		q := r.Float64() * (1 - p)
		if x, y := a.Radius2(p, q), b.Radius2(p, q); y < x-1e-12 {
			t.Fatalf("L = %v, p = %v, %v: radius %v at σ = %v, %v at %v", l, p, q, x, sigma,
				y, more)
		}
	}
}
