package export

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/training/lip"
)

// A kind of layer that isn't known here is refused, not written as another.
func TestUnknownKind(t *testing.T) {
	for _, l := range []lip.Layer{
		lip.Convolution{Kind: "wavelet", Kernel: 1, Channels: 2},
		lip.Activation{Kind: "spline"},
	} {
		g := &graph{taken: map[string]bool{}}
		if _, err := g.apply(l, Input, [][]float32{make([]float32, 4), make([]float32, 2)},
			lip.Size{2, 2, 2}); err == nil ||
			!strings.Contains(err.Error(), "have no form in ONNX") {
			t.Errorf("%v: %v", l, err)
		}
	}
}

// A Householder of a model of an earlier version holds angles.
func TestAngles(t *testing.T) {
	for n, want := range map[int]bool{2: true, 4: false} {
		g := &graph{taken: map[string]bool{}}
		if _, err := g.apply(lip.Activation{Kind: "householder"}, Input,
			[][]float32{make([]float32, n)}, lip.Size{4}); err != nil {
			t.Fatal(err)
		}
		sine := func(n node) bool { return n.op == "Sin" }
		if got := slices.ContainsFunc(g.nodes, sine); got != want {
			t.Errorf("%d weights: a sine %v", n, got)
		}
	}
}

// A file ends at 2 GB; its size is known without a copy of what is in it.
func TestTooLarge(t *testing.T) {
	piece := make([]byte, 1<<20)
	var inner, outer message
	for range 2048 {
		inner.add(piece)
	}
	outer.message(7, inner)
	if err := fits(outer.size); err == nil ||
		!strings.HasPrefix(err.Error(), "export: the file would have 21474") {
		t.Errorf("%d bytes: %v", outer.size, err)
	}
	if err := fits(math.MaxInt32); err != nil {
		t.Error(err)
	}
}
