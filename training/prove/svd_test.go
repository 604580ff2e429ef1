package prove

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
	"gonum.org/v1/gonum/mat"
)

// An image of these tests has two channels of 4×4 places.
var (
	imageOf = []int{1, 2, 4, 4}
	kernel2 = attributes{"kernel_shape": []int{2, 2}}
)

// An svdCase is an operation whose bound is compared with the largest singular value of its dense
// Jacobian.
type svdCase struct {
	slack float64 // the bound is at most so many times the largest found
	add   func(b *builder, x string) string
}

// simple is an operation of the image alone, and after is one of the image and weights.
func simple(op string, a attributes) func(b *builder, x string) string {
	return func(b *builder, x string) string { return b.op(nil, op, a, x) }
}

func after(op string, a attributes, dims ...[]int) func(b *builder, x string) string {
	return func(b *builder, x string) string {
		in := []string{x}
		for _, d := range dims {
			in = append(in, b.floats(1, d...))
		}
		return b.op(nil, op, a, in...)
	}
}

// pooled is a pool of windows of 3 at stride 2, with more.
func pooled(more attributes) attributes {
	a := attributes{"kernel_shape": []int{3, 3}, "strides": []int{2, 2}}
	for k, v := range more {
		a[k] = v
	}
	return a
}

// linearCases have one Jacobian.
var linearCases = map[string]svdCase{
	"Conv":      {1.01, after("Conv", nil, []int{3, 2, 3, 3})},
	"Conv zero": {1.01, after("Conv", attributes{"pads": []int{1, 0, 2, 1}}, []int{3, 2, 3, 3})},
	"Conv stride": {1.01, after("Conv", attributes{"strides": []int{2, 1},
		"pads": []int{1, 1, 1, 1}}, []int{3, 2, 3, 3})},
	"Conv large stride": {1.01, after("Conv", attributes{"strides": []int{3, 3}},
		[]int{3, 2, 2, 2})},
	"Conv dilation": {1.01, after("Conv", attributes{"dilations": []int{2, 1},
		"pads": []int{1, 1, 1, 1}}, []int{3, 2, 2, 3})},
	"Conv groups": {1.01, after("Conv", attributes{"group": 2, "auto_pad": "SAME_UPPER"},
		[]int{4, 1, 3, 3})},
	"Conv 1-D": {1.01, func(b *builder, x string) string {
		return after("Conv", attributes{"pads": []int{1, 1}}, []int{3, 2, 3})(b,
			b.op(nil, "Reshape", nil, x, b.ints(0, 2, 16)))
	}},
	"ConvTranspose": {1.01, after("ConvTranspose", attributes{"strides": []int{2, 2},
		"output_padding": []int{1, 0}, "pads": []int{1, 0, 1, 0}}, []int{2, 3, 3, 3})},
	"ConvTranspose groups": {1.01, after("ConvTranspose", attributes{"group": 2,
		"dilations": []int{2, 2}}, []int{2, 2, 2, 2})},
	"circular": {1.01, func(b *builder, x string) string {
		x = b.op(nil, "Pad", attributes{"mode": "wrap"}, x, b.ints(0, 0, 1, 1, 0, 0, 1, 1))
		return after("Conv", nil, []int{3, 2, 3, 3})(b, x)
	}},
	"Gemm": {1.001, func(b *builder, x string) string {
		return after("Gemm", attributes{"alpha": -2.0, "beta": 3.0, "transB": 1},
			[]int{5, 32}, []int{5})(b, b.op(nil, "Flatten", nil, x))
	}},
	"MatMul": {1.001, after("MatMul", nil, []int{4, 5})},
	"MatMul left": {1.001, func(b *builder, x string) string {
		return b.op(nil, "MatMul", nil, b.floats(1, 5, 4), x)
	}},
	"BatchNormalization": {1.001, func(b *builder, x string) string {
		v := b.weight(onnxfile.Doubles([]float64{0.01, 2}, 2))
		two := b.floats(1, 2)
		return b.op(nil, "BatchNormalization", nil, x, two, two, two, v)
	}},
	"Mul": {1.001, after("Mul", nil, []int{2, 1, 4})},
	"Div": {1.001, after("Div", nil, []int{1, 2, 4, 1})},
	"Neg": {1.001, simple("Neg", nil)},
	"Expand": {1.001, func(b *builder, x string) string {
		x = b.op(nil, "ReduceSum", attributes{"axes": []int{2}}, x)
		return b.op(nil, "Expand", nil, x, b.ints(1, 2, 3, 4))
	}},
	"Mul up": {1.001, func(b *builder, x string) string {
		return after("Mul", nil, []int{2, 3, 4})(b, b.op(nil, "ReduceMean",
			attributes{"axes": []int{2}}, x))
	}},
	"twice": {1.001, func(b *builder, x string) string { return b.op(nil, "Add", nil, x, x) }},
	"never": {0, func(b *builder, x string) string { return b.op(nil, "Sub", nil, x, x) }},
	"beside itself": {1.001, func(b *builder, x string) string {
		return b.op(nil, "Concat", attributes{"axis": -1}, x, x, x)
	}},
	"residual": {1.01, func(b *builder, x string) string {
		return b.op(nil, "Add", nil, after("Conv", attributes{"pads": []int{1, 1, 1, 1}},
			[]int{2, 2, 3, 3})(b, x), x)
	}},
	"branches of parts": {1.01, func(b *builder, x string) string {
		p := b.node("Split", 2, attributes{"axis": 1, "num_outputs": 2}, x)
		return b.op(nil, "Sub", nil, after("MatMul", nil, []int{4, 4})(b, p[0]), p[1])
	}},
	"Pad edge": {1.001, func(b *builder, x string) string {
		return b.op(nil, "Pad", attributes{"mode": "edge"}, x, b.ints(0, 0, 2, 0, 0, 0, 0, 1))
	}},
	"Pad reflect": {1.001, func(b *builder, x string) string {
		return b.op(nil, "Pad", attributes{"mode": "reflect"}, x, b.ints(0, 0, 2, 0, 0, 0, 3, 1))
	}},
	"Gather": {1.001, func(b *builder, x string) string {
		return b.op(nil, "Gather", attributes{"axis": -1}, x, b.ints(-1, 0, -1))
	}},
	"AveragePool": {1.01, simple("AveragePool", kernel2)},
	"AveragePool overlap": {1.02, simple("AveragePool", pooled(attributes{
		"pads": []int{1, 1, 1, 1}}))},
	"AveragePool padding counts": {1.01, simple("AveragePool", pooled(attributes{
		"pads": []int{1, 1, 1, 1}, "count_include_pad": 1}))},
	"AveragePool ceil":  {1.02, simple("AveragePool", pooled(attributes{"ceil_mode": 1}))},
	"GlobalAveragePool": {1.001, simple("GlobalAveragePool", nil)},
	"ReduceSum":         {1.001, simple("ReduceSum", attributes{"axes": []int{1, -1}})},
	"ReduceMean": {1.001, simple("ReduceMean", attributes{"axes": []int{-2},
		"keepdims": 0})},
	"series": {1.001, func(b *builder, x string) string { return b.series(x) }},
}

