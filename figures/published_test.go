package figures

import (
	"math"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
)

// The published curves have the numbers of the whole logs, up to their quantiles.
func TestPublished(t *testing.T) {
	for _, want := range []struct {
		dataset, name                 string
		average, accuracy, half, full float64 // the last three at r = 0, 0.5 and 1
	}{
		{"mnist", "consistency and SmoothAdv, σ = 0.5", 1.6966, 0.986, 0.970, 0.927},
		{"mnist", "SmoothMix, σ = 1", 1.8230, 0.933, 0.875, 0.775},
		{"cifar10", "SmoothMix, σ = 0.25", 0.5534, 0.771, 0.579, 0},
		{"cifar10", "SmoothMix, σ = 0.5", 0.7356, 0.635, 0.505, 0.367},
		{"cifar10", "consistency and SmoothAdv, σ = 1", 0.8160, 0.417, 0.362, 0.307},
	} {
		others, _, err := ReadOther(Published+want.dataset, 0.001)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, o := range others {
			if o.Name != want.name {
				continue
			}
			found = true
			if got := rs.AverageRadius(o.Results); math.Abs(got-want.average) > 5e-4 {
				t.Errorf("%s: average radius %v, want %v", o.Name, got, want.average)
			}
			for r, accuracy := range map[float64]float64{0: want.accuracy, 0.5: want.half,
				1: want.full} {
				if got := rs.CertifiedAccuracy(o.Results, r); math.Abs(got-accuracy) > 0.005 {
					t.Errorf("%s: %v at %v, want %v", o.Name, got, r, accuracy)
				}
			}
		}
		if !found {
			t.Errorf("%s: no curve %q", want.dataset, want.name)
		}
	}
	if _, _, err := ReadOther(Published+"imagenet", 0.001); err == nil ||
		!strings.Contains(err.Error(), "published-mnist and published-cifar10") {
		t.Error(err)
	}
}
