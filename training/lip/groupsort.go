package lip

import (
	"cmp"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

var groupSort = activationKind{
	name: "GroupSort",
	apply: func(x *Node, a Activation, _ []*Node) *Node {
		return GroupSort(x, sortedTogether(a, x.Shape().Dim(-1)))
	},
	group: sortedTogether, grouped: true, bound: Isometry(), rounding: exact,
}

func sortedTogether(a Activation, channels int) int { return cmp.Or(a.Group, channels) }

// GroupSort sorts n channels together, i, i+c/n, i+2c/n, …, the largest first. The shape of x is
// [..., c] with c a multiple of n. GroupSort is 1-Lipschitz and keeps norms (Anil et al. 2019).
//
// It is Batcher's odd-even merge sort. Each of its log₂n(log₂n+1)/2 steps compares and exchanges
// all of x at once, as XLA takes minutes to compile a comparison a node. Components must be finite:
// where n is no power of two, a component of -∞ may come out as float32's least number.
func GroupSort(x *Node, n int) *Node {
	divisible(x, n, "GroupSort")
	dims := x.Shape().Dimensions
	each, rows := dims[len(dims)-1]/n, x.Shape().Size()/dims[len(dims)-1]
	size := 1
	for size < n {
		size *= 2
	}
	h := Reshape(x, rows, n, each)
	if size > n {
		// The added components are the smallest and stay last. Max of two infinities has no
		// gradient.
		least := Scalar(x.Graph(), x.DType(), -math.MaxFloat32)
		h = Concatenate([]*Node{h, BroadcastToDims(least, rows, size-n, each)}, 1)
	}
	for half := 1; half < size; half *= 2 { // merges sorted halves
		blocks := rows * size / (2 * half)
		h = exchange(h, blocks, half*each)
		for k := half / 2; k >= 1; k /= 2 {
			h = Reshape(h, blocks, 2*half/k, k*each)
			middle := Slice(h, AxisRange(), AxisRange(1, -1))
			middle = exchange(middle, blocks*(half/k-1), k*each)
			middle = Reshape(middle, blocks, 2*half/k-2, k*each)
			first, last := Slice(h, AxisRange(), AxisElem(0)), Slice(h, AxisRange(), AxisElem(-1))
			h = Concatenate([]*Node{first, middle, last}, 1)
		}
	}
	return Reshape(Slice(Reshape(h, rows, size, each), AxisRange(), AxisRange(0, n)), dims...)
}

// exchange takes x as so many pairs of vectors and sorts each pair by component, the larger first.
func exchange(x *Node, pairs, each int) *Node {
	h := Split(Reshape(x, pairs, 2, each), 1, 2)
	return Concatenate([]*Node{Max(h[0], h[1]), Min(h[0], h[1])}, 1)
}
