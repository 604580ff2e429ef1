package lip

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// SpatialShift moves channels by one place: the first eighth of them down, the next up, the next
// right and the next left. What leaves the image comes in on its other side. Then SpatialShift adds
// a bias to each entry, which tells places apart. The layer is an isometry. Between 1×1
// convolutions it takes the place of a larger kernel (Hu et al. 2026, LipNeXt).
type SpatialShift struct{}

func (SpatialShift) String() string { return "spatial shift" }

func (s SpatialShift) Out(in Size) (Size, error) {
	if len(in) != 3 || in[2] < 4 {
		return nil, fmt.Errorf("%v needs an input [h, w, c] with at least 4 channels, not %v", s,
			in)
	}
	return in, nil
}

// ShiftPart is a part of the channels, from First to before End, that moves by this many rows and
// columns.
type ShiftPart struct{ First, End, Rows, Columns int }

// Parts are the parts of so many channels.
func (SpatialShift) Parts(channels int) []ShiftPart {
	n := max(channels/8, 1)
	return []ShiftPart{
		{0, n, 1, 0}, {n, 2 * n, -1, 0}, {2 * n, 3 * n, 0, 1}, {3 * n, 4 * n, 0, -1},
		{4 * n, channels, 0, 0},
	}
}

// Weights are the bias, [h, w, c].
func (SpatialShift) Weights(scope *model.Scope, g *Graph, in Size) []*Node {
	return []*Node{variable(scope, g, "b", 0, in...)}
}

func (s SpatialShift) Apply(x *Node, w []*Node) *Node {
	var parts []*Node
	for _, p := range s.Parts(x.Shape().Dim(-1)) {
		if p.First < p.End {
			part := SliceAxis(x, -1, AxisRange(p.First, p.End))
			parts = append(parts, roll(roll(part, 1, p.Rows), 2, p.Columns))
		}
	}
	return addBias(Concatenate(parts, -1), w[0])
}

// roll moves entries up an axis by this many places, round its end; by is at most its length.
func roll(x *Node, axis, by int) *Node {
	n := x.Shape().Dim(axis)
	cut := (n - by) % n
	if cut == 0 {
		return x
	}
	return Concatenate([]*Node{SliceAxis(x, axis, AxisRange(cut, n)),
		SliceAxis(x, axis, AxisRange(0, cut))}, axis)
}

func (SpatialShift) Bound([]*tensors.Tensor, Size) Bound { return Isometry() }

func (s SpatialShift) operator(_ []*tensors.Tensor, in Size) (operator, bool) {
	h, w, c := in[0], in[1], in[2]
	o := operator{rows: make([][]entry, in.Entries()), columns: in.Entries()}
	for _, p := range s.Parts(c) {
		for y := range h {
			for x := range w {
				to := ((y+p.Rows+h)%h*w + (x+p.Columns+w)%w) * c
				for i := p.First; i < p.End; i++ {
					o.rows[to+i] = []entry{{(y*w+x)*c + i, 1}}
				}
			}
		}
	}
	return o, true
}

func (SpatialShift) rounding(w []*tensors.Tensor, in Size, _, norm float64) (roundoff, error) {
	return addition(w[0], in, norm), nil
}
