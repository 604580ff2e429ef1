package lip

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Dense is x·w + b, [in] to [units].
type Dense struct {
	Kind  string // a key of denses; empty is bjorck
	Units int
}

// denses make an effective matrix, [in, units], by Kind.
var denses = map[string]func(scope *model.Scope, g *Graph, in, units int) *Node{
	"aol":        aolDense,
	"bjorck":     bjorckDense,
	"cayley":     cayleyDense,
	"free":       freeDense,
	"normalised": normalisedDense,
	"spectral":   spectralDense,
}

// Denses lists the kinds of Dense.
func Denses() []string { return slices.Sorted(maps.Keys(denses)) }

func (d Dense) kind() string { return cmp.Or(d.Kind, "bjorck") }

func (d Dense) String() string {
	kind := d.kind()
	if kind == "bjorck" {
		kind = "Björck"
	}
	return fmt.Sprintf("dense %d (%s)", d.Units, kind)
}

func (d Dense) Out(in Size) (Size, error) {
	switch {
	case denses[d.kind()] == nil:
		return nil, unknown("dense layer", d.Kind, denses)
	case len(in) != 1 || d.Units < 1:
		return nil, fmt.Errorf("%v needs a flat input and at least one unit, not %v", d, in)
	}
	return Size{d.Units}, nil
}

func (d Dense) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	return []*Node{denses[d.kind()](scope, g, in[0], d.Units), variable(scope, g, "b", 0, d.Units)}
}

func (d Dense) Apply(x *Node, w []*Node) *Node { return Add(DotProduct(x, w[0]), ExpandAxes(w[1], 0)) }

func (d Dense) Bound(w []*tensors.Tensor, in Size) Bound {
	return SpectralNorm(matrix(w[0], in[0], d.Units))
}

// freeDense bounds nothing while it trains; what it came to is proved as for any matrix. As the last layer
// its largest distance of two columns is what counts (LogitGap).
func freeDense(scope *model.Scope, g *Graph, in, units int) *Node {
	return variable(scope, g, "w", 1/math.Sqrt(float64(max(in, units))), in, units)
}
