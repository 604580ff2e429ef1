package certify

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// marginRun is a run of margins of the true class alone, with Λ = 1: a certificate of the network
// without noise is its margin.
func marginRun(margins ...float64) *Run {
	s := &Run{Run: countlog.Run{Model: countlog.Model{Lambda: rs.Claim(1)},
		Dataset: countlog.Dataset{Classes: 2}}, Tau: -1}
	for i, m := range margins {
		e := rs.Evidence{Index: 10 * i, Label: 1, Clean: rs.Clean{Class: 1, Margin: m}}
		if m < 0 {
			e.Clean = rs.Clean{Class: 0, Margin: -m}
		}
		s.Rows = append(s.Rows, e)
	}
	return s
}

func TestGaps(t *testing.T) {
	s := marginRun(1, 2, -1, 3)
	clean := func(index int, radius float64) Attack {
		return Attack{Index: index, Label: 1, Classifier: "clean", Radius: radius}
	}
	gaps, err := s.Gaps([]Attack{clean(0, 1.5), clean(10, 2.5), clean(20, 0)}, Default())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := GapTable(gaps, []float64{0, 0.9, 1.25, 1.9, 2.4}), [][]string{
		{"clean", "margin", "0.667", "0.667", "0.333", "0.333", "0.000", "1.0000", ""}, // (1 + 2)/3
		// (1.5 + 2.5)/3
		{"clean", "attack", "0.667", "0.667", "0.667", "0.333", "0.333", "1.3333", ""},
		{"clean", "gap", "0.000", "0.000", "0.333", "0.000", "0.333", "0.3333", "0.733"},
	}; !slices.EqualFunc(got.Rows, want, slices.Equal) {
		t.Errorf("%q, want %q", got.Rows, want)
	}
	if r := gaps[0].Ratios(); len(r) != 2 || math.Abs(r[0]-1/1.5) > 1e-9 ||
		math.Abs(r[1]-2/2.5) > 1e-9 {
		t.Error(r)
	}
	// No attack succeeded: robust at every radius, as far as is known.
	gaps, err = s.Gaps([]Attack{clean(0, math.Inf(1)), clean(30, 4)}, Default())
	if err != nil {
		t.Fatal(err)
	}
	if row := GapTable(gaps, []float64{100}).Rows[1]; row[2] != "0.500" || row[3] != "+Inf" {
		t.Error(row)
	}
	if r := gaps[0].Ratios(); len(r) != 1 {
		t.Error(r)
	}
	for want, attacks := range map[string][]Attack{
		"no attack on a classifier of this run": nil,
		"attacks on image 5 of class 1":         {clean(5, 1)},
		"attacks on image 0 of class 2":         {{Index: 0, Label: 2, Classifier: "clean"}},
		`a classifier "cleen", which isn't known`: {clean(0, 1), {Index: 0, Label: 1,
			Classifier: "cleen"}},
		"attacks on soft votes at temperatures 1 and 2": {{Index: 0, Label: 1, Classifier: "soft",
			Tau: 1}, {Index: 10, Label: 1, Classifier: "soft", Tau: 2}},
		"adaptive: example 0: sigma = 0, want a positive nu": {{Index: 0, Label: 1,
			Classifier: "votes"}},
	} {
		if _, err := s.Gaps(attacks, Default()); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestAttacks(t *testing.T) {
	read := func(rows ...string) ([]Attack, error) {
		text := strings.Join(append([]string{"# caption",
			"index\tlabel\tclassifier\ttau\tradius\tmore"},
			rows...), "\n")
		table, err := table.Read(strings.NewReader(text), "attack.tsv")
		if err != nil {
			t.Fatal(err)
		}
		return Attacks(table)
	}
	got, err := read("0\t7\tsoft\t0.5\t1.25\tx", "0\t7\tclean\t0\t\ty")
	if want := []Attack{{0, 7, "soft", 0.5, 1.25}, {0, 7, "clean", 0, math.Inf(1)}}; err != nil ||
		!slices.Equal(got, want) {
		t.Error(got, err)
	}
	for row, want := range map[string]string{
		"0\t7\tclean\t0\t-1\t":  `row 2: radius "-1"`,
		"0\t7\tclean\t0\tnan\t": `row 2: radius "nan"`,
		"0\t7\tclean\t0\tfar\t": "row 2: ",
		"x\t7\tclean\t0\t1\t":   "row 2: ",
		"0\tx\tclean\t0\t1\t":   "row 2: ",
		"0\t7\tclean\tx\t1\t":   "row 2: ",
		"0\t7\tsoft\t0\t1\t":    "row 2: image 0, soft: is there twice",
	} {
		if _, err := read("0\t7\tsoft\t0.5\t1.25\tx", row); err == nil ||
			!strings.HasPrefix(err.Error(),
				want) {
			t.Errorf("%q: %v, want %s", row, err, want)
		}
	}
	if _, err := Attacks(&table.Table{Columns: []string{"index"}}); err == nil ||
		!strings.Contains(err.Error(), `no column "label"`) {
		t.Error(err)
	}
}

// An attack that succeeds at the certified radius but for float32's rounding isn't inside. A closer
// one is.
func TestInside(t *testing.T) {
	for attack, want := range map[float64]bool{0: true, 1.5: true, 1.57329: true, 1.57331: false,
		1.5733133: false, math.Inf(1): false} {
		if got := Inside(attack, 1.5733132); got != want {
			t.Errorf("an attack at %v: inside %v", attack, got)
		}
	}
	// Beside a small radius, the scores of the image are as large as ever.
	for attack, want := range map[float64]bool{0: true, 0.00168: true, 0.00169729: false} {
		if got := Inside(attack, 0.00169931); got != want {
			t.Errorf("an attack at %v: inside %v", attack, got)
		}
	}
}
