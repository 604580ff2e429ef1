package figures

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/coverage"
)

// soundMethods are those of the figures of List.
func soundMethods(t *testing.T) (entries []rs.Entry) {
	for _, name := range []string{"mono", "bonferroni", "cpm", "twobound"} {
		e, err := rs.MethodByName(name)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

func simulations(t *testing.T, shapes []coverage.Shape, classes []int, alpha float64,
	trials int) (all []coverage.Outcome) {
	t.Helper()
	for _, s := range shapes {
		for _, k := range classes {
			c := coverage.Case{Shape: s.Name, P: s.P(k, 0.9, 1), Sigma: 1, N0: 100, N: 10000}
			got, err := coverage.Simulate(t.Context(), c,
				coverage.Options{Alpha: alpha, Trials: trials, Seed: 1, Methods: soundMethods(t)})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, got...)
		}
	}
	return all
}

func TestIntervals(t *testing.T) {
	outcomes := simulations(t, coverage.Shapes[:1], []int{1000, 2, 10, 100}, 0.001, 300)
	f, err := Intervals(outcomes)
	if err != nil {
		t.Fatal(err)
	}
	two, cpm, truth := column(t, f.Table, "twobound"), column(t, f.Table, "cpm"),
		column(t, f.Table, "true")
	for k := range truth {
		a, _ := strconv.ParseFloat(cpm[k], 64)
		b, _ := strconv.ParseFloat(two[k], 64)
		c, _ := strconv.ParseFloat(truth[k], 64)
		if !(a <= b && b < c) || len(truth) != 4 {
			t.Errorf("K = %s: CPM %g, two bounds %g, true %g", k, a, b, c)
		}
	}
	if q := distuv.UnitNormal.Quantile(0.9); math.Abs(
		q-must(strconv.ParseFloat(truth["2"], 64))) > 1e-5 {
		t.Errorf("true radius %s of two classes, want %g", truth["2"], q)
	}
	for want, bad := range map[string][]coverage.Outcome{
		"no simulation":         nil,
		"one number of classes": outcomes[:4],
		"bonferroni was not":    append(outcomes[:5:5], outcomes[6:]...),
		"simulations of": {outcomes[0], func(o coverage.Outcome) coverage.Outcome {
			o.Alpha = 0.1
			return o
		}(outcomes[4])},
		"shapes zipf and surprise": {outcomes[0], func(o coverage.Outcome) coverage.Outcome {
			o.Case.Shape = "surprise"
			return o
		}(outcomes[4])},
	} {
		if _, err := Intervals(bad); err == nil ||
			!strings.HasPrefix(err.Error(), "figure intervals: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func must(x float64, err error) float64 {
	if err != nil {
		panic(err)
	}
	return x
}

func TestCoverage(t *testing.T) {
	outcomes := simulations(t, coverage.Shapes, []int{10}, 0.01, 4000)
	f, err := Coverage(outcomes)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Table.Rows) != len(outcomes) || len(outcomes) != 16 {
		t.Errorf("%d rows of %d outcomes", len(f.Table.Rows), len(outcomes))
	}
	for _, row := range f.Table.Rows {
		low, rate, high := must(strconv.ParseFloat(row[10], 64)),
			must(strconv.ParseFloat(row[9], 64)), must(strconv.ParseFloat(row[11], 64))
		if !(low <= rate && rate <= high && rate < 0.02) {
			t.Error(row)
		}
	}
	if _, err := Coverage(nil); err == nil || !strings.HasPrefix(err.Error(), "figure coverage: ") {
		t.Error(err)
	}
}

// The local constant is the derivative of Φ⁻¹∘F over its inverse, and the mean one its mean.
func TestLocal(t *testing.T) {
	f, err := Local(0.3, 2)
	if err != nil {
		t.Fatal(err)
	}
	normal := distuv.UnitNormal
	for _, l := range []float64{0.3, 2} {
		c := rs.Smoothed{Sigma: 1, L: l}
		name := strconv.FormatFloat(l, 'g', -1, 64)
		local, mean := column(t, f.Table, "local_"+name), column(t, f.Table, "mean_"+name)
		last := 0.0
		for _, row := range f.Table.Rows[1:] {
			p := must(strconv.ParseFloat(row[0], 64))
			at, h := c.Inverse(p), 1e-4
			slope := (normal.Quantile(c.F(at+h)) - normal.Quantile(c.F(at-h))) / (2 * h)
			if got := must(strconv.ParseFloat(local[row[0]], 64)); math.Abs(
				got-slope) > 2e-3*slope || got < last || got > 1 {
				t.Errorf("L = %g, p = %g: local %g, difference quotient %g", l, p, got, slope)
			} else {
				last = got
			}
			if got := must(strconv.ParseFloat(mean[row[0]], 64)); math.Abs(
				got*at-normal.Quantile(p)) > 1e-3 || got > last*(1+1e-5) {
				t.Errorf("L = %g, p = %g: mean %g", l, p, got)
			}
		}
	}
	for _, bad := range [][]float64{nil, {0}, {math.Inf(1)}, {math.NaN()}} {
		if _, err := Local(bad...); err == nil {
			t.Error(bad)
		}
	}
}
