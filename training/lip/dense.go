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
	Kind  string // a key of denses, bjorck by default
	Units int
}

// A denseKind is a parametrisation of Dense.
type denseKind struct {
	name string
	// matrix makes the effective matrix, [in, units].
	matrix func(scope *model.Scope, g *Graph, in, units int) *Node
}

// denses are the kinds of Dense.
var denses = map[string]denseKind{
	"aol":        {"aol", aolDense},
	"bjorck":     {"Björck", bjorckDense},
	"bro":        {"bro", broDense},
	"cayley":     {"cayley", cayleyDense},
	"free":       {"free", freeDense},
	"normalised": {"normalised", normalisedDense},
	"spectral":   {"spectral", spectralDense},
}

// Denses lists the kinds of Dense.
func Denses() []string { return slices.Sorted(maps.Keys(denses)) }

func (d Dense) kind() denseKind { return denses[cmp.Or(d.Kind, "bjorck")] }

func (d Dense) String() string {
	return fmt.Sprintf("dense %d (%s)", d.Units, cmp.Or(d.kind().name, d.Kind))
}

func (d Dense) Out(in Size) (Size, error) {
	switch {
	case d.kind().matrix == nil:
		return nil, unknown("dense layer", d.Kind, denses)
	case len(in) != 1 || d.Units < 1:
		return nil, fmt.Errorf("%v needs a flat input and at least one unit, not %v", d, in)
	}
	return Size{d.Units}, nil
}

// Weights are the matrix, [in, units], and the bias, [units].
func (d Dense) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	w := d.kind().matrix(scope, g, in[0], d.Units)
	return []*Node{w, variable(scope, g, "b", 0, d.Units)}
}

func (d Dense) Apply(x *Node, w []*Node) *Node {
	return Add(DotProduct(x, w[0]), ExpandAxes(w[1], 0))
}

func (d Dense) Bound(w []*tensors.Tensor, in Size) Bound {
	return SpectralNorm(matrix(w[0], in[0], d.Units))
}

func (d Dense) operator(w []*tensors.Tensor, in Size) (operator, bool) {
	g := Geometry{Kernel: Size{1, 1}, In: Size{1, 1, in[0]}, Out: d.Units, Stride: 1}
	return g.operator(doubles(flat(w[0]))), true
}

func (d Dense) logitGap(w []*tensors.Tensor, in Size) (Bound, operator) {
	return LogitGap(flat(w[0]), in[0], d.Units), columns(flat(w[0]), in[0], d.Units)
}

func (d Dense) rounding(w []*tensors.Tensor, in Size, _, norm float64) (roundoff, error) {
	zero := vectorNorm(flat(w[1]), 1)
	abs := positiveNorm(absolute(flat(w[0]), in[0], d.Units))
	return roundoff{sums(in[0], d.Units, abs, norm, zero), zero}, nil
}

// freeDense bounds nothing while it trains. What the matrix came to is proved as for any matrix.
// In the last layer the largest distance of two columns is what counts (LogitGap).
func freeDense(scope *model.Scope, g *Graph, in, units int) *Node {
	return variable(scope, g, "w", 1/math.Sqrt(float64(max(in, units))), in, units)
}
