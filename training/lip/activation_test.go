package lip

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

func TestMaxMin(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	got := run1(backend, func(in []*Node) *Node { return MaxMin(in[0]) },
		tensors.FromValue([][]float32{{1, 2, 3, 4}, {4, -1, -3, 9}}))
	near(t, "MaxMin", got, []float32{3, 4, 1, 2, 4, 9, -3, -1}, 0)
	for _, shape := range [][]int{{50, 8}, {50, 3, 5, 6}, {50, 2}} {
		x, y := tensor(r, shape...), tensor(r, shape...)
		isometry(t, "MaxMin", MaxMin, x, y)
	}
	mustPanic(t, "lip.MaxMin: the last axis", func() {
		run(backend, func(in []*Node) []*Node { return []*Node{MaxMin(in[0])} }, zeros(2, 3))
	})
}

// TestActivations: what each does to numbers; GroupSort of pairs and Householder of angle π/2 are
// MaxMin.
func TestActivations(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 15))
	x := tensor(r, 20, 3, 8)
	right := make([]float32, 4)
	for i := range right {
		right[i] = math.Pi / 2
	}
	out := run(pure, func(in []*Node) []*Node {
		return []*Node{MaxMin(in[0]), GroupSort(in[0], 2), Householder(in[0], directions(in[1])),
			GroupSort(in[0], 8), GroupSort(in[0], 4), GroupSort(in[0], 1)}
	}, x, tensors.FromValue(right))
	near(t, "GroupSort 2", flat(out[1]), flat(out[0]), 0)
	near(t, "Householder", flat(out[2]), flat(out[0]), 1e-5)
	near(t, "GroupSort 1", flat(out[5]), flat(x), 0)
	whole, fours := flat(x), flat(x)
	descending := func(x, y float32) int { return cmp.Compare(y, x) }
	for i := 0; i < len(whole); i += 8 {
		slices.SortFunc(whole[i:i+8], descending)
		for j := range 2 {
			g := []float32{fours[i+j], fours[i+j+2], fours[i+j+4], fours[i+j+6]}
			slices.SortFunc(g, descending)
			for k, v := range g {
				fours[i+j+2*k] = v
			}
		}
	}
	near(t, "GroupSort 8", flat(out[3]), whole, 0)
	near(t, "GroupSort 4", flat(out[4]), fours, 0)
	// A reflected point has v·p > 0, so a second time it stays.
	y := tensors.FromValue(right[:4])
	angle := tensor(r, 4)
	twice := run(pure, func(in []*Node) []*Node {
		h := Householder(in[0], directions(in[2]))
		return []*Node{h, Householder(h, directions(in[2]))}
	}, x, y, angle)
	near(t, "Householder twice", flat(twice[1]), flat(twice[0]), 1e-5)
	// Models of earlier versions hold angles.
	h := Activation{Kind: "householder"}
	old := run1(pure, func(in []*Node) *Node { return h.Apply(in[0], in[1:]) }, x, angle)
	now := run1(pure, func(in []*Node) *Node { return Householder(in[0], directions(in[1])) }, x,
		angle)
	near(t, "Householder of angles", old, now, 0)
	if b := h.Bound([]*tensors.Tensor{angle}, Size{8}); b != Isometry() {
		t.Errorf("Householder of angles: bound %v", b)
	}
	for _, layer := range []Layer{Activation{}, Activation{Kind: "groupsort", Group: 4},
		Activation{Kind: "abs"}, Activation{Kind: "beta-abs"}} {
		isometry(t, layer.String(), func(x *Node) *Node { return layer.Apply(x, nil) },
			tensor(r, 30, 8), tensor(r, 30, 8))
	}
}
