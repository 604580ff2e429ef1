package lip

import (
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// wrongDense is a dense layer with a mistake.
type wrongDense struct {
	Dense
	factor float64     // of what it gives
	weight func(*Node) // called where weights are made
	out    int         // units that it says it gives
	none   string      // what is nil: weight or output
}

func (w wrongDense) Out(in Size) (Size, error) { return Size{w.out}, nil }

func (w wrongDense) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	all := w.Dense.Weights(scope, g, in)
	if w.weight != nil {
		w.weight(all[0])
	}
	if w.none == "weight" {
		all[0] = nil
	}
	return all
}

func (w wrongDense) Apply(x *Node, weights []*Node) *Node {
	if w.none == "output" {
		return nil
	}
	return MulScalar(w.Dense.Apply(x, weights), w.factor)
}

// wrongFlat gives nothing.
type wrongFlat struct{ Flat }

func (wrongFlat) Apply(*Node, []*Node) *Node { return nil }

func TestCheck(t *testing.T) {
	in := Size{6}
	bound, slope, err := Check(pure, Dense{Units: 4}, in)
	if err != nil || !(0.95 < slope && slope <= bound.Value()*(1+1e-5) && bound.Value() < 1.01) {
		t.Errorf("bound %g, slope %g, %v", bound.Value(), slope, err)
	}
	if _, _, err := Check(pure, Flat{}, Size{2, 2, 1}); err != nil {
		t.Errorf("a layer without weights: %v", err)
	}
	for _, c := range []struct {
		layer Layer
		want  string
	}{
		{wrongDense{Dense: Dense{Units: 4}, factor: 1.01, out: 4}, "above the bound"},
		{wrongDense{Dense: Dense{Units: 4}, factor: 1, out: 5}, "broadcast"},
		{wrongDense{Dense: Dense{Units: 4}, factor: 0, out: 4}, "the loss went from"},
		{wrongDense{Dense: Dense{Units: 4}, factor: 1, out: 4,
			weight: func(*Node) { panic("no such weight") }}, "no such weight"},
		{wrongDense{Dense: Dense{Units: 4}, factor: 1, out: 4, none: "weight"}, "nil weight"},
		{wrongDense{Dense: Dense{Units: 4}, factor: 1, out: 4, none: "output"}, "nil output"},
		{wrongFlat{}, "nil output"},
		{Activation{Kind: "none"}, "no activation"},
		{NormPool{3}, ""},
	} {
		if _, _, err := Check(pure, c.layer, in); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.layer, err, c.want)
		}
	}
}
