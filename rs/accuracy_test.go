package rs

import (
	"math"
	"testing"
)

func TestAccuracy(t *testing.T) {
	results := []Result{
		{1, Certificate{Class: 1, Radius: 0.5}},
		{1, Certificate{Class: 1, Radius: 0}},
		{2, Certificate{Class: 1, Radius: 3}},
		{0, Certificate{Class: Abstain}},
		{3, Certificate{Class: Abstain}},
		{-1, Certificate{Class: Abstain}}, // without a label, they count for nothing
		{-1, Certificate{Class: 1, Radius: 2}},
	}
	for r, want := range map[float64]float64{0: 0.4, 0.25: 0.2, 0.5: 0.2, 0.51: 0, 3: 0} {
		if got := CertifiedAccuracy(results, r); got != want {
			t.Errorf("certified accuracy at %g: %g, want %g", r, got, want)
		}
	}
	if got := AverageRadius(results); got != 0.1 {
		t.Errorf("average radius %g", got)
	}
	lo, hi := AccuracyBand(results, 0.25, 0.95)
	if s := Bernoulli(1, 5); !near(lo, ClopperPearson{}.Lower(s, 0.025), 1e-12) ||
		!near(hi, ClopperPearson{}.Upper(s, 0.025), 1e-12) {
		t.Errorf("band [%g, %g]", lo, hi)
	}
	if none := results[5:]; !math.IsNaN(AverageRadius(none)) || len(Labelled(results)) != 5 {
		t.Error("an average radius without labels")
	}
	if lo, hi := AccuracyBand(nil, 0, 0.95); lo != 0 || hi != 1 ||
		!math.IsNaN(AverageRadius(nil)) || !math.IsNaN(CertifiedAccuracy(nil, 0)) {
		t.Errorf("of none: [%g, %g]", lo, hi)
	}
	panics(t, "level 1", func() { AccuracyBand(results, 0, 1) })
}
