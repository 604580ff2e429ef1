package lip

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Spectral estimates the norm of the linear map f by a step of power iteration from v (Miyato et
// al. 2018), and returns the estimate with the next v. The estimate is from below. Its gradient is
// that of the norm at the estimated singular vectors. The vectors get no gradient.
//
// The estimate steers training alone. The bound is proved from the frozen weights. Cost: f twice,
// its transpose once.
func Spectral(f func(*Node) *Node, v *Node) (norm, next *Node) {
	unit := func(x *Node) *Node {
		square := ReduceAllSum(Square(x))
		return StopGradient(Mul(x, reciprocalRoot(AddScalar(square, 1e-24))))
	}
	v = Identity(v) // where StopGradient made v, Gradient by it is 0
	y := f(v)
	u := unit(y)
	next = unit(Gradient(ReduceAllSum(Mul(y, u)), v)[0])
	return ReduceAllSum(Mul(f(next), u)), next
}

const (
	powerSteps = 2  // of power iteration in each training step
	lastSteps  = 20 // when weights are frozen
)

// estimated is the norm of f after several steps of Spectral. The vector has these dimensions;
// scope keeps it from one training step to the next.
func estimated(scope *model.Scope, g *Graph, f func(*Node) *Node, dimensions ...int) *Node {
	vector := kept(scope, "v", 1, dimensions...).SetTrainable(false)
	v := vector.NodeValue(g)
	norm, next := Spectral(f, v)
	steps := lastSteps
	if scope.IsTraining(g) {
		steps = powerSteps
	}
	for range steps - 1 {
		norm, next = Spectral(f, next)
	}
	if scope.IsTraining(g) {
		vector.SetNodeValue(next)
	}
	return AddScalar(norm, 1e-12)
}

func spectralDense(scope *model.Scope, g *Graph, in, units int) *Node {
	w := freeDense(scope, g, in, units)
	return Div(w, estimated(scope, g, func(x *Node) *Node { return DotProduct(x, w) }, 1, in))
}

func spectralKernel(scope *model.Scope, g *Graph, c Convolution, in Size) *Node {
	w := freeKernel(scope, g, c, in)
	conv := func(x *Node) *Node { return Conv(x, w, c.Padding, c.stride()) }
	return Div(w, estimated(scope, g, conv, append(Size{1}, in...)...))
}
