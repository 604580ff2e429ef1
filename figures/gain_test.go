package figures

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/coverage"
)

// TestGain: on equal votes, two bounds never certify less than CPM or Bonferroni. Gains are
// differences of the means.
func TestGain(t *testing.T) {
	f, err := drawGain(Input{})
	if err != nil {
		t.Fatal(err)
	}
	number := func(row []string, name string) float64 {
		for i, column := range f.Table.Columns {
			if column == name {
				return must(strconv.ParseFloat(row[i], 64))
			}
		}
		t.Fatalf("no column %s", name)
		return 0
	}
	for _, row := range f.Table.Rows {
		two, cpm, bonferroni, mono := number(row, "twobound"), number(row, "cpm"),
			number(row, "bonferroni"), number(row, "mono")
		if two < cpm || two < bonferroni {
			t.Errorf("two bounds %g, CPM %g, Bonferroni %g", two, cpm, bonferroni)
		}
		if math.Abs(number(row, "cpm_less_mono")-(cpm-mono)) > 1e-5 ||
			math.Abs(number(row, "twobound_less_bonferroni")-(two-bonferroni)) > 1e-5 {
			t.Error(row)
		}
	}
	if len(f.Table.Rows) != 14 {
		t.Errorf("%d rows", len(f.Table.Rows))
	}
	some := simulations(t, coverage.Shapes[:1], []int{2, 10}, 0.001, 10)
	for want, try := range map[string]func() (*Figure, error){
		"no simulation to draw":            func() (*Figure, error) { return Gain(nil, some) },
		"no simulation of several":         func() (*Figure, error) { return Gain(some, nil) },
		"draws n of one value":             func() (*Figure, error) { return Gain(some, some[:4]) },
		"twobound was not simulated at 10": func() (*Figure, error) { return Gain(some[:7], some) },
	} {
		if _, err := try(); err == nil || !strings.HasPrefix(err.Error(), "figure gain: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestRadiusSigma(t *testing.T) {
	in := input()
	f, err := drawRadiusSigma(in)
	if err != nil {
		t.Fatal(err)
	}
	if f.Lower == nil || len(f.Table.Columns) != 11 || f.Table.Columns[1] != "twobound_0.12" ||
		f.Table.Columns[10] != "isoperimetric_1" {
		t.Error(f.Table.Columns)
	}
	in.Methods = []string{"mono"}
	if f, err = drawRadiusSigma(in); err != nil || f.Lower != nil || len(f.Table.Columns) != 6 {
		t.Error(f, err)
	}
	in.Runs = in.Runs[:1]
	if _, err := drawRadiusSigma(in); err == nil ||
		!strings.Contains(err.Error(), "runs of 1 noise level") {
		t.Error(err)
	}
}
