// Package lip builds 1-Lipschitz layers (l2) and proves what a layer or a network can stretch.
//
// A layer is trained through a parametrisation (Bjorck, AOL, BCOP, SLL: pure functions on
// nodes) and used, saved and proved in its effective form, the weights that those functions
// return. A Bound is a proof about effective weights, computed in float64 from the float32
// values as they are saved and rounded outward; nothing else reaches a certificate.
package lip

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// MaxMin sorts the channels in pairs: the larger of channels i and i+c/2 goes to i, the smaller
// to i+c/2. x is [..., c] with c even; 1-Lipschitz and norm preserving (Anil et al. 2019).
func MaxMin(x *Node) *Node {
	axis := x.Rank() - 1
	if x.Shape().Dimensions[axis]%2 != 0 {
		exceptions.Panicf("lip.MaxMin: the last axis of %s isn't even", x.Shape())
	}
	h := Split(x, axis, 2)
	return Concatenate([]*Node{Max(h[0], h[1]), Min(h[0], h[1])}, axis)
}

// SpaceToDepth moves every by×by patch of x, [batch, h, w, c], into the channels:
// [batch, h/by, w/by, by·by·c], the patch row-major and its channels last. It permutes entries, so it is an isometry.
func SpaceToDepth(x *Node, by int) *Node {
	d := x.Shape().Dimensions
	if len(d) != 4 || d[1]%by != 0 || d[2]%by != 0 {
		exceptions.Panicf("lip.SpaceToDepth: can't cut %s into %d×%d patches", x.Shape(), by, by)
	}
	x = Reshape(x, d[0], d[1]/by, by, d[2]/by, by, d[3])
	x = TransposeAllAxes(x, 0, 1, 3, 2, 4, 5)
	return Reshape(x, d[0], d[1]/by, d[2]/by, by*by*d[3])
}

// Circular convolves x, [batch, h, w, in], with kernel, [k, k, in, out], k odd, indices
// wrapping round at the borders: [batch, h, w, out]. On the pure-Go backend, whose convolution
// is slow, it is patches and one matrix product.
func Circular(x, kernel *Node) *Node {
	k := kernel.Shape().Dimensions
	if len(k) != 4 || k[0] != k[1] || k[0]%2 == 0 {
		exceptions.Panicf("lip.Circular: kernel %s isn't [k, k, in, out] with k odd", kernel.Shape())
	}
	d := x.Shape().Dimensions
	if k[0] == 1 {
		return Reshape(DotProduct(Reshape(x, -1, k[2]), Reshape(kernel, k[2], k[3])), d[0], d[1], d[2], k[3])
	}
	x = wrap(wrap(x, 1, k[0]/2), 2, k[0]/2)
	if !pureGo(x) {
		return Convolve(x, kernel).NoPadding().Done()
	}
	var patches []*Node
	for i := range k[0] {
		for j := range k[1] {
			patches = append(patches, Slice(x, AxisRange(), AxisRange(i, i+d[1]), AxisRange(j, j+d[2]), AxisRange()))
		}
	}
	p := Reshape(Concatenate(patches, -1), d[0]*d[1]*d[2], k[0]*k[1]*k[2])
	return Reshape(DotProduct(p, Reshape(kernel, k[0]*k[1]*k[2], k[3])), d[0], d[1], d[2], k[3])
}

// pureGo reports whether a node is computed by GoMLX's pure-Go backend.
func pureGo(x *Node) bool { return x.Graph().Backend().String() == gobackend.BackendName }

// wrap repeats n entries of the other end at both ends of an axis.
func wrap(x *Node, axis, n int) *Node {
	size := x.Shape().Dimensions[axis]
	if n > size {
		exceptions.Panicf("lip.Circular: a border of %d is wider than axis %d of %s", n, axis, x.Shape())
	}
	return Concatenate([]*Node{
		SliceAxis(x, axis, AxisRange(size-n, size)), x, SliceAxis(x, axis, AxisRange(0, n)),
	}, axis)
}

func identity(like *Node, n int) *Node {
	return DiagonalWithValue(ScalarOne(like.Graph(), like.DType()), n)
}

// reciprocalRoot is 1/√x; GoMLX's Rsqrt has no gradient.
func reciprocalRoot(x *Node) *Node { return Reciprocal(Sqrt(x)) }

// f32 is a shape of float32.
func f32(dimensions ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dimensions...) }
