package lip

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Forward convolves x, [batch, h, w, in], with kernel, [kh, kw, in, out], at every stride-th place after zeros were added
// before and after each side, as GoMLX's Convolve does, for networks that are only sampled: it has no gradient. It is faster
// in pure Go, and on XLA's CPU where there are fewer than 4 input channels: there, a wider kernel gives several neighbours at once.
func Forward(x, kernel *Node, stride int, zeros [2][2]int) *Node {
	d, k := x.Shape().Dimensions, kernel.Shape().Dimensions
	h, w := (d[1]+zeros[0][0]+zeros[0][1]-k[0])/stride+1, (d[2]+zeros[1][0]+zeros[1][1]-k[1])/stride+1
	if pureGo(x) {
		x = Pad(x, ScalarZero(x.Graph(), x.DType()), compute.PadAxis{}, compute.PadAxis{Start: zeros[0][0], End: zeros[0][1]}, compute.PadAxis{Start: zeros[1][0], End: zeros[1][1]})
		return patched(x, kernel, stride)
	}
	n := neighbours(w, k[2], k[3])
	wide := make([]*Node, n)
	for i := range wide {
		pad := func(columns int) *Node {
			return Zeros(x.Graph(), shapes.Make(kernel.DType(), k[0], columns*stride, k[2], k[3]))
		}
		wide[i] = Concatenate([]*Node{pad(i), kernel, pad(n - 1 - i)}, 1)
	}
	return Reshape(Convolve(x, Concatenate(wide, 3)).PaddingPerDim(zeros[:]).StridePerAxis(stride, n*stride).Done(), d[0], h, w, k[3])
}

// neighbours are how many of w outputs in a row are computed at once: by measurement, so many that they make 64 channels.
func neighbours(w, in, out int) int {
	n := 1
	for i := 2; in < 4 && n*out < 64 && i <= min(w, 8); i++ {
		if w%i == 0 {
			n = i
		}
	}
	return n
}
