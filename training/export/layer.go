package export

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/plain"
)

// apply adds a layer with its effective weights. The input x has this size, as [batch, c, h, w] or
// [batch, c]. The result is that of lip's Apply with channels first. An unknown layer, or an
// unknown kind of layer, is an error.
func (g *graph) apply(l lip.Layer, x string, w [][]float32, in lip.Size) (string, error) {
	switch l := l.(type) {
	case lip.Activation:
		return g.activation(l, x, w, in)
	case lip.Affine:
		k := g.kernel("kernel", square(l.Kernel, in[2], in[2], w[0]))
		return g.conv(x, k, g.weight("bias", w[1], in[2]), centred(l.Kernel, 1, l.Padding), 1), nil
	case lip.AveragePool:
		return g.averagePool(x, l.By), nil
	case lip.Centring:
		return g.op("Add", []string{x, g.perChannel("bias", w[0], in)}), nil
	case lip.Convolution:
		return g.convolution(l, x, w, in)
	case lip.Dense:
		return g.op("Gemm", []string{x, g.weight("weight", w[0], in[0], l.Units),
			g.weight("bias", w[1], l.Units)}), nil
	case lip.Depth: // the same order of channels as SpaceToDepth's
		return g.op("SpaceToDepth", []string{x}, attribute{"blocksize", l.By}), nil
	case lip.Flat: // the channels of a place lie side by side
		if len(in) == 3 {
			x = g.op("Transpose", []string{x}, attribute{"perm", []int{0, 2, 3, 1}})
		}
		return g.op("Flatten", []string{x}, attribute{"axis", 1}), nil
	case lip.NormPool: // the root of by² times the mean square
		square := g.averagePool(g.op("Mul", []string{x, x}), l.By)
		sum := g.op("Mul", []string{square, g.number("entries", float32(l.By*l.By))})
		return g.op("Sqrt", []string{g.op("Add", []string{sum, g.number("least", 1e-12)})}), nil
	case lip.Prototypes:
		return g.prototypes(l, x, w, in), nil
	case lip.Residual:
		return g.residual(l, x, w, in), nil
	case lip.Sandwich: // w[0] is Aᵀ above Bᵀ
		a := g.weight("a_transposed", w[0][:l.Units*l.Units], l.Units, l.Units)
		b := g.weight("b_transposed", w[0][l.Units*l.Units:], in[0], l.Units)
		y := g.op("Relu", []string{g.op("Gemm", []string{x, b, g.weight("bias", w[1], l.Units)})})
		return g.op("Gemm", []string{y, a}, attribute{"transB", 1}, attribute{"alpha", float32(2)}),
			nil
	case lip.SpatialShift:
		return g.shift(l, x, w[0], in), nil
	case plain.Layer:
		return g.plain(l, x, w, in)
	}
	return "", fmt.Errorf("a %T has no form in ONNX here", l)
}

func (g *graph) shift(s lip.SpatialShift, x string, bias []float32, in lip.Size) string {
	var parts []string
	for _, p := range s.Parts(in[2]) {
		if p.First == p.End {
			continue
		}
		part := g.channels(x, p.First, p.End)
		for i, by := range [2]int{p.Rows, p.Columns} {
			n, axis := in[i], i+2
			if cut := (n - by) % n; cut != 0 {
				part = g.op("Concat", []string{g.part(part, axis, cut, n), g.part(part, axis, 0, cut)},
					attribute{"axis", axis})
			}
		}
		parts = append(parts, part)
	}
	places := in[0] * in[1]
	first := make([]float32, len(bias)) // [c, h, w]
	for i, v := range bias {
		first[i%in[2]*places+i/in[2]] = v
	}
	return g.op("Add", []string{g.concat(parts), g.weight("bias", first, channelsFirst(in)...)})
}

// prototypes takes the nearest plane of each prototype, and the best prototype of each class.
func (g *graph) prototypes(l lip.Prototypes, x string, w [][]float32, in lip.Size) string {
	n := l.Classes * l.Each
	s := g.op("Gemm", []string{x, g.weight("weight", w[0], in[0], n), g.weight("bias", w[1], n)})
	all := g.op("Unsqueeze", []string{s, g.indices("axis", 1)})
	var logits []string
	for k := range l.Classes {
		first, end := k*l.Each, (k+1)*l.Each
		far := make([]float32, n)
		for j := first; j < end; j++ {
			far[j] = 1e30
		}
		own := g.op("Unsqueeze", []string{g.channels(s, first, end), g.indices("axis", 2)})
		planes := g.op("Mul", []string{g.op("Sub", []string{own, all}),
			g.weight("scale", w[2][first*n:end*n], l.Each, n)})
		planes = g.op("Add", []string{planes, g.weight("far", far, n)})
		least := g.op("ReduceMin", []string{planes, g.indices("axis", 2)}, attribute{"keepdims", 0})
		logits = append(logits, g.op("ReduceMax", []string{least, g.indices("axis", 1)},
			attribute{"keepdims", 1}))
	}
	return g.concat(logits)
}

func (g *graph) averagePool(x string, by int) string {
	return g.op("AveragePool", []string{x}, attribute{"kernel_shape", []int{by, by}},
		attribute{"strides", []int{by, by}})
}
