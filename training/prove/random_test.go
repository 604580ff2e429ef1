package prove

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// A builder makes a model of random operations.
type builder struct {
	r     *rand.Rand
	m     *onnxfile.Model
	shape map[string][]int // of values, for one image
	names int
}

func newBuilder(seed uint64, image ...int) (*builder, string) {
	b := &builder{r: rand.New(rand.NewPCG(seed, 7)), shape: map[string][]int{},
		m: &onnxfile.Model{Opset: 19, Weights: map[string]onnxfile.Tensor{}}}
	dims := []int64{-1}
	for _, d := range image {
		dims = append(dims, int64(d))
	}
	b.m.Inputs = []onnxfile.Value{{Name: "x", Kind: onnxfile.Float32, Dims: dims}}
	b.shape["x"] = append([]int{1}, image...)
	return b, "x"
}

func (b *builder) name() string { b.names++; return fmt.Sprint("v", b.names) }

func (b *builder) weight(t onnxfile.Tensor) string {
	name := b.name()
	b.m.Weights[name] = t
	return name
}

// floats are random weights of about this size.
func (b *builder) floats(size float64, dims ...int) string {
	values := make([]float64, entriesOf(dims))
	for i := range values {
		values[i] = size * b.r.NormFloat64()
	}
	return b.weight(onnxfile.Doubles(values, dims...))
}

func (b *builder) ints(values ...int) string { return b.weight(onnxfile.Longs(values...)) }

type attributes map[string]any

// node adds an operation with n outputs.
func (b *builder) node(op string, n int, a attributes, in ...string) []string {
	node := onnxfile.Node{Op: op, Inputs: in, Attributes: map[string]onnxfile.Attribute{}}
	for range n {
		node.Outputs = append(node.Outputs, b.name())
	}
	node.Name = node.Outputs[0]
	for k, v := range a {
		switch v := v.(type) {
		case int:
			node.Attributes[k] = onnxfile.Attribute{Integer: int64(v)}
		case []int:
			var ints []int64
			for _, i := range v {
				ints = append(ints, int64(i))
			}
			node.Attributes[k] = onnxfile.Attribute{Ints: ints}
		case float64:
			node.Attributes[k] = onnxfile.Attribute{Float: float32(v)}
		case string:
			node.Attributes[k] = onnxfile.Attribute{Text: v}
		}
	}
	b.m.Nodes = append(b.m.Nodes, node)
	return node.Outputs
}

func (b *builder) op(shape []int, op string, a attributes, in ...string) string {
	name := b.node(op, 1, a, in...)[0]
	b.shape[name] = shape
	return name
}

// conv adds a random convolution of an image.
func (b *builder) conv(x string) string {
	s := b.shape[x]
	c, r := s[1], b.r
	groups := 1
	if r.IntN(3) == 0 {
		groups = c
	}
	out := groups * (1 + r.IntN(2))
	k, stride, dilation := b.sides(3), b.sides(2), b.sides(2)
	before, after := b.sides(3), b.sides(3)
	shape := []int{1, out, 0, 0}
	for a := range k {
		before[a], after[a] = before[a]-1, after[a]-1
		room := s[2+a] + before[a] + after[a] - (k[a]-1)*dilation[a] - 1
		if room < 0 {
			return x
		}
		shape[2+a] = room/stride[a] + 1
	}
	return b.op(shape, "Conv", attributes{"group": groups, "strides": stride,
		"dilations": dilation, "pads": slices.Concat(before, after)}, x,
		b.floats(0.4, out, c/groups, k[0], k[1]), b.floats(0.3, out))
}

// sides are two random numbers from 1 to most.
func (b *builder) sides(most int) []int { return []int{1 + b.r.IntN(most), 1 + b.r.IntN(most)} }

func (b *builder) convTranspose(x string) string {
	s := b.shape[x]
	if s[2]*s[3] > 12 {
		return x
	}
	c, out := s[1], 1+b.r.IntN(2)
	k, stride, dilation, pad := b.sides(3), b.sides(2), b.sides(2), b.r.IntN(2)
	more, shape := []int{b.r.IntN(stride[0]), b.r.IntN(stride[1])}, []int{1, out, 0, 0}
	for a := range k {
		shape[2+a] = stride[a]*(s[2+a]-1) + more[a] + (k[a]-1)*dilation[a] + 1 - 2*pad
		if shape[2+a] < 1 {
			return x
		}
	}
	return b.op(shape, "ConvTranspose", attributes{"strides": stride, "dilations": dilation,
		"output_padding": more, "pads": []int{pad, pad, pad, pad}}, x,
		b.floats(0.4, c, out, k[0], k[1]), b.floats(0.3, out))
}

