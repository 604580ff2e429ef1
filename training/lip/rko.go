package lip

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// RKO makes a convolution of a matrix w, [k·k·in, out], whose rows or columns are orthonormal
// (reshaped kernel orthogonalisation, Serrurier et al. 2021). At this stride, at most ⌈k/stride⌉²
// patches share an entry of the image. So RKO divides by ⌈k/stride⌉, and the norm is at most 1. The
// result is a kernel, [k, k, in, out]. Where the stride is k, the convolution is orthogonal.
func RKO(w *Node, k, stride int) *Node {
	d := w.Shape().Dimensions
	m := MulScalar(w, 1/float64((k+stride-1)/stride))
	return Reshape(m, k, k, d[0]/(k*k), d[1])
}

func rkoKernel(scope *model.Scope, g *Graph, c Convolution, in Size) *Node {
	entries := c.Kernel * c.Kernel * in[2]
	std := 1 / math.Sqrt(float64(max(entries, c.Channels)))
	w := stiefel(scope, g, "kernel", std, entries, c.Channels)
	return RKO(w, c.Kernel, c.stride())
}
