package rs

import "testing"

func TestClone(t *testing.T) {
	e := &Evidence{Selection: Votes{1, 2}, Estimation: Votes{3, 4},
		SelectionMargins: Histogram{Edges: []float64{0}, Counts: []int{1, 2}}, Margins: Histogram{Edges: []float64{0}, Counts: []int{3, 4}}}
	c := e.Clone()
	c.Selection[0], c.Estimation[0], c.SelectionMargins.Counts[0], c.Margins.Counts[0] = 9, 9, 9, 9
	if e.Selection[0] != 1 || e.Estimation[0] != 3 || e.SelectionMargins.Counts[0] != 1 || e.Margins.Counts[0] != 3 {
		t.Errorf("the clone shares counts: %+v", e)
	}
	if !e.HasMargins() || (&Evidence{}).HasMargins() {
		t.Error("HasMargins")
	}
	if top := (Votes{2, 5, 5}).Top(); top != 1 {
		t.Errorf("top of a tie: %d", top)
	}
}