// pointwise adds a random elementwise operation.
func (b *builder) pointwise(x string) string {
	s := b.shape[x]
	switch op := []string{"Relu", "LeakyRelu", "Abs", "Sigmoid", "Tanh", "Clip", "Elu", "Selu",
		"Softplus", "HardSigmoid", "HardSwish", "Gelu", "Silu", "ErfGelu", "Neg", "Scale", "Shift",
		"BatchNormalization", "Both", "Max", "PRelu", "Softsign", "Celu"}[b.r.IntN(23)]; op {
	case "LeakyRelu", "Elu":
		return b.op(s, op, attributes{"alpha": 4*b.r.Float64() - 2}, x)
	case "Celu":
		return b.op(s, op, attributes{"alpha": 0.1 + b.r.Float64()}, x)
	case "HardSigmoid":
		return b.op(s, op, attributes{"alpha": 2*b.r.Float64() - 1}, x)
	case "Clip":
		return b.op(s, op, nil, x, b.weight(onnxfile.Doubles([]float64{-0.3})),
			b.weight(onnxfile.Doubles([]float64{0.4})))
	case "Silu":
		return b.op(s, "Mul", nil, x, b.op(s, "Sigmoid", nil, x))
	case "ErfGelu":
		t := b.op(s, "Div", nil, x, b.weight(onnxfile.Doubles([]float64{math.Sqrt2})))
		t = b.op(s, "Add", nil, b.op(s, "Erf", nil, t), b.weight(onnxfile.Doubles([]float64{1})))
		return b.op(s, "Mul", nil, b.op(s, "Mul", nil, x, t),
			b.weight(onnxfile.Doubles([]float64{0.5})))
	case "Scale":
		return b.op(s, []string{"Mul", "Div"}[b.r.IntN(2)], nil, x,
			b.floats(1, append([]int{1}, s[1:]...)...))
	case "Shift":
		return b.op(s, []string{"Add", "Sub"}[b.r.IntN(2)], nil, x, b.floats(1, s[len(s)-1]))
	case "BatchNormalization":
		v := make([]float64, s[1])
		for i := range v {
			v[i] = 0.01 + b.r.Float64()
		}
		return b.op(s, op, nil, x, b.floats(1, s[1]), b.floats(1, s[1]), b.floats(1, s[1]),
			b.weight(onnxfile.Doubles(v, s[1])))
	case "Both":
		shape := slices.Clone(s)
		shape[1] *= 2
		return b.op(shape, "Concat", attributes{"axis": 1}, b.op(s, "Relu", nil, x),
			b.op(s, "Relu", nil, b.op(s, "Neg", nil, x)))
	case "Max":
		return b.op(s, []string{"Max", "Min"}[b.r.IntN(2)], nil, x, b.floats(0.5, s[len(s)-1]))
	case "PRelu":
		return b.op(s, op, nil, x, b.floats(1, append([]int{1}, s[1:]...)...))
	default:
		return b.op(s, op, nil, x)
	}
}

// sort adds an activation that sorts.
func (b *builder) sort(x string) string {
	s := b.shape[x]
	if s[1]%2 != 0 {
		return x
	}
	half := slices.Clone(s)
	half[1] /= 2
	switch b.r.IntN(3) {
	case 0:
		p := b.node("Split", 2, attributes{"axis": 1, "num_outputs": 2}, x)
		return b.op(s, "Concat", attributes{"axis": 1}, b.op(half, "Max", nil, p...),
			b.op(half, "Min", nil, p[1], p[0]))
	case 1:
		apart := slices.Concat([]int{0, 2, s[1] / 2}, s[2:])
		y := b.op(nil, "Reshape", nil, x, b.ints(apart...))
		y = b.node("TopK", 2, attributes{"axis": 1, "largest": b.r.IntN(2)}, y, b.ints(2))[0]
		return b.op(s, "Reshape", nil, y, b.ints(slices.Concat([]int{0}, s[1:])...))
	}
	y := b.op(nil, "Reshape", nil, x, b.ints(-1, 2))
	y = b.op(nil, "Concat", attributes{"axis": 1},
		b.op(nil, "ReduceMin", attributes{"axes": []int{1}}, y),
		b.op(nil, "ReduceMax", attributes{"axes": []int{1}}, y))
	return b.op(s, "Reshape", nil, y, b.ints(slices.Concat([]int{-1}, s[1:])...))
}

