package lip

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Cayley returns [u; v] with its columns made orthonormal: (I+A)⁻¹(I-A) above -2v(I+A)⁻¹, where A =
// u - uᵀ + vᵀv (Trockman & Kolter 2021). The shapes are u [..., n, n] and v [..., m, n]; v is nil
// for m = 0. Cost: 2·newton products of n×n matrices.
func Cayley(u, v *Node) (top, bottom *Node) {
	id := identities(u)
	a := Sub(u, Transpose(u, -2, -1))
	if v != nil {
		a = Add(a, MatMul(Transpose(v, -2, -1), v))
	}
	inverse := inverse(Add(a, id))
	top = Sub(MulScalar(inverse, 2), id) // (I+A)⁻¹(I-A) = 2(I+A)⁻¹ - I
	if v != nil {
		bottom = MulScalar(MatMul(v, inverse), -2)
	}
	return top, bottom
}

// newton is the number of steps that invert a matrix to float32's precision. They are enough for
// singular values of at least 1 where the largest row sum times the largest column sum is at most
// 10,000.
const newton = 18

// inverse is Newton's method of Schulz 1933, x ← x(2I - mx), on matrices m, [..., n, n]. The last
// step alone has a gradient: the gradient of the inverse.
func inverse(m *Node) *Node {
	rows := ReduceAndKeep(ReduceAndKeep(Abs(m), ReduceSum, -1), ReduceMax, -2)
	columns := ReduceAndKeep(ReduceAndKeep(Abs(m), ReduceSum, -2), ReduceMax, -1)
	step := func(x, m *Node) *Node {
		return Sub(MulScalar(x, 2), MatMul(x, MatMul(m, x)))
	}
	fixed := StopGradient(m)
	x := Div(Transpose(fixed, -2, -1), StopGradient(Mul(rows, columns)))
	for range newton - 1 {
		x = step(x, fixed)
	}
	return step(StopGradient(x), m)
}

func cayleyDense(scope *model.Scope, g *Graph, in, units int) *Node {
	w := freeDense(scope, g, in, units)
	if in < units {
		return Transpose(orthonormal(Transpose(w, 0, 1)), 0, 1)
	}
	return orthonormal(w)
}

// orthonormal is Cayley of a tall matrix.
func orthonormal(w *Node) *Node {
	d := w.Shape().Dimensions
	if d[0] == d[1] {
		top, _ := Cayley(w, nil)
		return top
	}
	above, below := SliceAxis(w, 0, AxisRange(0, d[1])), SliceAxis(w, 0, AxisRange(d[1], d[0]))
	top, bottom := Cayley(above, below)
	return Concatenate([]*Node{top, bottom}, 0)
}

// CayleyConvolution is Cayley at each frequency of an h×w torus for kernel, [k, k, in, out]. It
// returns a kernel as large as the image, [h, w, in, out], whose circular convolution is
// orthogonal. Where in ≠ out, its rows or columns are orthonormal.
//
// Cost: h·w/2 inverses of 2n×2n matrices, n the smaller of in and out.
func CayleyConvolution(kernel *Node, h, w int) *Node {
	d := kernel.Shape().Dimensions
	in, out := d[2], d[3]
	if in < out {
		transposed := CayleyConvolution(TransposeAllAxes(kernel, 0, 1, 3, 2), h, w)
		return TransposeAllAxes(transposed, 0, 1, 3, 2)
	}
	re, im := frequencies(kernel, h, w)
	part := func(from, to int) *Node {
		rows := AxisRange(from, to)
		return realForm(SliceAxis(re, 1, rows), SliceAxis(im, 1, rows))
	}
	if in == out {
		top, _ := Cayley(part(0, out), nil)
		re, im = complexForm(top, out)
	} else {
		top, bottom := Cayley(part(0, out), part(out, in))
		re, im = complexForm(top, out)
		re2, im2 := complexForm(bottom, out)
		re, im = Concatenate([]*Node{re, re2}, 1), Concatenate([]*Node{im, im2}, 1)
	}
	return imageKernel(re, im, h, w)
}

// cayleyConvolution is orthogonal on the torus. Its kernel is as large as the image.
var cayleyConvolution = convolutionKind{
	kernel: cayleyKernel, refuse: refuseCayley, folds: true,
	geometry: cayleyGeometry, apply: applyCayley, rounding: cayleyRounding,
}

func cayleyKernel(scope *model.Scope, g *Graph, c Convolution, in Size) *Node {
	return CayleyConvolution(freeKernel(scope, g, c, in), in[0], in[1])
}

func refuseCayley(c Convolution, in Size) string {
	if c.Padding == Zero {
		return "circular padding: it is orthogonal on the torus"
	}
	return ""
}

func applyCayley(_ Convolution, x, kernel *Node) *Node {
	return FourierConvolution(x, kernel)
}

func cayleyGeometry(c Convolution, in Size) Geometry {
	return Geometry{Kernel: in[:2], In: in, Out: c.Channels, Stride: 1}
}

func cayleyRounding(c Convolution, kernel []float32, in Size, bound, norm float64) float64 {
	kappa := cayleyGeometry(c, in).absoluteNorm(kernel)
	abs := math.Sqrt(float64(min(in[2], c.Channels))) * bound // by the Frobenius norm
	f := torusFilter{h: in[0], w: in[1], in: in[2], bound: bound, abs: min(kappa, abs)}
	f.off = transferRounding(f.h, f.w, kappa)
	return f.rounding(norm)
}
