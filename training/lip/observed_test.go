package lip

import (
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
)

func TestObserved(t *testing.T) {
	net := newChain(t, Size{4, 5, 2}, Convolution{Kind: "free", Kernel: 3, Channels: 3})
	want := singular(t, convolutionMatrix(flat(net.Weights[0][0]),
		Geometry{Size{3, 3}, Size{4, 5, 2}, 3, 1, false}))[0]
	last := 0.0
	for _, steps := range []int{1, 5, 60} {
		s, at, err := Observed(backend, net.apply, net.Weights[0], Size{4, 5, 2}, steps)
		if err != nil || at.Shape().String() != zeros(1, 4, 5, 2).Shape().String() {
			t.Fatal(at, err)
		}
		if !(s > last && s <= want*(1+1e-6)) {
			t.Errorf("%d steps: %v, before %v, the norm is %v", steps, s, last, want)
		}
		last = s
	}
	if last < 0.999*want {
		t.Errorf("60 steps: %v, the norm is %v", last, want)
	}
	// Where |x| is at most 1 the sine is steepest at 0, a map of norm 2.
	steep := func(x *Node, _ []*Node) *Node { return MulScalar(Sin(x), 2) }
	if s, _, err := Observed(pure, steep, nil, Size{1}, 100); err != nil || s > 2 || s < 1.9 {
		t.Errorf("2·sin: %v, %v", s, err)
	}
	if _, _, err := Observed(pure, net.apply, net.Weights[0], Size{40}, 1); err == nil {
		t.Error("a flat input to a convolution was observed")
	}
}
