package certify

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// made is a result of images of class 3: the radii of each method, in the order of names. A
// negative radius abstains.
func made(dir string, sigma float64, first int, names []string, radii ...[]float64) *Result {
	r := &Run{Dir: dir, Run: countlog.Run{Sigma: sigma, N: 100,
		Model: countlog.Model{Name: "net", Lambda: rs.Claim(1.5)}, Dataset: countlog.Dataset{
			Name: "mnist", Hash: "h", Split: "test"}}}
	x := &Result{Run: r, Config: Default()}
	for i := range radii[0] {
		x.Indices = append(x.Indices, first+i)
	}
	for k, name := range names {
		c := Curve{Method: name}
		for _, radius := range radii[k] {
			one := rs.Result{Label: 3, Certificate: rs.Certificate{Class: 3, Radius: radius}}
			if radius < 0 {
				one.Class, one.Radius = rs.Abstain, 0
			}
			c.Results = append(c.Results, one)
		}
		x.Curves = append(x.Curves, c)
	}
	return x
}

var (
	byVotes  = []float64{0.5, 1, 1.5, -1}
	byMargin = []float64{0.6, 1.2, 1.6, -1}
)

func TestCompare(t *testing.T) {
	a := made("runs/a", 0.5, 0, []string{"mono", "adaptive"}, byVotes, byMargin)
	b := made("runs/b", 0.25, 2, []string{"adaptive", "margin"}, []float64{1.1, -1, 2},
		[]float64{1, 1, 1})
	c, err := Compare(0.95, a, b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range c.Summary().Rows {
		got = append(got, strings.Join(row, "|"))
	}
	if want := []string{"mono|a|0.5|||0.75 ± 1.03|", "adaptive|a|0.5|||0.85 ± 1.11|",
		"adaptive|b|0.25|2|a|1.03 ± 2.49|~", "margin|b|0.25|||1.00 ± 0.00|"}; !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	// Of images 2 and 3, b certifies 0.5 less and as much.
	if r := c.Rows[2]; r.Against != "runs/a" || r.Change.N != 2 || r.Change.Mean != -0.25 ||
		r.Change.Differs() {
		t.Errorf("%+v", r)
	}
	if r := c.Rows[3]; r.Against != "" || r.Change.N != 0 {
		t.Errorf("compared with nothing: %+v", r)
	}
	alone, err := Compare(0.95, a)
	if err != nil {
		t.Fatal(err)
	}
	if r := alone.Rows[1]; r.Against != "mono" || math.Abs(r.Change.Mean-0.1) > 1e-12 {
		t.Errorf("%+v", r)
	}
	if t0 := alone.Table(); len(t0.Rows[0]) != len(t0.Columns) {
		t.Error(t0)
	}

	b.Run.Dataset.Hash = "other"
	if c, err = Compare(0.95, a, b); err != nil || c.Rows[2].Change.N != 0 {
		t.Errorf("images of other datasets were paired: %+v, %v", c, err)
	}
	b.Run.Dataset.Hash = "h"
	b.Curves[0].Results[0].Label = 4
	if _, err := Compare(0.95, a, b); err == nil ||
		err.Error() != "compare: image 2 has label 4 in runs/b, and 3 in runs/a" {
		t.Error(err)
	}
	if _, err := Compare(0.95); err == nil {
		t.Error("of no run")
	}
}

func TestConclusion(t *testing.T) {
	names := []string{"mono", "adaptive", "unsound-pair"}
	x := made("run", 0.5, 0, names, byVotes, byMargin, []float64{9, 9, 9, 9})
	attacks := []Attack{{Index: 0, Label: 3, Classifier: "votes", Radius: 0.8},
		{Index: 1, Label: 3, Classifier: "votes", Radius: math.Inf(1)},
		{Index: 2, Label: 3, Classifier: "soft", Radius: 0.1}, {Index: 7, Classifier: "votes"}}
	got := x.Conclusion(attacks)
	want := []string{
		"On 4 images of mnist, adaptive certifies an average l2 radius of 0.85 ± 1.11 (95% over " +
			"images), and radius σ = 0.5 for 75.0% of them, each with error probability 0.001, if the " +
			"claimed Λ = 1.5 holds.",
		"No difference from mono, by votes alone, is shown: 0.100 ± 0.130 (95% over images, paired).",
		"Attacks on 2 of these images found no change of the class within a certified radius; the " +
			"median certified radius is 75% of the smallest change found.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	attacks[0].Radius = 0.3
	if got := x.Conclusion(attacks)[2]; !strings.Contains(got, "within the certified radius of 1;") {
		t.Error(got)
	}
	x.Curves[1].Results[3] = rs.Result{Label: 3, Certificate: rs.Certificate{Class: 3, Radius: 0.1}}
	if got := x.Conclusion(nil)[1]; !strings.HasPrefix(got, "That is 0.125 ± 0.080 more than mono "+
		"certifies by votes alone") {
		t.Error(got)
	}
	x.Curves = x.Curves[:1]
	if got := x.Conclusion(nil); len(got) != 1 {
		t.Error("one method is compared with itself:", got)
	}
	for i := range x.Curves[0].Results {
		x.Curves[0].Results[i].Label = -1
	}
	if got := fmt.Sprint(x.Conclusion(attacks)); got != "[On 4 images of mnist without labels, mono "+
		"certifies a class for 75.0%, at a mean l2 radius of 1, each with error probability 0.001.]" {
		t.Error(got)
	}
	x.Curves = nil
	if got := x.Conclusion(nil); got != nil {
		t.Error("of no method:", got)
	}
}