// activationCases have a Jacobian at every image. Bounds count the steepest.
var activationCases = map[string]svdCase{
	"Relu": {1.001, simple("Relu", nil)}, "Abs": {1.001, simple("Abs", nil)},
	"Tanh": {1.03, simple("Tanh", nil)}, "Sigmoid": {1.03, simple("Sigmoid", nil)},
	"Sin": {1.03, simple("Sin", nil)}, "Cos": {1.03, simple("Cos", nil)},
	"Erf": {1.03, simple("Erf", nil)}, "Softplus": {1.03, simple("Softplus", nil)},
	"Softsign":    {1.1, simple("Softsign", nil)},
	"HardSwish":   {1.05, simple("HardSwish", nil)},
	"Gelu":        {1.03, simple("Gelu", nil)},
	"LeakyRelu":   {1.001, simple("LeakyRelu", attributes{"alpha": -2.0})},
	"Elu":         {1.05, simple("Elu", attributes{"alpha": -2.0})},
	"Celu":        {1.001, simple("Celu", attributes{"alpha": 0.3})},
	"Selu":        {1.05, simple("Selu", nil)},
	"HardSigmoid": {1.001, simple("HardSigmoid", attributes{"alpha": -0.7})},
	"PRelu":       {1.001, after("PRelu", nil, []int{2, 4, 1})},
	"Clip": {1.001, func(b *builder, x string) string {
		c := onnxfile.Doubles([]float64{-3})
		return b.op(nil, "Clip", nil, x, b.weight(c))
	}},
	"Max constant":  {1.001, after("Max", nil, []int{4})},
	"Max broadcast": {1.001, after("Max", nil, []int{1, 2, 4, 4})},
	"MaxPool": {1.001, simple("MaxPool", attributes{"kernel_shape": []int{2, 2},
		"strides": []int{2, 2}})},
	"MaxPool overlap": {2, simple("MaxPool", pooled(attributes{"pads": []int{1, 1, 1, 1}}))},
	"MaxPool ceil":    {2, simple("MaxPool", pooled(attributes{"ceil_mode": 1}))},
	"GlobalMaxPool":   {1.001, simple("GlobalMaxPool", nil)},
	"ReduceMax":       {1.001, simple("ReduceMax", attributes{"axes": []int{-1}})},
	"ReduceMin":       {1.001, simple("ReduceMin", attributes{"axes": []int{1}})},
	"ReduceL2":        {1.001, simple("ReduceL2", attributes{"axes": []int{1, 2}})},
	"norm pool": {1.05, func(b *builder, x string) string {
		x = b.op(nil, "AveragePool", kernel2, b.op(nil, "Mul", nil, x, x))
		return b.op(nil, "Sqrt", nil, x)
	}},
	"MaxMin": {1.001, func(b *builder, x string) string {
		p := b.node("Split", 2, attributes{"axis": 1, "num_outputs": 2}, x)
		return b.op(nil, "Concat", attributes{"axis": 1}, b.op(nil, "Max", nil, p...),
			b.op(nil, "Min", nil, p[1], p[0]))
	}},
	"TopK": {1.001, func(b *builder, x string) string {
		return b.node("TopK", 2, attributes{"axis": 2, "largest": 0}, x, b.ints(3))[0]
	}},
	"both sides": {1.001, func(b *builder, x string) string {
		return b.op(nil, "Concat", attributes{"axis": 1}, b.op(nil, "Relu", nil, x),
			b.op(nil, "Relu", nil, b.op(nil, "Neg", nil, x)))
	}},
	"Silu": {1.03, func(b *builder, x string) string {
		return b.op(nil, "Mul", nil, b.op(nil, "Sigmoid", nil, x), x)
	}},
	"step": {1.01, func(b *builder, x string) string {
		w := make([]float64, 3*2*9)
		for i := range w {
			w[i] = 0.1 * b.r.NormFloat64()
		}
		pads := attributes{"pads": []int{1, 1, 1, 1}}
		name := b.weight(onnxfile.Doubles(w, 3, 2, 3, 3))
		y := b.op(nil, "Conv", pads, x, name, b.floats(4, 3))
		y = b.op(nil, "ConvTranspose", pads, b.op(nil, "Relu", nil, y), name)
		return b.op(nil, "Sub", nil, x, y)
	}},
	"hidden layer": {1.6, func(b *builder, x string) string {
		x = b.op(nil, "Relu", nil, b.op(nil, "MatMul", nil, x, b.floats(1, 4, 6)))
		return b.op(nil, "MatMul", nil, x, b.floats(1, 6, 3))
	}},
}

