package lip

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Activation acts on the channels of every place.
type Activation struct {
	Kind  string // a key of activations, maxmin by default
	Group int    // channels that groupsort sorts together, 0 for all
}

// An activationKind is a 1-Lipschitz map of the channels.
type activationKind struct {
	name string
	// weights makes the effective weights for this many channels. Nil makes none.
	weights func(scope *model.Scope, g *Graph, channels int) []*Node
	apply   func(x *Node, a Activation, w []*Node) *Node
	// group must divide the number of channels, which Out checks. Nil takes any number.
	group func(a Activation, channels int) int
	// grouped kinds use Activation.Group.
	grouped bool
	bound   Bound
	// prove is the bound of a kind whose weights count. Nil is bound.
	prove func(w []*tensors.Tensor) Bound
	// rounding is as a layer's. Nil proves nothing.
	rounding func(w []*tensors.Tensor, in Size, bound, norm float64) (roundoff, error)
}

// activations are the kinds of Activation.
var activations = map[string]activationKind{
	"abs":         absolutes,
	"beta-abs":    betaAbs,
	"groupsort":   groupSort,
	"householder": householder,
	"maxmin":      maxMin,
	"relu":        relu,
}

// Activations lists the kinds of Activation.
func Activations() []string { return slices.Sorted(maps.Keys(activations)) }

func (a Activation) kind() activationKind { return activations[cmp.Or(a.Kind, "maxmin")] }

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
	case a.Group != 0 && !k.grouped:
		return nil, fmt.Errorf("%s has no groups to sort", k.name)
	case a.Group < 0:
		return nil, fmt.Errorf("%v needs groups of at least one channel", a)
	case k.group == nil || c%k.group(a, c) == 0:
		return in, nil
	case k.group(a, c) == 2:
		return nil, fmt.Errorf("%v needs an even number of channels, not %v", a, in)
	}
	return nil, fmt.Errorf("%v needs a number of channels that is a multiple of %d, not %v",
		a, k.group(a, c), in)
}

func (a Activation) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	if weights := a.kind().weights; weights != nil {
		return weights(scope, g, in[len(in)-1])
	}
	return nil
}

func (a Activation) Apply(x *Node, w []*Node) *Node { return a.kind().apply(x, a, w) }

func (a Activation) Bound(w []*tensors.Tensor, _ Size) Bound {
	if prove := a.kind().prove; prove != nil {
		return prove(w)
	}
	return a.kind().bound
}

func (a Activation) rounding(w []*tensors.Tensor, in Size, bound, norm float64) (roundoff, error) {
	if rounding := a.kind().rounding; rounding != nil {
		return rounding(w, in, bound, norm)
	}
	return unrounded(a)
}

// exact is the rounding of an activation that moves entries, compares them or changes their sign.
func exact(_ []*tensors.Tensor, in Size, _, _ float64) (roundoff, error) {
	return flushed(in.Entries()), nil
}

// pairs is the group of an activation on pairs of channels.
func pairs(Activation, int) int { return 2 }

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
