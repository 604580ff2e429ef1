package lip

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Depth is SpaceToDepth as a layer.
type Depth struct{ By int }

func (d Depth) String() string { return fmt.Sprintf("space to depth %d×%d", d.By, d.By) }

func (d Depth) Out(in Size) (Size, error) {
	if err := cuts(d, d.By, in); err != nil {
		return nil, err
	}
	return Size{in[0] / d.By, in[1] / d.By, d.By * d.By * in[2]}, nil
}

func (Depth) Weights(*model.Scope, *Graph, Size) []*Node { return nil }
func (d Depth) Apply(x *Node, _ []*Node) *Node           { return SpaceToDepth(x, d.By) }
func (Depth) Bound([]*tensors.Tensor, Size) Bound        { return Isometry() }

func (d Depth) operator(_ []*tensors.Tensor, in Size) (operator, bool) {
	return byCells(d.By, in, in.Entries(), 1, func(p cellPlace) int {
		return (p.cell*d.By*d.By+p.inside)*in[2] + p.channel
	}), true
}

func (Depth) rounding(_ []*tensors.Tensor, in Size, _, _ float64) (roundoff, error) {
	return flushed(in.Entries()), nil
}

// SpaceToDepth moves every by×by patch of x, [batch, h, w, c], into the channels:
// [batch, h/by, w/by, by·by·c]. The patch is row-major and its channels come last. SpaceToDepth
// permutes entries, so it is an isometry.
func SpaceToDepth(x *Node, by int) *Node {
	d := x.Shape().Dimensions
	if len(d) != 4 || d[1]%by != 0 || d[2]%by != 0 {
		exceptions.Panicf("lip.SpaceToDepth: can't cut %s into %d×%d patches", x.Shape(), by, by)
	}
	x = Reshape(x, d[0], d[1]/by, by, d[2]/by, by, d[3])
	x = TransposeAllAxes(x, 0, 1, 3, 2, 4, 5)
	return Reshape(x, d[0], d[1]/by, d[2]/by, by*by*d[3])
}
