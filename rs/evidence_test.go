package rs

import "testing"

func TestEvidence(t *testing.T) {
	if e := (&Evidence{Margins: Histogram{Edges: []float64{0}, Counts: []int{3, 4}}}); !e.HasMargins() || (&Evidence{}).HasMargins() {
		t.Error("HasMargins")
	}
	if top := (Votes{2, 5, 5}).Top(); top != 1 {
		t.Errorf("top of a tie: %d", top)
	}
}
