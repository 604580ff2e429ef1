package lip

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
)

// TestForward compares Forward with GoMLX's own convolution.
func TestForward(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, b := range []compute.Backend{backend, pure} {
		for _, c := range []struct {
			h, w, in, k, out, stride int
			zeros                    [2][2]int
		}{
			{8, 8, 3, 3, 32, 1, [2][2]int{{1, 1}, {1, 1}}},
			{8, 8, 3, 3, 12, 2, [2][2]int{{0, 1}, {0, 1}}},
			{7, 9, 1, 3, 5, 1, [2][2]int{{1, 1}, {1, 1}}},
			{9, 12, 1, 5, 8, 2, [2][2]int{{2, 2}, {2, 1}}},
			{6, 6, 8, 3, 4, 1, [2][2]int{}},
			{11, 16, 2, 7, 3, 4, [2][2]int{{3, 3}, {3, 3}}},
		} {
			out := run(b, func(in []*Node) []*Node {
				want := Convolve(in[0], in[1]).PaddingPerDim(c.zeros[:]).Strides(c.stride).Done()
				return []*Node{Forward(in[0], in[1], c.stride, c.zeros), want}
			}, tensor(r, 2, c.h, c.w, c.in), tensor(r, c.k, c.k, c.in, c.out))
			if !out[0].Shape().Equal(out[1].Shape()) {
				t.Errorf("%+v: %v, not %v", c, out[0].Shape(), out[1].Shape())
				continue
			}
			near(t, fmt.Sprintf("%s: %+v", b.Name(), c), flat(out[0]), flat(out[1]), 1e-4)
		}
	}
}
