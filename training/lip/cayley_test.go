package lip

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// TestCayley: orthonormal at sizes and scales that the trained layers don't have.
func TestCayley(t *testing.T) {
	r := rand.New(rand.NewPCG(18, 18))
	for _, c := range []struct {
		in, out int
		scale   float64
	}{{128, 128, 1}, {200, 64, 2}, {96, 96, 10}, {20, 20, 0}} {
		w := floats(r, c.in*c.out)
		for i := range w {
			w[i] *= float32(c.scale / math.Sqrt(float64(c.in)))
		}
		got := run(pure, func(in []*Node) []*Node { return []*Node{orthonormal(in[0])} },
			tensors.FromFlatDataAndDimensions(w, c.in, c.out))[0]
		if s := singular(t, matrix(got, c.in, c.out)); !(s[0] < 1+1e-5 && s[len(s)-1] > 1-1e-5) {
			t.Errorf("%+v: singular values from %v to %v", c, s[len(s)-1], s[0])
		}
	}
}
