package lip

import (
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// TestCentring: while training, the batch's mean is 0 behind it and the running mean nears the
// batch's. Afterwards it subtracts the running mean.
func TestCentring(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 31))
	in := Size{2, 3, 4}
	x := tensor(r, append(Size{5}, in...)...)
	store := model.NewStore()
	step := must(model.NewExec(pure, store, func(scope *model.Scope, x *Node) []*Node {
		store.SetTraining(x.Graph(), true)
		w := Centring{}.Weights(scope, x.Graph(), in)
		once := Train(Centring{}, scope, x, w)
		return []*Node{once, Train(Centring{}, scope, once, w)}
	}))
	defer step.Finalize()
	means := func(x []float32) []float32 {
		m := make([]float32, in[2])
		for i, v := range x {
			m[i%in[2]] += v * float32(in[2]) / float32(len(x))
		}
		return m
	}
	mean := means(flat(x))
	var w *tensors.Tensor
	for i := range 200 {
		out := must(step.Call(x))
		near(t, "mean behind it", means(flat(out[0])), make([]float32, in[2]), 1e-6)
		w = must(model.CallOnce(pure, store, func(scope *model.Scope, g *Graph) *Node {
			return Centring{}.Weights(scope, g, in)[0]
		}))
		if i == 0 { // a tenth of the mean, then nine tenths of that
			for k, v := range mean {
				near(t, "running mean", flat(w)[k:k+1], []float32{-0.09 * v}, 1e-6)
			}
		}
	}
	y := run1(pure, func(v []*Node) *Node { return Centring{}.Apply(v[0], v[1:]) }, x, w)
	want := flat(x)
	for i := range want {
		want[i] += flat(w)[i%in[2]]
	}
	near(t, "afterwards", y, want, 1e-6)
}

// TestSpatialShift: where each entry goes.
func TestSpatialShift(t *testing.T) {
	in := Size{3, 3, 5}
	x := zeros(1, 3, 3, 5)
	tensors.MustMutableFlatData(x, func(v []float32) { // channel c at place (0, 0) is c + 1
		for c := range 5 {
			v[c] = float32(c + 1)
		}
	})
	y := run1(pure, func(v []*Node) *Node { return SpatialShift{}.Apply(v[0], v[1:]) }, x,
		zeros(in...))
	want := make([]float32, 45)
	for c, place := range []int{3, 6, 1, 2, 0} { // down, up, right, left, none
		want[place*5+c] = float32(c + 1)
	}
	near(t, "shift", y, want, 0)
}
