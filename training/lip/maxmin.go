package lip

import . "github.com/gomlx/gomlx/core/graph"

var maxMin = activationKind{
	name:  "MaxMin",
	apply: func(x *Node, _ Activation, _ []*Node) *Node { return MaxMin(x) },
	group: pairs, bound: Isometry(), rounding: exact,
}

// MaxMin sorts the channels in pairs. The larger of channels i and i+c/2 goes to i, the smaller to
// i+c/2. The shape of x is [..., c] with c even. MaxMin is 1-Lipschitz and keeps norms (Anil et al.
// 2019).
func MaxMin(x *Node) *Node {
	a, b := halves(x, "MaxMin")
	return Concatenate([]*Node{Max(a, b), Min(a, b)}, -1)
}
