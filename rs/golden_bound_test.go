package rs

import (
	"math"
	"testing"
)

func TestGoldenClopperPearson(t *testing.T) {
	worst := 0.0
	for _, row := range goldenTSV(t, "cp_bounds.tsv") {
		s, alpha := Bernoulli(int(row["k"]), int(row["n"])), row["alpha"]
		lower, upper := ClopperPearson{}.Lower(s, alpha), ClopperPearson{}.Upper(s, alpha)
		if !near(lower, row["lower"], 1e-12*row["lower"]) || lower > row["lower"] {
			t.Errorf("%v: lower = %.17g, want %.17g", row, lower, row["lower"])
		}
		if !near(upper, row["upper"], 1e-12*row["upper"]) || upper < row["upper"] {
			t.Errorf("%v: upper = %.17g, want %.17g", row, upper, row["upper"])
		}
		// 1 - upper keeps what the spacing of doubles near 1 leaves.
		if rest := row["one_minus_upper"]; !near(1-upper, rest, 1e-12*rest+5e-16) {
			t.Errorf("%v: 1 - upper = %g, want %g", row, 1-upper, rest)
		}
		if row["lower"] > 0 && row["lower"] < 0.5 {
			worst = max(worst, math.Abs(lower/row["lower"]-1))
		}
	}
	t.Logf("largest relative distance of a lower bound: %.2g", worst)
}

func TestGoldenBoundedMean(t *testing.T) {
	var cases []struct {
		Name     string
		X        []float64
		Mean     float64
		Variance float64 `json:"sample_variance"`
		Bounds   []map[string]any
	}
	goldenJSON(t, "bounded_mean.json", &cases)
	hedged := map[string]Hedged{
		"betting_seq_c0.5_running":      {},
		"betting_seq_c0.5_final":        {Final: true},
		"betting_seq_c0.75_running":     {C: 0.75},
		"betting_seq_c0.75_final":       {C: 0.75, Final: true},
		"betting_fixed_n_c0.5_running":  {FixedN: true},
		"betting_fixed_n_c0.5_final":    {FixedN: true, Final: true},
		"betting_fixed_n_c0.75_running": {C: 0.75, FixedN: true},
		"betting_fixed_n_c0.75_final":   {C: 0.75, FixedN: true, Final: true},
	}
	for _, c := range cases {
		s := Draws(c.X)
		if lo, hi := s.Mean(); !near(lo, c.Mean, 1e-14) || lo != hi {
			t.Errorf("%s: mean = %g, %g, want %g", c.Name, lo, hi, c.Mean)
		}
		if len(c.X) > 1 && !near(s.variance(), c.Variance, 1e-10*c.Variance+1e-16) {
			t.Errorf("%s: variance = %g, want %g", c.Name, s.variance(), c.Variance)
		}
		for _, row := range c.Bounds {
			alpha := row["alpha"].(float64)
			check := func(name string, lower, upper float64) {
				pair, ok := row[name].([]any)
				if !ok {
					if name != "maurer_pontil" || len(c.X) > 1 {
						t.Errorf("%s: no %s in the file", c.Name, name)
					}
					return
				}
				wantLower, wantUpper := pair[0].(float64), pair[1].(float64)
				if !near(lower, wantLower, 1e-9) || !near(upper, wantUpper, 1e-9) {
					t.Errorf("%s, alpha = %g: %s = [%.12g, %.12g], want [%.12g, %.12g]", c.Name,
						alpha, name, lower, upper, wantLower, wantUpper)
				}
			}
			check("hoeffding", Hoeffding{}.Lower(s, alpha), Hoeffding{}.Upper(s, alpha))
			check("maurer_pontil", Bernstein{}.Lower(s, alpha), Bernstein{}.Upper(s, alpha))
			for name, h := range hedged {
				check(name, h.Lower(c.X, alpha), h.Upper(c.X, alpha))
			}
		}
	}
}

func TestGoldenHedgedTrace(t *testing.T) {
	rows := goldenTSV(t, "betting_trace.tsv")
	x := make([]float64, len(rows))
	for i, row := range rows {
		x[i] = row["x"]
	}
	seq, fixed := Hedged{}.bets(x, 0.05), Hedged{FixedN: true}.bets(x, 0.05)
	for i, row := range rows {
		_, capital := Hedged{}.logCapital(x[:i+1], seq, 0.4)
		for name, got := range map[string]float64{
			"lambda_seq": seq[i], "lambda_fixed_n20": fixed[i],
			"log_capital_seq_m0.4_c0.5": capital,
		} {
			if want := row[name]; !near(got, want, 1e-10*math.Abs(want)) {
				t.Errorf("draw %d: %s = %.15g, want %.15g", i+1, name, got, want)
			}
		}
	}
}
