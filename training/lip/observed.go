package lip

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"
)

// A Map takes x, [batch, in…], by weights to [batch, out…].
type Map func(x *Node, weights []*Node) *Node

// Observed estimates the Lipschitz constant of f from below. The estimate is no bound. Beside a
// bound it shows how tight the bound is.
//
// Observed starts from random pairs x and x+δ. In this many steps it takes gradient ascent on x and
// power iteration on δ. It returns the largest slope ‖f(x+δ) - f(x)‖/‖δ‖ on the way, and the x of
// that slope, [1, in…].
func Observed(on compute.Backend, f Map, weights []*tensors.Tensor, in Size, steps int) (
	slope float64, at *tensors.Tensor, err error) {
	caught := exceptions.TryCatch[error](func() {
		slope, at, err = observed(on, f, weights, in, steps)
	})
	if caught != nil {
		err = caught
	}
	return slope, at, err
}

// pairsObserved is how many pairs climb.
const pairsObserved = 16

func observed(on compute.Backend, f Map, weights []*tensors.Tensor, in Size, steps int) (
	slope float64, at *tensors.Tensor, err error) {
	n, size := pairsObserved, in.Entries()
	exec, err := NewExec(on, func(in []*Node) []*Node {
		return f.climb(in[0], in[1], in[2], in[3:])
	})
	if err != nil {
		return 0, nil, err
	}
	defer exec.Finalize()
	r := rand.New(rand.NewPCG(1, uint64(size)))
	x, delta, length := make([]float32, n*size), make([]float32, n*size), make([]float32, n)
	for i := range x {
		x[i], delta[i] = float32(r.NormFloat64()), float32(r.NormFloat64())
	}
	for i := range length {
		length[i] = float32(math.Exp2(-float64(i % 4)))
	}
	pairs := append([]int{n}, in...)
	args := []any{
		tensors.FromFlatDataAndDimensions(x, pairs...),
		tensors.FromFlatDataAndDimensions(delta, pairs...),
		tensors.FromFlatDataAndDimensions(length, n),
	}
	for _, w := range weights {
		own, err := w.LocalClone() // a tensor lives on one backend
		if err != nil {
			return 0, nil, err
		}
		args = append(args, own)
	}
	best := x[:size]
	for range steps {
		before := flat(args[0].(*tensors.Tensor))
		out, err := exec.Call(args...)
		if err != nil {
			return 0, nil, err
		}
		for i, s := range flat(out[0]) {
			if float64(s) > slope {
				slope, best = float64(s), before[i*size:][:size]
			}
		}
		args[0], args[1] = out[1], out[2]
	}
	return slope, tensors.FromFlatDataAndDimensions(best, append([]int{1}, in...)...), nil
}

// climb takes one step from pairs x and x+δ, with δ scaled to this length: [pairs]. It returns the
// slopes, [pairs], the next x and the next δ.
func (f Map) climb(x, delta, length *Node, weights []*Node) []*Node {
	n := x.Shape().Dim(0)
	norms := func(x *Node) *Node {
		return Sqrt(AddScalar(ReduceSum(Square(Reshape(x, n, -1)), 1), 1e-30))
	}
	scaled := func(x *Node) *Node {
		each := append([]int{n}, slices.Repeat([]int{1}, x.Rank()-1)...)
		return Mul(x, Reshape(Div(length, norms(x)), each...))
	}
	delta = scaled(delta)
	difference := Sub(f(Add(x, delta), weights), f(x, weights))
	g := Gradient(MulScalar(ReduceAllSum(Square(difference)), 0.5), x, delta)
	slopes := Div(norms(difference), norms(delta))
	return []*Node{slopes, Add(x, MulScalar(scaled(g[0]), 0.5)), g[1]}
}
