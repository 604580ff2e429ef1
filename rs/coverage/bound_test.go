package coverage

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
)

func TestCheckBound(t *testing.T) {
	for _, b := range rs.Bounds {
		if err := CheckBound(b.Bound); err != nil {
			t.Error(err)
		}
	}
}

// A new bound is a type in a file of its own and a line in rs.Bounds. CheckBound is its test, and
// every method takes it by its name.
func TestNewBound(t *testing.T) {
	known := rs.Bounds
	t.Cleanup(func() { rs.Bounds = known })
	var h rs.Hoeffding
	toy := bound{name: "half", lower: func(s rs.Sample, alpha float64) float64 {
		return h.Lower(s, alpha/2)
	}, upper: func(s rs.Sample, alpha float64) float64 { return h.Upper(s, alpha/2) }}
	rs.Bounds = append(slices.Clip(known), rs.BoundEntry{Name: "half", Doc: "half of α",
		Bound: toy})
	if err := CheckBound(toy); err != nil {
		t.Error(err)
	}
	b, err := rs.BoundByName("half")
	if err != nil {
		t.Fatal(err)
	}
	c, err := rs.TwoBound{Bound: b}.Certify(&rs.Evidence{Sigma: 1, Selection: rs.Votes{9, 1},
		Estimation: rs.Votes{900, 100}}, 0.05)
	if err != nil || c.Radius == 0 || c.Ledger[0].Bound != "half" {
		t.Error(c, err)
	}
}

// bound is a bound of these parts.
type bound struct {
	rs.Hoeffding
	name         string
	lower, upper func(s rs.Sample, alpha float64) float64
}

func (b bound) Name() string                             { return b.name }
func (b bound) Lower(s rs.Sample, alpha float64) float64 { return b.lower(s, alpha) }
func (b bound) Upper(s rs.Sample, alpha float64) float64 { return b.upper(s, alpha) }

func TestCheckBoundRefuses(t *testing.T) {
	var sound rs.Hoeffding
	var votes rs.ClopperPearson
	mean := func(s rs.Sample) float64 { lo, _ := s.Mean(); return lo }
	for _, c := range []struct {
		b    bound
		want string
	}{
		{bound{name: "", lower: sound.Lower, upper: sound.Upper}, "no name"},
		{bound{name: "swapped", lower: sound.Upper, upper: sound.Lower}, "around 0"},
		{bound{name: "twice α", lower: func(s rs.Sample, alpha float64) float64 {
			return votes.Lower(s, 2*alpha)
		}, upper: votes.Upper}, "the lower bound at α = 0.05 is wrong with probability"},
		{bound{name: "upper", lower: votes.Lower, upper: func(s rs.Sample, alpha float64) float64 {
			return votes.Upper(s, 2*alpha)
		}}, "the upper bound at α = 0.05 is wrong"},
		{bound{name: "α's root", lower: func(s rs.Sample, alpha float64) float64 {
			return sound.Lower(s, 0.001/alpha/25)
		}, upper: sound.Upper}, "tighter at α = 0.001"},
		// Right on votes, where the deviation is largest.
		{bound{name: "soft", lower: func(s rs.Sample, alpha float64) float64 {
			if len(s.Counts) <= 2 {
				return sound.Lower(s, alpha)
			}
			return mean(s)
		}, upper: sound.Upper}, "of 60 draws uniform"},
		{bound{name: "NaN", lower: func(rs.Sample, float64) float64 { return math.NaN() },
			upper: sound.Upper}, "[NaN, 1]"},
	} {
		if err := CheckBound(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.b.name, err, c.want)
		}
	}
}
