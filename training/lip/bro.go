package lip

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// BRO returns the block reflector I - 2P, [..., n, n], of v, [..., n, r] with r ≤ n, where P
// projects onto v's columns (Lai et al. 2025). These must be orthonormal. The reflector is
// orthogonal and symmetric. Cost: n²·r products.
func BRO(v *Node) *Node {
	p := MatMul(v, Transpose(v, -2, -1))
	return Sub(identities(p), MulScalar(p, 2))
}

// broRank is how many directions a reflector of n channels turns round.
func broRank(n int) int { return (n + 3) / 4 }

// broDense is a part of a reflector where in ≠ units, with orthonormal rows or columns.
func broDense(scope *model.Scope, g *Graph, in, units int) *Node {
	n := max(in, units)
	v := stiefel(scope, g, "v", 1/math.Sqrt(float64(n)), n, broRank(n))
	return Slice(BRO(v), AxisRange(0, in), AxisRange(0, units))
}

// BROConvolution is BRO at each frequency of an h×w torus for kernel, [k, k, n, r]. It returns the
// kernel, [h, w, in, out], of a part of the reflector, with in and out at most n. Its circular
// convolution is orthogonal; where in ≠ out, its rows or columns are orthonormal.
func BROConvolution(kernel *Node, h, w, in, out int) *Node {
	re, im := frequencies(kernel, h, w)
	q := BRO(Bjorck(realForm(re, im)))
	re, im = complexForm(q, q.Shape().Dim(-1)/2)
	part := func(x *Node) *Node {
		return Slice(x, AxisRange(), AxisRange(0, in), AxisRange(0, out))
	}
	return imageKernel(part(re), part(im), h, w)
}

// broConvolution is orthogonal on the torus, as cayleyConvolution. It is cheaper: its matrices to
// orthonormalise are four times as long as wide.
var broConvolution = convolutionKind{
	kernel: broKernel, refuse: refuseCayley, folds: true,
	geometry: cayleyGeometry, apply: applyCayley, rounding: cayleyRounding,
}

func broKernel(scope *model.Scope, g *Graph, c Convolution, in Size) *Node {
	k, n := c.Kernel, max(in[2], c.Channels)
	v := variable(scope, g, "kernel", 1/math.Sqrt(float64(k*k*n)), k, k, n, broRank(n))
	return BROConvolution(v, in[0], in[1], in[2], c.Channels)
}
