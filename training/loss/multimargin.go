package loss

import . "github.com/gomlx/gomlx/core/graph"

// MultiMargin is the hinge on each margin: the sum over wrong classes j of (Offset - (z_y - z_j))_+
// (Weston & Watkins 1999). Temperature divides it, which puts it on the scale of the
// cross-entropies. Margins beyond Offset cost nothing.
type MultiMargin struct{ Offset, Temperature, Gap float64 }

// Loss implements Loss.
func (m MultiMargin) Loss(labels, logits []*Node) *Node {
	z, y := scaled(labels, logits, m.Gap)
	short := hinge(AddScalar(Neg(margins(z, y)), m.Offset))
	return MulScalar(ReduceAllMean(ReduceSum(Mul(short, OneMinus(y)), -1)), 1/m.Temperature)
}
