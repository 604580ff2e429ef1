package coverage

import (
	"math"
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

// broken is Hoeffding, made wrong.
type broken struct {
	rs.Hoeffding
	name         string
	lower, upper func(s rs.Sample, alpha float64) float64
}

func (b broken) Name() string                             { return b.name }
func (b broken) Lower(s rs.Sample, alpha float64) float64 { return b.lower(s, alpha) }
func (b broken) Upper(s rs.Sample, alpha float64) float64 { return b.upper(s, alpha) }

func TestCheckBoundRefuses(t *testing.T) {
	var sound rs.Hoeffding
	var votes rs.ClopperPearson
	mean := func(s rs.Sample) float64 { lo, _ := s.Mean(); return lo }
	for _, c := range []struct {
		b    broken
		want string
	}{
		{broken{name: "", lower: sound.Lower, upper: sound.Upper}, "no name"},
		{broken{name: "swapped", lower: sound.Upper, upper: sound.Lower}, "around 0"},
		{broken{name: "twice α", lower: func(s rs.Sample, alpha float64) float64 {
			return votes.Lower(s, 2*alpha)
		}, upper: votes.Upper}, "the lower bound at α = 0.05 is wrong with probability"},
		{broken{name: "upper", lower: votes.Lower, upper: func(s rs.Sample, alpha float64) float64 {
			return votes.Upper(s, 2*alpha)
		}}, "the upper bound at α = 0.05 is wrong"},
		{broken{name: "α's root", lower: func(s rs.Sample, alpha float64) float64 {
			return sound.Lower(s, 0.001/alpha/25)
		}, upper: sound.Upper}, "tighter at α = 0.001"},
		// Right on votes, where the deviation is largest.
		{broken{name: "soft", lower: func(s rs.Sample, alpha float64) float64 {
			if len(s.Counts) <= 2 {
				return sound.Lower(s, alpha)
			}
			return mean(s)
		}, upper: sound.Upper}, "of 60 draws uniform"},
		{broken{name: "NaN", lower: func(rs.Sample, float64) float64 { return math.NaN() },
			upper: sound.Upper}, "[NaN, 1]"},
	} {
		if err := CheckBound(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.b.name, err, c.want)
		}
	}
}
