package rs

import (
	"math"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/proof"
)

// A bound keeps who answers for it; no bound is neither.
func TestConstant(t *testing.T) {
	for want, c := range map[string]Constant{"unknown": {}, "2.5 (claimed)": Claim(2.5),
		"1.5 (proved)":               Proved(proof.Of(1.5)),
		"1.5 (proved from the file)": Proved(proof.FromFile(1.5))} {
		if c.String() != want || c.Known() != (want != "unknown") ||
			c.Proved() != strings.HasPrefix(c.Source(), "proved") {
			t.Errorf("%v, want %s", c, want)
		}
	}
	for _, bad := range []float64{0, -1, math.Inf(1), math.NaN()} {
		panics(t, "Lipschitz constant", func() { Claim(bad) })
		panics(t, "Lipschitz constant", func() { Proved(proof.Of(bad)) })
	}
}
