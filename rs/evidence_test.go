package rs

import (
	"math"
	"testing"
)

func TestEvidence(t *testing.T) {
	if e := (&Evidence{Margins: Histogram{Edges: []float64{0},
		Counts: []int{3, 4}}}); !e.HasMargins() || (&Evidence{}).HasMargins() {
		t.Error("HasMargins")
	}
	if top := (Votes{2, 5, 5}).Top(); top != 1 {
		t.Errorf("top of a tie: %d", top)
	}
}

func TestCleanOf(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		logits []float32
		want   Clean
		ok     bool
	}{
		{[]float32{1, 3, 2}, Clean{Class: 1, Margin: 1}, true},
		{[]float32{3, 1, 2}, Clean{Class: 0, Margin: 1}, true},
		{[]float32{-1, 2, 2}, Clean{Class: 1}, true},
		{[]float32{1 << 24, 1}, Clean{Class: 0, Margin: 1<<24 - 1}, true},
		{[]float32{0, inf}, Clean{}, false},
		{[]float32{0, -inf}, Clean{}, false},
		{[]float32{inf - inf, 0}, Clean{}, false},
	} {
		if got, err := CleanOf(c.logits); got != c.want || (err == nil) != c.ok {
			t.Errorf("%v: %+v, %v, want %+v", c.logits, got, err, c.want)
		}
	}
}
