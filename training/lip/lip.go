package lip

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Conv convolves x, [batch, h, w, in], with kernel, [k, k, in, out], k odd and centred, at every
// stride-th place: [batch, ⌈h/stride⌉, ⌈w/stride⌉, out]. Padding is Zero, or indices wrap round at the borders. On the
// pure-Go backend, whose convolution is slow, it is patches and one matrix product.
func Conv(x, kernel *Node, padding string, stride int) *Node {
	k := kernel.Shape().Dimensions
	if len(k) != 4 || k[0] != k[1] || k[0]%2 == 0 {
		exceptions.Panicf("lip.Conv: kernel %s isn't [k, k, in, out] with k odd", kernel.Shape())
	}
	if d := x.Shape().Dimensions; k[0] == 1 && stride == 1 {
		return Reshape(DotProduct(Reshape(x, -1, k[2]), Reshape(kernel, k[2], k[3])), d[0], d[1], d[2], k[3])
	}
	if k[0] > 1 {
		x = border(border(x, 1, k[0]/2, padding), 2, k[0]/2, padding)
	}
	if !pureGo(x) {
		return Convolve(x, kernel).NoPadding().Strides(stride).Done()
	}
	return patched(x, kernel, stride)
}

// patched is a convolution of x, [batch, h, w, in], with kernel, [kh, kw, in, out], where it lies inside, as patches and one
// matrix product.
func patched(x, kernel *Node, stride int) *Node {
	d, k := x.Shape().Dimensions, kernel.Shape().Dimensions
	h, w := (d[1]-k[0])/stride+1, (d[2]-k[1])/stride+1
	var patches []*Node
	for i := range k[0] {
		for j := range k[1] {
			patches = append(patches, Slice(x, AxisRange(), AxisRange(i, i+(h-1)*stride+1).Stride(stride), AxisRange(j, j+(w-1)*stride+1).Stride(stride), AxisRange()))
		}
	}
	p := Reshape(Concatenate(patches, -1), d[0]*h*w, k[0]*k[1]*k[2])
	return Reshape(DotProduct(p, Reshape(kernel, k[0]*k[1]*k[2], k[3])), d[0], h, w, k[3])
}

// pureGo reports whether a node is computed by GoMLX's pure-Go backend.
func pureGo(x *Node) bool { return x.Graph().Backend().String() == gobackend.BackendName }

// border adds n entries at both ends of an axis: zeros, or those of the other end.
func border(x *Node, axis, n int, padding string) *Node {
	size := x.Shape().Dimensions[axis]
	if n > size {
		exceptions.Panicf("lip.Conv: a border of %d is wider than axis %d of %s", n, axis, x.Shape())
	}
	before, after := SliceAxis(x, axis, AxisRange(size-n, size)), SliceAxis(x, axis, AxisRange(0, n))
	if padding == Zero {
		before = ZerosLike(before)
		after = before
	}
	return Concatenate([]*Node{before, x, after}, axis)
}

func identity(like *Node, n int) *Node {
	return DiagonalWithValue(ScalarOne(like.Graph(), like.DType()), n)
}

// reciprocalRoot is 1/√x; GoMLX's Rsqrt has no gradient.
func reciprocalRoot(x *Node) *Node { return Reciprocal(Sqrt(x)) }

// f32 is a shape of float32.
func f32(dimensions ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dimensions...) }
