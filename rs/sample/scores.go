package sample

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
	"github.com/lipsmooth/lipsmooth/rs"
)

// scoreGraphs are rs.ScoreMap on the device: from logits, [block, classes], times t to scores of
// the same shape.
var scoreGraphs = map[string]func(z *Node) *Node{
	"softmax":   func(z *Node) *Node { return Softmax(z, -1) },
	"sparsemax": sparsemax,
	"ramp": func(z *Node) *Node {
		return Clip(AddScalar(MulScalar(margins(z), 0.5), 0.5), ScalarZero(z.Graph(), z.DType()),
			ScalarOne(z.Graph(), z.DType()))
	},
}

// sparsemax projects each row on the simplex: max(z - θ, 0), θ the largest over i of (Σ_{z_j >=
// z_i} z_j - 1) over how many those are.
func sparsemax(z *Node) *Node {
	z = Sub(z, ReduceAndKeep(z, ReduceMax, -1))
	k := z.Shape().Dimensions[1]
	own := BroadcastToDims(ExpandAxes(z, 2), z.Shape().Dimensions[0], k, k)   // z_i
	other := BroadcastToDims(ExpandAxes(z, 1), z.Shape().Dimensions[0], k, k) // z_j
	in := ConvertDType(GreaterOrEqual(other, own), z.DType())
	theta := Div(AddScalar(ReduceSum(Mul(in, other), -1), -1), ReduceSum(in, -1))
	return MaxScalar(Sub(z, ReduceAndKeep(theta, ReduceMax, -1)), 0)
}

// margins returns z_c less the largest other logit, for every class c.
func margins(z *Node) *Node {
	b, k := z.Shape().Dimensions[0], z.Shape().Dimensions[1]
	top := OneHot(ArgMax(z, -1), k, dtypes.Bool)
	lowest := BroadcastToDims(Infinity(z.Graph(), z.DType(), -1), b, k)
	first, second := ReduceAndKeep(z, ReduceMax, -1), ReduceAndKeep(Where(top, lowest, z), ReduceMax,
		-1)
	return Sub(z, Where(top, BroadcastToDims(second, b, k), BroadcastToDims(first, b, k)))
}

// scoreGraph counts scores of one map at or over each edge, [places, classes, edges]. Its inputs
// are logits z, [places·block, classes], the number of draws of each place that count, [places], t
// and the edges, [edges].
func scoreGraph(m rs.ScoreMap) func(z, used, t, edges *Node) *Node {
	return func(z, used, t, edges *Node) *Node {
		f := scoreGraphs[m.Name]
		if f == nil {
			exceptions.Panicf("sample: no graph for scores by %s", m.Name)
		}
		s, k, e := used.Shape().Dimensions[0], z.Shape().Dimensions[1], edges.Shape().Dimensions[0]
		b := z.Shape().Dimensions[0] / s
		counts := ConvertDType(LessThan(Iota(z.Graph(), shapes.Make(dtypes.Int32, s, b), 1),
			BroadcastToDims(ExpandAxes(used, 1), s, b)), dtypes.Int32)
		above := GreaterOrEqual(BroadcastToDims(Reshape(f(Mul(z, t)), s, b, k, 1), s, b, k, e),
			BroadcastToDims(Reshape(edges, 1, 1, 1, e), s, b, k, e))
		return ReduceSum(Mul(ConvertDType(above, dtypes.Int32), Reshape(counts, s, b, 1, 1)), 1)
	}
}