// pool adds a pool or another way to fewer places.
func (b *builder) pool(x string) string {
	s := b.shape[x]
	k, stride, pad := 1+b.r.IntN(2), 1+b.r.IntN(2), b.r.IntN(2)
	if k == 1 {
		pad = 0
	}
	room := [2]int{s[2] + 2*pad - k, s[3] + 2*pad - k}
	if room[0] < 0 || room[1] < 0 {
		return x
	}
	shape := []int{1, s[1], room[0]/stride + 1, room[1]/stride + 1}
	a := attributes{"kernel_shape": []int{k, k}, "strides": []int{stride, stride},
		"pads": []int{pad, pad, pad, pad}}
	switch b.r.IntN(5) {
	case 0:
		return b.op(shape, "MaxPool", a, x)
	case 1:
		a["count_include_pad"] = b.r.IntN(2)
		return b.op(shape, "AveragePool", a, x)
	case 2:
		a["count_include_pad"] = 1
		y := b.op(shape, "AveragePool", a, b.op(s, "Mul", nil, x, x))
		y = b.op(shape, "Add", nil, y, b.weight(onnxfile.Doubles([]float64{1e-3})))
		return b.op(shape, "Sqrt", nil, y)
	case 3:
		return b.op([]int{1, s[1], 1, 1},
			[]string{"GlobalAveragePool", "GlobalMaxPool"}[b.r.IntN(2)], nil, x)
	}
	axis := 1 + b.r.IntN(3)
	shape = slices.Clone(s)
	shape[axis] = 1
	kinds := []string{"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2"}
	return b.op(shape, kinds[b.r.IntN(5)], attributes{"axes": []int{axis - 4*b.r.IntN(2)}}, x)
}

// move adds an operation that moves entries.
func (b *builder) move(x string) string {
	s := b.shape[x]
	switch b.r.IntN(4) {
	case 0:
		p := []int{b.r.IntN(2), b.r.IntN(2), b.r.IntN(2), b.r.IntN(2)}
		mode := []string{"constant", "edge", "wrap", "reflect"}[b.r.IntN(4)]
		if mode == "reflect" && min(s[2], s[3]) < 2 {
			return x
		}
		return b.op([]int{1, s[1], s[2] + p[0] + p[2], s[3] + p[1] + p[3]}, "Pad",
			attributes{"mode": mode}, x, b.ints(0, 0, p[0], p[1], 0, 0, p[2], p[3]))
	case 1:
		return b.op([]int{1, s[1], s[3], s[2]}, "Transpose",
			attributes{"perm": []int{0, 1, 3, 2}}, x)
	case 2:
		if s[2]%2 != 0 || s[3]%2 != 0 {
			return x
		}
		return b.op([]int{1, 4 * s[1], s[2] / 2, s[3] / 2}, "SpaceToDepth",
			attributes{"blocksize": 2}, x)
	}
	first := b.r.IntN(s[2])
	return b.op([]int{1, s[1], s[2] - first, s[3]}, "Slice", nil, x, b.ints(first), b.ints(1<<40),
		b.ints(2))
}

