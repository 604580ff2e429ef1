package figures

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// trained makes points of a sweep up: more noise, less accuracy and larger radii.
func trained() (points []SweepPoint) {
	for i, loss := range []string{"offset", "emma", "hkr", "multi-margin"} {
		for _, sigma := range []string{"0", "0.25", "0.5", "1"} {
			s := must(strconv.ParseFloat(sigma, 64))
			points = append(points, SweepPoint{[]string{loss, sigma},
				0.99 - 0.06*s*s - 0.004*float64(i), 0.9 + 0.5*math.Sqrt(s) - 0.2*s*s +
					0.05*float64(i)})
		}
	}
	return points
}

// sweepTable is their table, as a sweep keeps it.
func sweepTable() *table.Table {
	t := &table.Table{Columns: []string{"point", "loss", "sigma", "accuracy", "r=1",
		"average_radius", "seconds"}}
	for _, p := range trained() {
		t.Add(strings.Join(p.Values, "-"), p.Values[0], p.Values[1], p.Accuracy, 0.5, p.Radius, "")
	}
	return t
}

func TestSweepOf(t *testing.T) {
	axes, points, err := SweepOf(sweepTable())
	if err != nil || !slices.Equal(axes, []string{"loss", "sigma"}) || len(points) != 16 ||
		!slices.Equal(points[5].Values, []string{"emma", "0.25"}) || points[5].Radius != 1.1875 {
		t.Error(axes, points, err)
	}
	for want, bad := range map[string]*table.Table{
		"no columns of a sweep":      {Columns: []string{"accuracy", "point"}},
		`no column "average_radius"`: {Columns: []string{"point", "loss", "accuracy"}},
		`column "accuracy", row 1: no `: {Columns: []string{"point", "loss", "accuracy",
			"average_radius"}, Rows: [][]string{{"a", "a", "", "1"}}},
	} {
		if _, _, err := SweepOf(bad); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := drawSweep(Input{Sweep: bad}); err == nil ||
			!strings.HasPrefix(err.Error(), "figure sweep: ") {
			t.Error(err)
		}
	}
}

func TestSweep(t *testing.T) {
	points := trained()
	f, err := Sweep([]string{"loss", "sigma"}, points, "MNIST, 6 epochs")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Table.Rows) != 16 || strings.Join(f.Table.Rows[5],
		" ") != "emma 0.25 0.98225 1.1875" ||
		!strings.Contains(f.Caption, "beside each point: sigma") {
		t.Errorf("%s\n%v", f.Caption, f.Table.Rows)
	}
	// Names have no order: a mark each, and no text beside it.
	for i := range points {
		points[i].Values = []string{points[i].Values[1], points[i].Values[0]}
	}
	if f, err = Sweep([]string{"sigma", "loss"}, points, "MNIST"); err != nil ||
		strings.Contains(f.Caption, "beside") || f.Height < 1.15*height {
		t.Error(f, err)
	}
	for i := range points {
		points[i].Values = []string{points[i].Values[1], points[i].Values[0]}
	}
	// One axis, and one point.
	for i := range points {
		points[i].Values = points[i].Values[1:]
	}
	for _, n := range []int{4, 1} {
		if _, err := Sweep([]string{"sigma"}, points[:n], ""); err != nil {
			t.Error(err)
		}
	}
	for want, bad := range map[string][]SweepPoint{
		"no point to draw":               nil,
		"a point of 2 values, and 1 ax":  trained(),
		"accuracy NaN and radius 1 of 0": {{[]string{"0"}, math.NaN(), 1}},
	} {
		if _, err := Sweep([]string{"sigma"}, bad, ""); err == nil ||
			!strings.HasPrefix(err.Error(), "figure sweep: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
