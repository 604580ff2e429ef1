package lip

import . "github.com/gomlx/gomlx/core/graph"

// slopes is the bound of a map of single entries.
var slopes = Bound{1, "slopes of at most 1"}

var absolutes = activationKind{
	name:  "absolute value",
	apply: func(x *Node, _ Activation, _ []*Node) *Node { return Abs(x) },
	bound: slopes, rounding: exact,
}

// betaAbs is LipNeXt's activation: |x| of the first three quarters of the channels, and x of the
// others (Hu et al. 2026, β = 3/4).
var betaAbs = activationKind{
	name: "β-Abs",
	apply: func(x *Node, _ Activation, _ []*Node) *Node {
		c := x.Shape().Dim(-1)
		n := BetaAbs(c)
		parts := []*Node{Abs(SliceAxis(x, -1, AxisRange(0, n)))}
		if n < c {
			parts = append(parts, SliceAxis(x, -1, AxisRange(n, c)))
		}
		return Concatenate(parts, -1)
	},
	bound: slopes, rounding: exact,
}

// BetaAbs is how many of so many channels the activation beta-abs takes the absolute value of.
func BetaAbs(channels int) int { return (3*channels + 3) / 4 }

var relu = activationKind{
	name:  "ReLU",
	apply: func(x *Node, _ Activation, _ []*Node) *Node { return MaxScalar(x, 0) },
	bound: slopes, rounding: exact,
}
