package lip

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
)

// cuts says why an image can't be cut into by×by cells.
func cuts(l Layer, by int, in Size) error {
	if len(in) != 3 || by < 1 || in[0]%by != 0 || in[1]%by != 0 {
		return fmt.Errorf("%v needs an input [h, w, c] with h and w multiples of %d, not %v",
			l, by, in)
	}
	return nil
}

// pooled is the size of an output with one place for each by×by cell.
func pooled(l Layer, by int, in Size) (Size, error) {
	if err := cuts(l, by, in); err != nil {
		return nil, err
	}
	return Size{in[0] / by, in[1] / by, in[2]}, nil
}

// cells makes the by×by cells of x, [batch, h, w, c], an axis: [batch, h/by, w/by, by², c].
func cells(x *Node, by int) *Node {
	c := x.Shape().Dim(-1)
	x = SpaceToDepth(x, by)
	d := x.Shape().Dimensions
	return Reshape(x, d[0], d[1], d[2], by*by, c)
}

// A cellPlace is where an entry of an image lies: its cell, its place inside the cell, its channel.
type cellPlace struct{ cell, inside, channel int }

// byCells is a matrix with one entry of this value for each entry of the input, in the row that to
// names.
func byCells(by int, in Size, rows int, value float64, to func(cellPlace) int) operator {
	o := operator{rows: make([][]entry, rows), columns: in.Entries()}
	h, w, c := in[0], in[1], in[2]
	for y := range h {
		for x := range w {
			for channel := range c {
				r := to(cellPlace{y/by*(w/by) + x/by, y%by*by + x%by, channel})
				o.rows[r] = append(o.rows[r], entry{(y*w+x)*c + channel, value})
			}
		}
	}
	return o
}
