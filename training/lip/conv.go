package lip

import (
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Conv convolves x, [batch, h, w, in], with kernel, [k, k, in, out], at every stride-th place:
// [batch, ⌈h/stride⌉, ⌈w/stride⌉, out]. The side k is odd and the kernel is centred. Padding is
// Zero, or indices wrap round at the borders.
//
// Convolutions are slow on the pure-Go backend. There, Conv takes patches.
func Conv(x, kernel *Node, padding string, stride int) *Node {
	k := kernel.Shape().Dimensions
	if len(k) != 4 || k[0] != k[1] || k[0]%2 == 0 {
		exceptions.Panicf("lip.Conv: kernel %s isn't [k, k, in, out] with k odd", kernel.Shape())
	}
	if d := x.Shape().Dimensions; k[0] == 1 && stride == 1 {
		y := DotProduct(Reshape(x, -1, k[2]), Reshape(kernel, k[2], k[3]))
		return Reshape(y, d[0], d[1], d[2], k[3])
	}
	if k[0] > 1 {
		x = border(border(x, 1, k[0]/2, padding), 2, k[0]/2, padding)
	}
	return ConvInside(x, kernel, stride)
}

// ConvInside convolves x, [batch, h, w, in], with kernel, [kh, kw, in, out], at every stride-th
// place where the kernel lies inside the image: [batch, ⌊(h-kh)/stride⌋+1, ⌊(w-kw)/stride⌋+1, out].
func ConvInside(x, kernel *Node, stride int) *Node {
	if !pureGo(x) {
		return Convolve(x, kernel).NoPadding().Strides(stride).Done()
	}
	return patches(x, kernel, stride)
}

// patches is ConvInside by patches and one matrix product, for the pure-Go backend.
func patches(x, kernel *Node, stride int) *Node {
	d, k := x.Shape().Dimensions, kernel.Shape().Dimensions
	h, w := (d[1]-k[0])/stride+1, (d[2]-k[1])/stride+1
	places := func(first, n int) SliceAxisSpec {
		return AxisRange(first, first+(n-1)*stride+1).Stride(stride)
	}
	var parts []*Node
	for i := range k[0] {
		for j := range k[1] {
			patch := Slice(x, AxisRange(), places(i, h), places(j, w), AxisRange())
			parts = append(parts, patch)
		}
	}
	p := Reshape(Concatenate(parts, -1), d[0]*h*w, k[0]*k[1]*k[2])
	return Reshape(DotProduct(p, Reshape(kernel, k[0]*k[1]*k[2], k[3])), d[0], h, w, k[3])
}

// border adds n entries at both ends of an axis: zeros, or the entries of the other end.
func border(x *Node, axis, n int, padding string) *Node {
	size := x.Shape().Dimensions[axis]
	if n > size {
		exceptions.Panicf("lip.Conv: a border of %d is wider than axis %d of %s",
			n, axis, x.Shape())
	}
	before := SliceAxis(x, axis, AxisRange(size-n, size))
	after := SliceAxis(x, axis, AxisRange(0, n))
	if padding == Zero {
		before = ZerosLike(before)
		after = before
	}
	return Concatenate([]*Node{before, x, after}, axis)
}

// adjoint returns the kernel, [k, k, out, in], of the transpose of kernel's convolution.
func adjoint(kernel *Node) *Node {
	d := kernel.Shape().Dimensions
	taps := Reshape(TransposeAllAxes(kernel, 0, 1, 3, 2), d[0]*d[1], d[3], d[2])
	parts := Split(taps, 0, d[0]*d[1])
	slices.Reverse(parts)
	return Reshape(Concatenate(parts, 0), d[0], d[1], d[3], d[2])
}
