package lip

import . "github.com/gomlx/gomlx/core/graph"

// slopes is the bound of a map of single entries.
var slopes = Bound{1, "slopes of at most 1"}

var absolutes = activationKind{
	name:  "absolute value",
	apply: func(x *Node, _ Activation, _ []*Node) *Node { return Abs(x) },
	bound: slopes, rounding: exact,
}

var relu = activationKind{
	name:  "ReLU",
	apply: func(x *Node, _ Activation, _ []*Node) *Node { return MaxScalar(x, 0) },
	bound: slopes, rounding: exact,
}
