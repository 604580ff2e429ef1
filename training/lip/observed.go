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

// Observed estimates from below what f, of images of size in, stretches: the largest ‖f(x+δ) - f(x)‖/‖δ‖ that gradient
// ascent on x and power iteration on δ come across in so many steps from random pairs, with the x where it was, [1, in…].
// f takes x, [batch, in…], and weights. It is no bound: beside one it shows how tight that is.
func Observed(on compute.Backend, f func(x *Node, weights []*Node) *Node, weights []*tensors.Tensor, in Size, steps int) (slope float64, at *tensors.Tensor, err error) {
	caught := exceptions.TryCatch[error](func() { slope, at, err = observed(on, f, weights, in, steps) })
	if caught != nil {
		err = caught
	}
	return slope, at, err
}

// pairsObserved is how many pairs climb.
const pairsObserved = 16

func observed(on compute.Backend, f func(x *Node, weights []*Node) *Node, weights []*tensors.Tensor, in Size, steps int) (float64, *tensors.Tensor, error) {
	n, size := pairsObserved, in.Entries()
	norms := func(x *Node) *Node {
		return Sqrt(AddScalar(ReduceSum(Square(Reshape(x, n, -1)), 1), 1e-30))
	}
	exec, err := NewExec(on, func(in []*Node) []*Node {
		x, delta, length := in[0], in[1], in[2]
		unit := func(x *Node) *Node {
			return Mul(x, Reshape(Div(length, norms(x)), append([]int{n}, slices.Repeat([]int{1}, x.Rank()-1)...)...))
		}
		delta = unit(delta)
		difference := Sub(f(Add(x, delta), in[3:]), f(x, in[3:]))
		g := Gradient(MulScalar(ReduceAllSum(Square(difference)), 0.5), x, delta)
		return []*Node{Div(norms(difference), norms(delta)), Add(x, MulScalar(unit(g[0]), 0.5)), g[1]}
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
	shape := append([]int{n}, in...)
	xs, ds := tensors.FromFlatDataAndDimensions(x, shape...), tensors.FromFlatDataAndDimensions(delta, shape...)
	args := []any{xs, ds, tensors.FromFlatDataAndDimensions(length, n)}
	for _, w := range weights {
		own, err := w.LocalClone() // a tensor lives on one backend
		if err != nil {
			return 0, nil, err
		}
		args = append(args, own)
	}
	slope, best := 0.0, x[:size]
	for range steps {
		before := tensors.MustCopyFlatData[float32](args[0].(*tensors.Tensor))
		out, err := exec.Call(args...)
		if err != nil {
			return 0, nil, err
		}
		for i, s := range tensors.MustCopyFlatData[float32](out[0]) {
			if float64(s) > slope {
				slope, best = float64(s), before[i*size:][:size]
			}
		}
		args[0], args[1] = out[1], out[2]
	}
	return slope, tensors.FromFlatDataAndDimensions(best, append([]int{1}, in...)...), nil
}
