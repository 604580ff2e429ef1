package plain

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// MaximumPool is the largest entry of every by×by cell: [h, w, c] to [h/by, w/by, c].
type MaximumPool struct {
	unproved
	By int
}

func (p MaximumPool) String() string { return fmt.Sprintf("max pool %d×%d", p.By, p.By) }

func (p MaximumPool) Out(in lip.Size) (lip.Size, error) {
	if len(in) != 3 || p.By < 1 || in[0]%p.By != 0 || in[1]%p.By != 0 {
		return nil, fmt.Errorf("%v needs an input [h, w, c] with h and w multiples of %d, not %v", p,
			p.By, in)
	}
	return lip.Size{in[0] / p.By, in[1] / p.By, in[2]}, nil
}

// Weights are none.
func (MaximumPool) Weights(*model.Scope, *Graph, lip.Size) []*Node { return nil }

// Apply implements lip.Layer.
func (p MaximumPool) Apply(x *Node, _ []*Node) *Node {
	d := x.Shape().Dimensions
	return ReduceMax(Reshape(x, d[0], d[1]/p.By, p.By, d[2]/p.By, p.By, d[3]), 2, 4)
}

// GlobalMean is the mean of every channel: [h, w, c] to [c].
type GlobalMean struct{ unproved }

func (GlobalMean) String() string { return "mean of each channel" }

func (p GlobalMean) Out(in lip.Size) (lip.Size, error) {
	if len(in) != 3 {
		return nil, fmt.Errorf("%v needs an input [h, w, c], not %v", p, in)
	}
	return lip.Size{in[2]}, nil
}

// Weights are none.
func (GlobalMean) Weights(*model.Scope, *Graph, lip.Size) []*Node { return nil }

// Apply implements lip.Layer.
func (GlobalMean) Apply(x *Node, _ []*Node) *Node { return ReduceMean(x, 1, 2) }
