package lip

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Check tests a layer, on inputs of size in. It trains the layer a little, and returns the bound
// that the layer then proves and the largest slope that is Observed.
//
// Check returns an error if the slope exceeds the bound by more than float32 rounding. It also
// returns an error if training doesn't lower the loss, or if the layer's sizes contradict each
// other. A layer that passes may still be wrong. A layer that fails is wrong.
func Check(on compute.Backend, l Layer, in Size) (bound Bound, slope float64, err error) {
	out, err := l.Out(in)
	if err != nil {
		return bound, 0, fmt.Errorf("%v: %w", l, err)
	}
	w, err := Trained(on, l, in, 50)
	if err != nil {
		return bound, 0, err
	}
	var gives []int
	caught := exceptions.TryCatch[error](func() {
		bound = l.Bound(w, in)
		slope, _, err = Observed(on, func(x *Node, w []*Node) *Node {
			defer raise()
			y := l.Apply(x, w)
			there("output", y)
			gives = y.Shape().Dimensions[1:]
			return y
		}, w, in, 40)
	})
	switch {
	case caught != nil:
		err = fmt.Errorf("%v: %w", l, caught)
	case err != nil:
		err = fmt.Errorf("%v: %w", l, err)
	case !slices.Equal(gives, out):
		err = fmt.Errorf("%v: gives %v of %v, and says %v", l, Size(gives), in, out)
	case !(slope <= bound.Value()*(1+1e-5)):
		err = fmt.Errorf("%v: a slope of %.5g, above the bound %.5g", l, slope, bound.Value())
	}
	return bound, slope, err
}

// Trained returns the effective weights of l after this many steps of Adam towards random targets.
// They are nil if l has none. It returns an error where the loss doesn't fall.
func Trained(on compute.Backend, l Layer, in Size, steps int) (w []*tensors.Tensor, err error) {
	caught := exceptions.TryCatch[error](func() { w, err = trained(on, l, in, steps) })
	if caught != nil {
		err = caught
	}
	if err != nil {
		err = fmt.Errorf("%v: %w", l, err)
	}
	return w, err
}

func trained(on compute.Backend, l Layer, in Size, steps int) (w []*tensors.Tensor, err error) {
	out, err := l.Out(in)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(uint64(in.Entries()), uint64(out.Entries())))
	x := normals(r, append(Size{32}, in...)...)
	y := normals(r, append(Size{32}, out...)...)
	store := model.NewStore()
	store.SetParam(model.ParamInitialSeed, int64(1))
	count := 0
	frozen, err := model.NewExec(on, store, func(scope *model.Scope, x *Node) []*Node {
		defer raise()
		w := l.Weights(scope.In("layer"), x.Graph(), in)
		there("weight", w...)
		count = len(w)
		return append(w, x)
	})
	if err != nil {
		return nil, err
	}
	defer frozen.Finalize()
	if _, err := frozen.Call(float32(0)); err != nil || count == 0 {
		return nil, err
	}
	adam := optimizer.Adam().LearningRate(0.02).Done()
	step, err := model.NewExec(on, store, func(scope *model.Scope, x, y *Node) *Node {
		defer raise()
		store.SetTraining(x.Graph(), true)
		own := scope.In("layer")
		z := Train(l, own, x, l.Weights(own, x.Graph(), in))
		there("output", z)
		loss := ReduceAllMean(Square(Sub(z, y)))
		adam.UpdateGraph(scope, x.Graph(), loss)
		return loss
	})
	if err != nil {
		return nil, err
	}
	defer step.Finalize()
	var losses []float32
	for range steps {
		loss, err := step.Call(x, y)
		if err != nil {
			return nil, err
		}
		losses = append(losses, flat(loss[0])[0])
	}
	if first, last := losses[0], losses[steps-1]; !(last < first) {
		return nil, fmt.Errorf("the loss went from %v to %v in %d steps", first, last, steps)
	}
	all, err := frozen.Call(float32(0))
	if err != nil {
		return nil, err
	}
	for _, v := range all[:count] {
		own, err := v.LocalClone()
		if err != nil {
			return nil, err
		}
		w = append(w, own)
	}
	return w, nil
}

// there panics where a layer's node is nil. An Exec that is handed a nil node keeps its lock.
func there(what string, nodes ...*Node) {
	if slices.Contains(nodes, nil) {
		panic(fmt.Errorf("the layer gives a nil %s", what))
	}
}

// raise turns any panic into a panic with an error. An Exec hands back an error; after another
// panic its lock stays taken.
func raise() {
	switch r := recover().(type) {
	case nil:
	case error:
		panic(r)
	default:
		panic(fmt.Errorf("%v", r))
	}
}

// normals is a tensor of standard normal draws.
func normals(r *rand.Rand, dimensions ...int) *tensors.Tensor {
	x := make([]float32, Size(dimensions).Entries())
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(x, dimensions...)
}
