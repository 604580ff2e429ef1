package lip

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Bjorck returns the matrix with orthonormal rows or columns that is nearest to w, [in, out], or to
// each of several matrices, [n, in, out]. It divides w by a bound on its norm. Then it iterates
// w ← s/2·w(3·I - s²·wᵀw) (Björck & Bowie 1971; Anil et al. 2019). The scale s of each step makes
// small singular values grow 2.5 times (Chen & Chow 2014). A singular value of 1e-7 times the
// largest, which is float32's precision, still becomes 1. No value comes to exceed 1.
//
// The gradient is bounded: see bjorckGradient.
//
// Cost: two products with w in each of 21 steps, or in each gramLife steps where w is twice as long
// as wide, and then 3·min(in, out)³ a step. The gradient costs 2·bounded·min(in, out)³.
func Bjorck(w *Node) *Node {
	d := w.Shape().Dimensions
	rows, columns := d[len(d)-2], d[len(d)-1]
	if rows < columns {
		return Transpose(Bjorck(Transpose(w, -2, -1)), -2, -1)
	}
	// The largest absolute row sum is at least the largest eigenvalue.
	sums := ReduceAndKeep(Abs(gram(w)), ReduceSum, -1)
	w = Div(w, StopGradient(Sqrt(AddScalar(ReduceAndKeep(sums, ReduceMax, -2), 1e-12))))
	life := 1
	if rows >= 2*columns {
		life = gramLife
	}
	fixed := StopGradient(w)
	x, scales := fixed, bjorckScales()
	for len(scales) > 0 {
		n := min(life, len(scales))
		x = bjorckSteps(x, scales[:n])
		scales = scales[n:]
	}
	x = StopGradient(x)
	w = IdentityWithCustomGradient(w, func(_, v *Node) *Node { return bjorckGradient(x, fixed, v) })
	return Add(x, Sub(w, fixed))
}

// bounded is the largest factor of bjorckGradient.
const bounded = 8

// bjorckGradient turns v, the gradient by q = Bjorck(w), into a gradient by w, for a w of norm at
// most 1. With P = qᵀw, the true gradient is q·Ω + N·P⁻¹. Here N = v - q·qᵀv, and Ω is the skew
// matrix whose (ΩP + PΩ)/2 is the skew part of qᵀv. Thus it divides by singular values of w and by
// means of two. Near a singular w it has no bound, and Adam would hardly move afterwards.
//
// Richardson's iteration replaces 1/m by (1-(1-m)ⁿ)/m, n = bounded. That is positive, so the result
// leads downhill too.
func bjorckGradient(q, w, v *Node) *Node {
	transpose := func(x *Node) *Node { return Transpose(x, -2, -1) }
	skew := func(x *Node) *Node { return MulScalar(Sub(x, transpose(x)), 0.5) }
	p, a := MatMul(transpose(q), w), MatMul(transpose(q), v)
	right := skew(a)
	omega := right
	for range bounded - 1 {
		omega = Add(omega, Sub(right, skew(MatMul(omega, p))))
	}
	d := q.Shape().Dimensions
	if d[len(d)-2] == d[len(d)-1] {
		return MatMul(q, omega)
	}
	id := identities(p)
	inverse := id
	for range bounded - 1 {
		inverse = Add(inverse, Sub(id, MatMul(inverse, p)))
	}
	return Add(MatMul(q, omega), MatMul(Sub(v, MatMul(q, a)), inverse))
}

// identities are identity matrices in the shape of g, [..., n, n].
func identities(g *Node) *Node {
	id := ExpandLeftToRank(identity(g, g.Shape().Dim(-1)), g.Rank())
	return BroadcastToShape(id, g.Shape())
}

// gramLife is how many steps one Gram matrix serves. Its rounding errors, 1e-6 at most, may be
// negative eigenvalues, which grow 7 times in each step.
const gramLife = 6

// bjorckSteps takes a step for each scale s: x ← s/2·x(3·I - s²·xᵀx).
func bjorckSteps(x *Node, scales []float64) *Node {
	steps := make([]odd, len(scales))
	for i, s := range scales {
		steps[i] = odd{1.5 * s, -0.5 * s * s * s, 0}
	}
	return applied(x, steps...)
}

// An odd polynomial a·s + b·s³ + c·s⁵ of each singular value s of x: x·(a·I + b·xᵀx + c·(xᵀx)²).
type odd struct{ a, b, c float64 }

// applied takes x, [..., rows, columns], through polynomials one after another. One Gram matrix,
// [..., columns, columns], serves all.
func applied(x *Node, polynomials ...odd) *Node {
	g := gram(x)
	id := identities(g)
	var product *Node
	for i, p := range polynomials {
		higher := MulScalar(g, p.b)
		if p.c != 0 {
			higher = Add(higher, MulScalar(MatMul(g, g), p.c))
		}
		factor := Add(MulScalar(id, p.a), higher)
		if product == nil {
			product = factor
		} else {
			product = MatMul(product, factor)
		}
		if i < len(polynomials)-1 {
			g = MatMul(MatMul(factor, g), factor)
		}
	}
	return MatMul(x, product)
}

// bjorckScales takes singular values in [1e-7, 1] into [1-1e-7, 1]. For values in [l, 1], the best
// scale of a step has s² = 3/(1+l+l²): the step takes l and 1 to the same value, and no value above
// 1. Below least, l would make the step take 1 near 0, where rounding errors lie.
func bjorckScales() (scales []float64) {
	const least = 1. / 30
	for l := 1e-7; l < 1-1e-7; {
		c := max(l, least)
		s := math.Sqrt(3 / (1 + c + c*c))
		scales = append(scales, s)
		l *= s / 2 * (3 - s*s*l*l)
	}
	return scales
}

// gram returns wᵀw.
func gram(w *Node) *Node {
	if w.Rank() == 2 {
		return Einsum("ij,ik->jk", w, w)
	}
	return Einsum("nij,nik->njk", w, w)
}

func bjorckDense(scope *model.Scope, g *Graph, in, units int) *Node {
	return stiefel(scope, g, "w", 1/math.Sqrt(float64(max(in, units))), in, units)
}
