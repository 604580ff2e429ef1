package lip

import (
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
)

// TestFourierConvolution: it is the circular convolution with a kernel as large as the image, of
// even and odd sides.
func TestFourierConvolution(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 16))
	for _, c := range []Geometry{{Size{4, 5}, Size{4, 5, 2}, 3, 1, false},
		{Size{3, 6}, Size{3, 6, 3}, 1, 1, false}, {Size{1, 1}, Size{1, 1, 2}, 2, 1, false},
		{Size{1, 2}, Size{1, 2, 1}, 1, 1, false}} {
		x, kernel := tensor(r, 1, c.In[0], c.In[1], c.In[2]),
			tensor(r, c.Kernel[0], c.Kernel[1], c.In[2], c.Out)
		want := times(convolutionMatrix(flat(kernel), c), flat(x))
		near(t, c.In.String(), run1(pure, func(in []*Node) *Node {
			return FourierConvolution(in[0], in[1])
		}, x, kernel), want, 1e-4)
	}
}
