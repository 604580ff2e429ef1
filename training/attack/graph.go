package attack

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// oneHot is [batch, classes] of classes, [batch].
func oneHot(y *Node, classes int) *Node { return OneHot(y, classes, dtypes.Float32) }

// noisy returns this many noisy copies of each image, [batch·samples, h, w, c]. The images share
// the noise.
func noisy(x, sigma, rng *Node, samples int) *Node {
	d := x.Shape().Dimensions
	z := normal(rng, shapes.Make(dtypes.Float32, 1, samples, d[1], d[2], d[3]))
	return Reshape(Add(ExpandAxes(x, 1), Mul(sigma, z)), d[0]*samples, d[1], d[2], d[3])
}

// normal returns independent standard normal draws by Box and Muller's method. It keeps u above 0.
// At 0, GoMLX's RandomNormal gives infinity on a device that flushes subnormal numbers.
func normal(rng *Node, shape shapes.Shape) *Node {
	rng, u := RandomUniform(rng, shape)
	_, v := RandomUniform(rng, shape)
	return Mul(Sqrt(MulScalar(Log(AddScalar(u, 0x1p-33)), -2)), Cos(MulScalar(v, 2*math.Pi)))
}

// votes returns h, [batch, samples, classes], from logits of that shape.
func votes(z, tau *Node) *Node {
	d := z.Shape().Dimensions
	top := OneHot(ArgMax(z, -1), d[2], z.DType())
	isTop := GreaterThan(top, ZerosLike(top))
	none := BroadcastToDims(Infinity(z.Graph(), z.DType(), -1), d...)
	first := ReduceAndKeep(z, ReduceMax, -1)
	second := ReduceAndKeep(Where(isTop, none, z), ReduceMax, -1)
	margin := Sub(z, Where(isTop, BroadcastToDims(second, d...), BroadcastToDims(first, d...)))
	soft := ClipScalar(AddScalar(Div(margin, MulScalar(MaxScalar(tau, 1e-30), 2)), 0.5), 0, 1)
	return Where(GreaterThan(tau, ZerosLike(tau)), soft, top)
}

// rivalry returns by how much the best other class exceeds the label in mean votes, [batch,
// classes]: [batch].
func rivalry(mean, label *Node) *Node {
	own := ReduceSum(Mul(mean, label), -1)
	return Sub(ReduceMax(Sub(mean, MulScalar(label, 2)), -1), own)
}

// norm is the l2 norm of each perturbation, [batch, 1, 1, 1].
func norm(d *Node) *Node { return Sqrt(ReduceAndKeep(Square(d), ReduceSum, 1, 2, 3)) }

// unit divides each by its norm. 0 stays 0.
func unit(g *Node) *Node {
	// Squares of small gradients would vanish.
	g = Div(g, MaxScalar(ReduceAndKeep(Abs(g), ReduceMax, 1, 2, 3), 1e-37))
	return Div(g, MaxScalar(norm(g), 1e-6))
}
