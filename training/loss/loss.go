// Package loss holds losses that train a margin.
package loss

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/lipsmooth/lipsmooth/internal/named"
)

// A Loss takes labels [batch, 1] (integers) and logits [batch, classes] and returns the mean over
// the batch, a scalar. It is a GoMLX train.LossFn. Margins are in units of radius: logits are first
// divided by Gap, the constant of a difference of two logits.
type Loss interface {
	Loss(labels, logits []*Node) *Node
}

// Entry is a loss by name.
type Entry struct {
	Name, Doc string
	// New returns the loss that asks for a margin of offset. A larger temperature gives more weight
	// to margins beyond the offset, except in multi-margin. Offset and temperature are in units of
	// radius.
	New func(offset, temperature, gap float64) Loss
}

// Losses are all losses. The first is the default.
var Losses = []Entry{
	{"offset", "cross-entropy after the true class's logit was lowered (Prach & Lampert 2022)",
		func(o, t, gap float64) Loss { return Offset{o, t, gap} }},
	{"emma", "cross-entropy after each other logit was raised by as much as the margin to it, " +
		"the offset at most (Hu et al. 2023)",
		func(o, t, gap float64) Loss { return EMMA{o, t, gap} }},
	{"hkr", "Kantorovich–Rubinstein's mean difference, and the hinge weighted by 1/temperature " +
		"(Serrurier et al. 2021)",
		func(o, t, gap float64) Loss { return HKR{o, 1 / t, gap, false} }},
	{"torchlip-hkr", "hkr as deel-torchlip has it: the true class's hinge counts as much as all " +
		"other hinges",
		func(o, t, gap float64) Loss { return HKR{o, 1 / t, gap, true} }},
	{"lse-hkr", "hkr on the true logit and a soft maximum of the others (deel-torchlip)",
		func(o, t, gap float64) Loss { return LSEHKR{o, 1 / t, gap} }},
	{"multi-margin", "hinge on the margin to each other class (Weston & Watkins 1999)",
		func(o, t, gap float64) Loss { return MultiMargin{o, t, gap} }},
	{"annealing", "logit annealing: offset times (1-p)^5, p the true class's probability there " +
		"(Lai et al. 2025)",
		func(o, t, gap float64) Loss { return Annealing{o, t, gap} }},
}

// Names lists the names of Losses.
func Names() (names []string) {
	for _, e := range Losses {
		names = append(names, e.Name)
	}
	return names
}

// ByName finds an entry of Losses. Its error lists the known names.
func ByName(name string) (Entry, error) {
	return named.Find("loss", name, Losses, func(e Entry) string { return e.Name })
}

// scaled returns logits in units of radius, and the true class as one-hot rows, both [batch,
// classes].
func scaled(labels, logits []*Node, gap float64) (z, y *Node) {
	z = logits[0]
	d := z.Shape().Dimensions
	y = OneHot(Reshape(labels[0], d[0]), d[1], z.DType())
	return MulScalar(z, 1/gap), y
}

// margins returns the true logit less each logit, [batch, classes], which is 0 for the true class.
func margins(z, y *Node) *Node {
	return Sub(ReduceAndKeep(Mul(z, y), ReduceSum, -1), z)
}

func hinge(x *Node) *Node { return Max(x, ScalarZero(x.Graph(), x.DType())) }
