package lip

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Flat makes [h, w, c] one axis.
type Flat struct{}

func (Flat) String() string                             { return "flatten" }
func (Flat) Out(in Size) (Size, error)                  { return Size{in.Entries()}, nil }
func (Flat) Weights(*model.Scope, *Graph, Size) []*Node { return nil }
func (Flat) Bound([]*tensors.Tensor, Size) Bound        { return Isometry() }

func (Flat) Apply(x *Node, _ []*Node) *Node { return Reshape(x, x.Shape().Dimensions[0], -1) }

func (Flat) operator(_ []*tensors.Tensor, in Size) (operator, bool) {
	return Depth{1}.operator(nil, Size{1, 1, in.Entries()})
}

func (Flat) rounding(_ []*tensors.Tensor, in Size, _, _ float64) (roundoff, error) {
	return flushed(in.Entries()), nil
}
