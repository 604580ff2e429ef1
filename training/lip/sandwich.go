package lip

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Sandwich is 2·Aᵀ·relu(B·x + b) with A·Aᵀ + B·Bᵀ = I, [in] to [units]. Cayley makes the stack q of
// Aᵀ, [units, units], and Bᵀ, [in, units] (Wang & Manchester 2023).
//
// They write √2·AᵀΨ·relu(√2·Ψ⁻¹·B·x + b'). It is the same with b = Ψ·b'/√2, as relu(ψy) =
// ψ·relu(y). Cost: 2·newton products of units×units matrices.
type Sandwich struct{ Units int }

func (s Sandwich) String() string { return fmt.Sprintf("sandwich %d", s.Units) }

func (s Sandwich) Out(in Size) (Size, error) {
	if len(in) != 1 || s.Units < 1 {
		return nil, fmt.Errorf("%v needs a flat input and at least one unit, not %v", s, in)
	}
	return Size{s.Units}, nil
}

// Weights are q, [units+in, units], and the bias, [units].
func (s Sandwich) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	n := s.Units + in[0]
	w := variable(scope, g, "w", 1/math.Sqrt(float64(n)), n, s.Units)
	return []*Node{orthonormal(w), variable(scope, g, "b", 0, s.Units)}
}

func (s Sandwich) Apply(x *Node, w []*Node) *Node {
	at, bt := SliceAxis(w[0], 0, AxisRange(0, s.Units)), SliceAxis(w[0], 0, AxisRange(s.Units))
	y := MaxScalar(Add(DotProduct(x, bt), ExpandAxes(w[1], 0)), 0)
	return MulScalar(DotProduct(y, Transpose(at, 0, 1)), 2)
}

// Bound is ‖q‖². For unit vectors u and v and a diagonal 0 ≤ J ≤ 1, with p = A·u and r = B·v,
// 2pᵀJr ≤ ½‖p + r‖² and p + r = qᵀ[u; v].
func (s Sandwich) Bound(w []*tensors.Tensor, in Size) Bound {
	q := SpectralNorm(matrix(w[0], s.Units+in[0], s.Units)).Value()
	return Bound{up(q * q), "Gram iteration of both matrices, float64, outward"}
}

// rounding takes the root of bound for the norms of A and B.
func (s Sandwich) rounding(w []*tensors.Tensor, in Size, bound, norm float64) (roundoff, error) {
	q, units := flat(w[0]), s.Units
	root := outward(math.Sqrt(bound))
	a, b := absolute(q[:units*units], units, units), absolute(q[units*units:], in[0], units)
	e, _, zero := hiddenStep{
		first:  factor{norm: root, abs: positiveNorm(b), terms: in[0], out: units},
		second: factor{norm: root, abs: positiveNorm(a), terms: units, out: units},
		bias:   w[1], places: 1,
	}.rounding(norm)
	return roundoff{outward(2 * e), outward(2 * zero)}, nil
}
