package lip

import (
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

func TestSpaceToDepth(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	// 4×4, each entry 10·row + column: the first patch row by row.
	x := make([]float32, 16)
	for i := range x {
		x[i] = float32(i/4*10 + i%4)
	}
	got := run1(backend, func(in []*Node) *Node { return SpaceToDepth(in[0], 2) },
		tensors.FromFlatDataAndDimensions(x, 1, 4, 4, 1))
	want := []float32{0, 1, 10, 11, 2, 3, 12, 13, 20, 21, 30, 31, 22, 23, 32, 33}
	near(t, "SpaceToDepth", got, want, 0)
	for _, c := range []struct {
		by    int
		shape []int
	}{{2, []int{9, 4, 6, 3}}, {3, []int{9, 3, 9, 2}}, {1, []int{9, 2, 2, 2}}} {
		x, y := tensor(r, c.shape...), tensor(r, c.shape...)
		f := func(x *Node) *Node { return SpaceToDepth(x, c.by) }
		if least := isometry(t, "SpaceToDepth", f, x, y); least < 1-1e-6 {
			t.Errorf("SpaceToDepth %v: distance shrank by a factor of %g", c.shape, least)
		}
	}
	for _, shape := range [][]int{{1, 4, 5, 1}, {1, 5, 4, 1}, {4, 4}} {
		mustPanic(t, "lip.SpaceToDepth: can't cut", func() {
			run(backend, func(in []*Node) []*Node { return []*Node{SpaceToDepth(in[0], 2)} },
				zeros(shape...))
		})
	}
}
