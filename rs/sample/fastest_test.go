package sample_test

import (
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// The fastest is the one of the fewest seconds, and draws the run then.
func TestFastest(t *testing.T) {
	one := &sample.Drawer{Classifier: served{newPlain(), 3}, Images: pictures{}}
	two := &sample.Drawer{Classifier: served{newPlain(), 3}, Images: pictures{}}
	defer one.Close()
	defer two.Close()
	best, each, err := sample.Fastest(t.Context(), smallPlan(), one, two)
	if err != nil || len(each) != 2 || each[best].Seconds > each[1-best].Seconds {
		t.Errorf("%d of %+v, %v", best, each, err)
	}
	bad := smallPlan()
	bad.Sigma = -1
	_, _, err = sample.Fastest(t.Context(), bad, one, two)
	refused(t, err, "sigma")
}
