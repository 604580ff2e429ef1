package lip

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

func TestPools(t *testing.T) {
	x := tensors.FromFlatDataAndDimensions([]float32{3, 4, 0, 0, 0, 0, 2, 2}, 1, 2, 4, 1)
	near(t, "average", run1(pure, func(in []*Node) *Node {
		return AveragePool{2}.Apply(in[0], nil)
	}, x), []float32{7.0 / 4, 1}, 1e-6)
	near(t, "l2", run1(pure, func(in []*Node) *Node { return NormPool{2}.Apply(in[0], nil) }, x),
		[]float32{5, float32(math.Sqrt(8))}, 1e-6)
	// Zeros have a finite gradient.
	near(t, "l2 of zeros", run1(pure, func(in []*Node) *Node {
		return Gradient(ReduceAllSum(NormPool{2}.Apply(in[0], nil)), in[0])[0]
	}, zeros(1, 2, 2, 1)), make([]float32, 4), 0)
}
