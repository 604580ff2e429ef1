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
	h := parts(x, 2, "MaxMin")
	return Concatenate([]*Node{Max(h[0], h[1]), Min(h[0], h[1])}, -1)
}

// parts cuts the last axis in n equal parts.
func parts(x *Node, n int, what string) []*Node {
	if d := x.Shape().Dim(-1); d%n != 0 {
		exceptions.Panicf("lip.%s: the last axis of %s isn't a multiple of %d", what, x.Shape(), n)
	}
	return Split(x, -1, n)
}

// GroupSort sorts channels i, i+c/n, i+2c/n, …, n of them, largest first. x is [..., c] with c a multiple of n;
// 1-Lipschitz and norm preserving (Anil et al. 2019). Cost: n(n-1)/2 comparisons a group, by odd-even transposition.
func GroupSort(x *Node, n int) *Node {
	h := parts(x, n, "GroupSort")
	for round := range n {
		for i := round % 2; i+1 < n; i += 2 {
			h[i], h[i+1] = Max(h[i], h[i+1]), Min(h[i], h[i+1])
		}
	}
	return Concatenate(h, -1)
}

// Householder reflects the pair p of channels i and i+c/2 where v·p < 0, v = (sin θ_i/2, -cos θ_i/2), which θ = π/2 makes MaxMin: a
// continuous map of slopes that are orthogonal (Singla, Singla & Feizi 2022). x is [..., c], angle θ is [c/2].
func Householder(x, angle *Node) *Node {
	h := parts(x, 2, "Householder")
	a, b := h[0], h[1]
	wide := func(t *Node) *Node { return BroadcastToShape(ExpandLeftToRank(t, x.Rank()), a.Shape()) }
	half := MulScalar(angle, 0.5)
	s, c := wide(Sin(half)), wide(Cos(half))
	reflected := MulScalar(MinScalar(Sub(Mul(a, s), Mul(b, c)), 0), 2) // 2·min(v·p, 0)
	return Concatenate([]*Node{Sub(a, Mul(reflected, s)), Add(b, Mul(reflected, c))}, -1)
}