// Every bound is at least the largest singular value of a dense Jacobian, and hardly larger.
func TestSVD(t *testing.T) {
	for points, cases := range map[int]map[string]svdCase{1: linearCases, 40: activationCases} {
		for name, c := range cases {
			for seed := range uint64(5) {
				b, x := newBuilder(seed, imageOf[1:]...)
				y := b.op(nil, "Flatten", nil, c.add(b, x))
				b.m.Outputs = []onnxfile.Value{{Name: y}}
				bound, found := svd(t, name, b.m, seed, points)
				// Activations' differences err by about a step.
				below := found * (1 - 1e-9 - 10*h*float64(min(1, points-1)))
				if bound < below || bound > found*c.slack+1e-12 {
					t.Errorf("%s, seed %d: bound %.9g, largest singular value %.9g", name, seed,
						bound, found)
				}
			}
		}
	}
}

// svd returns a model's bound and the largest singular value at some images.
func svd(t *testing.T, name string, m *onnxfile.Model, seed uint64, points int) (bound,
	found float64) {
	g, _, _, err := read(m, Options{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	p, err := proven(g, 1e9)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	r, x := rand.New(rand.NewPCG(seed, 5)), make([]float64, g.image().n)
	for k := range points {
		for i := range x {
			x[i] = r.NormFloat64() * math.Exp2(float64(k%5-2))
		}
		j := tangentOf(g, x).j[g.logits.id]
		var s mat.SVD
		if !s.Factorize(mat.NewDense(len(j), len(x), slices.Concat(j...)), mat.SVDNone) {
			t.Fatalf("%s: no singular values", name)
		}
		found = max(found, s.Values(nil)[0])
	}
	return p.bound(g.logits), found
}