// branch adds a sum or a concatenation of an image and something of it.
func (b *builder) branch(x string, depth int) string {
	s := b.shape[x]
	switch b.r.IntN(6) {
	case 0:
		return b.series(x)
	case 1, 2: // a 1-Lipschitz step, nearly or not
		hidden := 1 + b.r.IntN(3)
		w := make([]float64, hidden*s[1]*9)
		for i := range w {
			w[i] = 0.2 * b.r.NormFloat64()
		}
		name := b.weight(onnxfile.Doubles(w, hidden, s[1], 3, 3))
		pads := attributes{"pads": []int{1, 1, 1, 1}}
		kind := []string{"Relu", "Tanh", "Sigmoid", "LeakyRelu", "Elu"}[b.r.IntN(5)]
		y := b.op(nil, kind, nil, b.op(nil, "Conv", pads, x, name, b.floats(0.2, hidden)))
		scale := make([]float64, hidden)
		for i := range scale {
			scale[i] = b.r.Float64() * 3
		}
		y = b.op(nil, "Mul", nil, y, b.weight(onnxfile.Doubles(scale, 1, hidden, 1, 1)))
		if b.r.IntN(2) == 0 {
			for i := range w {
				w[i] *= 1 + 0.01*b.r.NormFloat64()
			}
			name = b.weight(onnxfile.Doubles(w, hidden, s[1], 3, 3))
		}
		y = b.op(nil, "ConvTranspose", pads, y, name)
		if b.r.IntN(3) == 0 {
			return b.op(s, "Add", nil, b.op(nil, "Neg", nil, y), x)
		}
		return b.op(s, "Sub", nil, x, y)
	}
	y := x
	for range 1 + b.r.IntN(3) {
		y = b.step(y, depth-1)
	}
	z := b.shape[y]
	switch {
	case slices.Equal(z, s) && b.r.IntN(2) == 0:
		if b.r.IntN(2) == 0 {
			x, y = y, x
		}
		return b.op(s, []string{"Add", "Sub", "Max", "Min"}[b.r.IntN(4)], nil, x, y)
	case slices.Equal(z[2:], s[2:]):
		return b.op([]int{1, s[1] + z[1], s[2], s[3]}, "Concat", attributes{"axis": 1}, x, y)
	}
	return y
}

// series adds x + L·x + L²·x/2 of a convolution L that is skew, nearly or not.
func (b *builder) series(x string) string {
	s := b.shape[x]
	c := s[1]
	w := make([]float64, c*c*9)
	for i := range w {
		w[i] = 0.2 * b.r.NormFloat64()
	}
	if b.r.IntN(4) > 0 {
		for o := range c {
			for i := range c {
				for k := range 9 {
					w[(i*c+o)*9+8-k] = -w[(o*c+i)*9+k]
					if o == i && k == 4 {
						w[(i*c+o)*9+k] = 0
					}
				}
			}
		}
	}
	name, pads := b.weight(onnxfile.Doubles(w, c, c, 3, 3)), attributes{"pads": []int{1, 1, 1, 1}}
	y := b.op(s, "Conv", pads, x, name)
	z := b.op(s, "Conv", pads, y, name)
	z = b.op(s, "Div", nil, z, b.weight(onnxfile.Doubles([]float64{2})))
	return b.op(s, "Add", nil, b.op(s, "Add", nil, x, y), z)
}

func (b *builder) step(x string, depth int) string {
	s := b.shape[x]
	if entriesOf(s) > 40 {
		return b.pool(x)
	}
	switch b.r.IntN(9) {
	case 0, 1, 2:
		return b.conv(x)
	case 3:
		return b.sort(x)
	case 4:
		return b.pool(x)
	case 5:
		return b.move(x)
	case 6:
		if depth > 0 {
			return b.branch(x, depth)
		}
		return b.convTranspose(x)
	}
	return b.pointwise(x)
}

// head adds dense layers down to logits.
func (b *builder) head(x string) {
	s := b.shape[x]
	n := entriesOf(s)
	x = b.op([]int{1, n}, "Flatten", nil, x)
	if b.r.IntN(2) == 0 {
		hidden := 2 * (1 + b.r.IntN(4))
		x = b.op([]int{1, hidden}, "MatMul", nil, x, b.floats(0.4, n, hidden))
		if y := b.pointwise(x); entriesOf(b.shape[y]) > 0 {
			x = y
		}
		n = b.shape[x][1]
	}
	k := 2 + b.r.IntN(3)
	alpha := []float64{1, 1, -2.5}[b.r.IntN(3)]
	b.op([]int{1, k}, "Gemm", attributes{"transB": 1, "alpha": alpha}, x, b.floats(0.5, k, n),
		b.floats(1, k))
	last := &b.m.Nodes[len(b.m.Nodes)-1]
	b.m.Outputs = []onnxfile.Value{{Name: last.Outputs[0]}}
}

// randomModel is a model of some random operations.
func randomModel(seed uint64) *onnxfile.Model {
	r := rand.New(rand.NewPCG(seed, 1))
	b, x := newBuilder(seed, 1+r.IntN(3), 1+r.IntN(3), 1+r.IntN(4))
	for range 1 + r.IntN(6) {
		x = b.step(x, 2)
	}
	b.head(x)
	return b.m
}
