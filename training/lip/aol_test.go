package lip

import (
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

func TestAOL(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 12))
	for _, c := range [][2]int{{1, 1}, {5, 40}, {40, 5}, {32, 32}} {
		for _, scale := range []float32{0, 1e-3, 1, 1e3} {
			w := floats(r, c[0]*c[1])
			for i := range w {
				w[i] *= scale
			}
			out := run(backend, func(in []*Node) []*Node { return []*Node{AOL(in[0])} },
				tensors.FromFlatDataAndDimensions(w, c[0], c[1]))
			if s := singular(t, matrix(out[0], c[0], c[1]))[0]; !(s <= 1+1e-6) ||
				scale > 0 && s < 0.3 {
				t.Errorf("%v scaled by %g: norm %v", c, scale, s)
			}
		}
	}
	// Orthogonal rows stay what they are, normalised.
	got := run1(backend, func(in []*Node) *Node { return AOL(in[0]) },
		tensors.FromValue([][]float32{{3, 4, 0}, {0, 0, 2}}))
	near(t, "AOL", got, []float32{0.6, 0.8, 0, 0, 0, 1}, 1e-6)
	// A 1×1 convolution is a matrix.
	w := tensor(r, 1, 1, 4, 6)
	got = run1(backend, func(in []*Node) *Node {
		return Sub(AOLConvolution(in[0], 1), Reshape(AOL(Reshape(in[0], 4, 6)), 1, 1, 4, 6))
	}, w)
	near(t, "AOL as a convolution", got, make([]float32, 24), 1e-6)
}
