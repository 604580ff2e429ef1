package sample

import (
	"math/rand/v2"
	"testing"
)

func TestScaleIsNeverBelowSigma(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100000 {
		sigma := r.ExpFloat64()
		if s := float64(scale(sigma)); s < sigma || s > sigma*(1+0x1p-22) {
			t.Fatalf("σ = %v is drawn as %v", sigma, s)
		}
	}
	if scale(0.5) != 0.5 {
		t.Error("σ = 0.5 isn't kept")
	}
}
