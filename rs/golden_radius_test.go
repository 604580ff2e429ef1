package rs

import (
	"math"
	"testing"
)

func TestGoldenCohen(t *testing.T) {
	for _, row := range goldenTSV(t, "radii_cohen.tsv") {
		checkRadius(t, row, "CohenRadius", CohenRadius(row["sigma"], row["pA"]), row["r_mono"])
		checkRadius(t, row, "CohenRadius2", CohenRadius2(row["sigma"], row["pA"], row["pB"]),
			row["r_multi"])
	}
}

func TestGoldenLipschitz(t *testing.T) {
	worst := 0.0
	for _, row := range goldenTSV(t, "radii_lipschitz.tsv") {
		c, p, want := Smoothed{Sigma: row["sigma"], L: row["L"]}, row["p"], row["r_exact"]
		checkRadius(t, row, "Radius", c.Radius(p), want)
		checkRadius(t, row, "CohenRadius", CohenRadius(c.Sigma, p), row["r_cohen"])
		checkRelative(t, row, "F", c.F(want), row["F_at_r"])
		checkRelative(t, row, "QuantileLipschitz", c.QuantileLipschitz(p), row["lip_quantile_rho0"])
		checkRelative(t, row, "PaperRadius", c.PaperRadius(p), row["r_paper_rho0"])
		inverse, slack := c.inverse(p)
		if math.Abs(inverse-want) > slack+2e-16*math.Abs(want) {
			t.Errorf("%v: inverse = %.17g, want %.17g within %g", row, inverse, want, slack)
		}
		if slack > 0 {
			worst = max(worst, math.Abs(inverse-want)/slack)
		}
	}
	t.Logf("largest error, in units of the slack: %.3f", worst)
}

func TestGoldenLipschitzMulti(t *testing.T) {
	for _, row := range goldenTSV(t, "radii_lipschitz_multi.tsv") {
		c, p1, p2 := Smoothed{Sigma: row["sigma"], L: row["L"]}, row["p1"], row["p2"]
		checkRadius(t, row, "Radius2", c.Radius2(p1, p2), row["r_multi_exact"])
		checkRadius(t, row, "CohenRadius2", CohenRadius2(c.Sigma, p1, p2), row["r_multi_cohen"])
		checkRadius(t, row, "MarginRadius 2L", MarginRadius(c.Sigma, 2*c.L, p1-p2),
			row["r_margin_2L"])
		checkRadius(t, row, "MarginRadius √2L", MarginRadius(c.Sigma, math.Sqrt2*c.L, p1-p2),
			row["r_margin_sqrt2L"])
		checkRelative(t, row, "PaperRadius2", c.PaperRadius2(p1, p2), row["r_multi_paper_rho0"])
	}
}

func TestGoldenSmoothedLipschitz(t *testing.T) {
	for _, row := range goldenTSV(t, "lipschitz_smoothed.tsv") {
		got, want := Smoothed{Sigma: row["sigma"], L: row["L"]}.Lipschitz(row["range"]),
			row["lip_exact"]
		checkRelative(t, row, "Lipschitz", got, want)
		if got < want {
			t.Errorf("%v: Lipschitz = %.17g, below %.17g", row, got, want)
		}
		if got > row["lip_authors"]*(1+1e-12) {
			t.Errorf("%v: Lipschitz = %.17g, above the published code's", row, got)
		}
	}
}

func checkRelative(t *testing.T, row any, what string, got, want float64) {
	t.Helper()
	if !near(got, want, 1e-10*math.Abs(want)) {
		t.Errorf("%v: %s = %.17g, want %.17g", row, what, got, want)
	}
}
