package lip

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Activation acts on the channels of every place.
type Activation struct {
	Kind  string // a key of activations; empty is maxmin
	Group int    // channels that groupsort sorts together; 0 is all of them
}

// An activation is 1-Lipschitz: groups of channels permuted or reflected, or entries by slopes in [-1, 1].
type activation struct {
	name  string
	apply func(x *Node, a Activation, w []*Node) *Node
	group func(a Activation, channels int) int // what the channels must be a multiple of; nil for anything
	angle bool                                 // has a weight for each pair
	slope bool                                 // works entry by entry
	exact bool                                 // rounds nothing
}

// activations are the kinds of Activation.
var activations = map[string]activation{
	"abs":         {name: "absolute value", apply: func(x *Node, _ Activation, _ []*Node) *Node { return Abs(x) }, slope: true, exact: true},
	"groupsort":   {name: "GroupSort", apply: func(x *Node, a Activation, _ []*Node) *Node { return GroupSort(x, a.group(x.Shape().Dim(-1))) }, group: Activation.group, exact: true},
	"householder": {name: "Householder", apply: func(x *Node, _ Activation, w []*Node) *Node { return Householder(x, w[0]) }, group: pairs, angle: true},
	"maxmin":      {name: "MaxMin", apply: func(x *Node, _ Activation, _ []*Node) *Node { return MaxMin(x) }, group: pairs, exact: true},
	"relu":        {name: "ReLU", apply: func(x *Node, _ Activation, _ []*Node) *Node { return MaxScalar(x, 0) }, slope: true, exact: true},
}

// Activations lists the kinds of Activation.
func Activations() []string { return slices.Sorted(maps.Keys(activations)) }

func pairs(Activation, int) int { return 2 }

func (a Activation) group(channels int) int { return cmp.Or(a.Group, channels) }

func (a Activation) kind() activation { return activations[cmp.Or(a.Kind, "maxmin")] }

func (a Activation) String() string {
	if a.Group != 0 {
		return fmt.Sprintf("%s %d", a.kind().name, a.Group)
	}
	return a.kind().name
}

func (a Activation) Out(in Size) (Size, error) {
	k := a.kind()
	c := in[len(in)-1]
	switch {
	case k.apply == nil:
		return nil, unknown("activation", a.Kind, activations)
	case a.Group != 0 && a.Kind != "groupsort":
		return nil, fmt.Errorf("%s has no groups to sort", k.name)
	case a.Group < 0:
		return nil, fmt.Errorf("%v needs groups of at least one channel", a)
	case k.group == nil || c%k.group(a, c) == 0:
		return in, nil
	case k.group(a, c) == 2:
		return nil, fmt.Errorf("%v needs an even number of channels, not %v", a, in)
	}
	return nil, fmt.Errorf("%v needs a number of channels that is a multiple of %d, not %v", a, k.group(a, c), in)
}

func (a Activation) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	if !a.kind().angle {
		return nil
	}
	// Near π/2, MaxMin.
	return []*Node{AddScalar(variable(scope, g, "angle", 0.1, in[len(in)-1]/2), math.Pi/2)}
}

func (a Activation) Apply(x *Node, w []*Node) *Node { return a.kind().apply(x, a, w) }

func (a Activation) Bound([]*tensors.Tensor, Size) Bound {
	if a.kind().slope {
		return Bound{1, "slopes of at most 1"}
	}
	return Isometry()
}

// MaxMin sorts the channels in pairs: the larger of channels i and i+c/2 goes to i, the smaller
// to i+c/2. x is [..., c] with c even; 1-Lipschitz and norm preserving (Anil et al. 2019).
func MaxMin(x *Node) *Node {
	a, b := halves(x, "MaxMin")
	return Concatenate([]*Node{Max(a, b), Min(a, b)}, -1)
}

// halves cuts the last axis in two.
func halves(x *Node, what string) (a, b *Node) {
	divisible(x, 2, what)
	h := Split(x, -1, 2)
	return h[0], h[1]
}

func divisible(x *Node, n int, what string) {
	if d := x.Shape().Dim(-1); d%n != 0 {
		exceptions.Panicf("lip.%s: the last axis of %s isn't a multiple of %d", what, x.Shape(), n)
	}
}

// GroupSort sorts channels i, i+c/n, i+2c/n, …, n of them, largest first. x is [..., c] with c a multiple of n;
// 1-Lipschitz and norm preserving (Anil et al. 2019). It is Batcher's odd-even merge sort, of log₂n(log₂n+1)/2 steps that
// each compare and exchange all of x at once: a comparison a node takes XLA minutes to compile. Components are finite; one of -∞
// may come out as float32's least number where n is no power of two.
func GroupSort(x *Node, n int) *Node {
	divisible(x, n, "GroupSort")
	dims := x.Shape().Dimensions
	each, rows := dims[len(dims)-1]/n, x.Shape().Size()/dims[len(dims)-1]
	size := 1
	for size < n {
		size *= 2
	}
	h := Reshape(x, rows, n, each)
	if size > n { // what is added is smallest and stays last; of two infinities Max has no gradient
		h = Concatenate([]*Node{h, BroadcastToDims(Scalar(x.Graph(), x.DType(), -math.MaxFloat32), rows, size-n, each)}, 1)
	}
	for half := 1; half < size; half *= 2 { // merges sorted halves
		blocks := rows * size / (2 * half)
		h = exchange(h, blocks, half*each)
		for k := half / 2; k >= 1; k /= 2 {
			h = Reshape(h, blocks, 2*half/k, k*each)
			middle := exchange(Slice(h, AxisRange(), AxisRange(1, -1)), blocks*(half/k-1), k*each)
			h = Concatenate([]*Node{Slice(h, AxisRange(), AxisElem(0)), Reshape(middle, blocks, 2*half/k-2, k*each), Slice(h, AxisRange(), AxisElem(-1))}, 1)
		}
	}
	return Reshape(Slice(Reshape(h, rows, size, each), AxisRange(), AxisRange(0, n)), dims...)
}

// exchange takes x as so many pairs of vectors and sorts each pair by component, the larger first.
func exchange(x *Node, pairs, each int) *Node {
	h := Split(Reshape(x, pairs, 2, each), 1, 2)
	return Concatenate([]*Node{Max(h[0], h[1]), Min(h[0], h[1])}, 1)
}

// Householder reflects the pair p of channels i and i+c/2 where v·p < 0, v = (sin θ_i/2, -cos θ_i/2), which θ = π/2 makes MaxMin: a
// continuous map of slopes that are orthogonal (Singla, Singla & Feizi 2022). x is [..., c], angle θ is [c/2].
func Householder(x, angle *Node) *Node {
	a, b := halves(x, "Householder")
	wide := func(t *Node) *Node { return BroadcastToShape(ExpandLeftToRank(t, x.Rank()), a.Shape()) }
	half := MulScalar(angle, 0.5)
	s, c := wide(Sin(half)), wide(Cos(half))
	reflected := MulScalar(MinScalar(Sub(Mul(a, s), Mul(b, c)), 0), 2) // 2·min(v·p, 0)
	return Concatenate([]*Node{Sub(a, Mul(reflected, s)), Add(b, Mul(reflected, c))}, -1)
}
