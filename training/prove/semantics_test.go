package prove

import (
	"math"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// What is easy to misread: the bound is at least the true one, or the error has these words.
func TestSemantics(t *testing.T) {
	scalar := func(b *builder, v float64) string {
		return b.weight(onnxfile.Doubles([]float64{v}))
	}
	all := func(b *builder) string { return b.ints(1 << 40) }
	for name, c := range map[string]struct {
		batch int64 // 0 is free
		opset int64 // 0 is 19
		least float64
		want  string
		add   func(b *builder, x string) string // from [batch, 1, 2, 2]
	}{
		"a tanh before what it is added to": {least: math.Sqrt2 * 0.999,
			add: func(b *builder, x string) string {
				y := b.op(nil, "Tanh", nil, b.op(nil, "Mul", nil, x, scalar(b, -1e-3)))
				return b.op(nil, "Add", nil, y, x)
			}},
		"a value and itself": {least: 2 * math.Sqrt2, add: func(b *builder, x string) string {
			return b.op(nil, "Add", nil, x, x)
		}},
		"beside itself": {least: math.Sqrt2, add: func(b *builder, x string) string {
			return b.op(nil, "Concat", attributes{"axis": 1}, x, x)
		}},
		"a power of two values": {want: "only the square", add: func(b *builder, x string) string {
			return b.op(nil, "Pow", nil, x, x)
		}},
		"a product of two values": {want: "no Lipschitz constant",
			add: func(b *builder, x string) string {
				return b.op(nil, "Mul", nil, x, b.op(nil, "Tanh", nil, x))
			}},
		"a slope that isn't a number": {want: "its alpha isn't a finite number",
			add: func(b *builder, x string) string {
				return b.op(nil, "LeakyRelu", attributes{"alpha": math.NaN()}, x)
			}},
		"slopes of more than 1": {least: 3 * math.Sqrt2, add: func(b *builder, x string) string {
			return b.op(nil, "LeakyRelu", attributes{"alpha": -3.0}, x)
		}},
		"a bound of the image": {want: "input 1 isn't a constant",
			add: func(b *builder, x string) string { return b.op(nil, "Clip", nil, x, x) }},
		"a negative square": {want: "negative numbers", add: func(b *builder, x string) string {
			y := b.op(nil, "Mul", nil, b.op(nil, "Mul", nil, x, x), scalar(b, -1))
			y = b.op(nil, "Sub", nil, y, scalar(b, 1))
			return b.op(nil, "Sqrt", nil, b.op(nil, "Mul", nil, y, scalar(b, -1)))
		}},
		"an offset that rounds to 0": {want: "with negative numbers",
			add: func(b *builder, x string) string {
				y := b.op(nil, "Add", nil, b.op(nil, "Mul", nil, x, x), scalar(b, 1e-20))
				return b.op(nil, "Sqrt", nil, b.op(nil, "Sub", nil, y, scalar(b, 1e-19)))
			}},
		"dropped axes": {want: "drops the axis of the images",
			add: func(b *builder, x string) string { return b.op(nil, "Squeeze", nil, x) }},
		"the first image": {want: "takes some of the images",
			add: func(b *builder, x string) string {
				return b.op(nil, "Slice", nil, x, b.ints(0), b.ints(1), b.ints(0))
			}},
		"the first two images": {want: "takes some of the images",
			add: func(b *builder, x string) string {
				return b.op(nil, "Slice", nil, x, b.ints(0), b.ints(2), b.ints(0))
			}},
		"all images": {least: math.Sqrt2, add: func(b *builder, x string) string {
			n := b.op(nil, "Shape", attributes{"end": 1}, x)
			y := b.op(nil, "Slice", nil, x, b.ints(0), all(b), b.ints(0))
			return b.op(nil, "Slice", nil, y, b.ints(0), n, b.ints(0))
		}},
		"backwards": {least: math.Sqrt2, add: func(b *builder, x string) string {
			return b.op(nil, "Slice", nil, x, b.ints(-1), b.ints(-1<<40), b.ints(-1), b.ints(-1))
		}},
		"padded by the image": {batch: 1, want: "input 2 isn't a constant",
			add: func(b *builder, x string) string {
				y := b.op(nil, "ReduceSum", attributes{"keepdims": 0}, x, b.ints(1, 2, 3))
				return b.op(nil, "Pad", nil, x, b.ints(0, 0, 0, 1, 0, 0, 0, 1), y)
			}},
		"padded by another constant": {least: math.Sqrt2, add: func(b *builder, x string) string {
			return b.op(nil, "Pad", nil, x, b.ints(0, 0, 0, 1, 0, 0, 0, 1), scalar(b, 3))
		}},
		"a negative pad of a reflection": {want: "nothing is known of the mode",
			add: func(b *builder, x string) string {
				return b.op(nil, "Pad", attributes{"mode": "reflect"}, x,
					b.ints(0, 0, 0, -1, 0, 0, 0, 1))
			}},
		"an integer that wraps": {want: "the integer -1", add: func(b *builder, x string) string {
			y := b.op(nil, "Cast", attributes{"to": int(onnxfile.Uint8)}, b.ints(-1))
			return b.op(nil, "Mul", nil, x, b.op(nil, "Cast", attributes{"to": 1}, y))
		}},
		"a truth value": {least: math.Sqrt2, add: func(b *builder, x string) string {
			y := b.op(nil, "Cast", attributes{"to": int(onnxfile.Bool)}, b.ints(5))
			return b.op(nil, "Div", nil, x, b.op(nil, "Cast", attributes{"to": 1}, y))
		}},
		"integers of the image": {want: "rounds values", add: func(b *builder, x string) string {
			return b.op(nil, "Cast", attributes{"to": 7}, x)
		}},
		"a matrix of more axes": {batch: 1, want: "a matrix [1 1 1 2 2]",
			add: func(b *builder, x string) string {
				return b.op(nil, "MatMul", nil, x, b.floats(1, 1, 1, 1, 2, 2))
			}},
		"statistics of the batch": {opset: 13, want: "in training mode",
			add: func(b *builder, x string) string {
				one := b.weight(onnxfile.Doubles([]float64{1}, 1))
				return b.node("BatchNormalization", 2, nil, x, one, one, one, one)[0]
			}},
		"a norm of no axes": {want: "has no axes", add: func(b *builder, x string) string {
			return b.op(nil, "ReduceL2", attributes{"noop_with_empty_axes": 1}, x)
		}},
		"rows that are broadcast": {batch: 1, want: "mix images",
			add: func(b *builder, x string) string {
				y := b.op(nil, "Reshape", nil, x, b.ints(2, 2))
				return b.op(nil, "Max", nil, y, b.op(nil, "ReduceMax", attributes{"keepdims": 0},
					b.op(nil, "Reshape", nil, x, b.ints(1, 2, 2)), b.ints(1)))
			}},
		"a size of batches beyond two": {want: "depends on the size of the batch",
			add: func(b *builder, x string) string {
				n := b.op(nil, "Shape", attributes{"end": 1}, x)
				large := b.op(nil, "Greater", nil, n, b.ints(2))
				return b.op(nil, "Mul", nil, x, b.op(nil, "Cast", attributes{"to": 1}, large))
			}},
		"an opset of the future": {opset: 99, want: "operators of version 99",
			add: func(b *builder, x string) string { return b.op(nil, "Relu", nil, x) }},
		"windows beyond the image": {least: math.Sqrt2, add: func(b *builder, x string) string {
			x = b.op(nil, "Pad", attributes{"mode": "constant"}, x, b.ints(0, 0, 0, 0, 0, 0, 1, 1))
			return b.op(nil, "MaxPool", attributes{"kernel_shape": []int{2, 2}, "ceil_mode": 1,
				"strides": []int{2, 2}}, x)
		}},
		"averages beyond the image": {least: 0.866, add: func(b *builder, x string) string {
			x = b.op(nil, "Pad", attributes{"mode": "edge"}, x, b.ints(0, 0, 0, 0, 0, 0, 1, 1))
			return b.op(nil, "AveragePool", attributes{"kernel_shape": []int{2, 2}, "ceil_mode": 1,
				"strides": []int{2, 2}}, x)
		}},
		"a negative factor of rounded weights": {least: 3, add: func(b *builder, x string) string {
			w := b.weight(onnxfile.Doubles([]float64{.3, 0, 0, 0, 0, .3, 0, 0, 0, 0, .3, 0, 0, 0, 0,
				.3}, 4, 4))
			w = b.op(nil, "Mul", nil, w, scalar(b, 1.1))
			return b.op(nil, "Gemm", attributes{"alpha": -10.0}, b.op(nil, "Flatten", nil, x), w)
		}},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			b, x := newBuilder(1, 1, 2, 2)
			if b.m.Inputs[0].Dims[0] = -1; c.batch > 0 {
				b.m.Inputs[0].Dims[0] = c.batch
			}
			if c.opset > 0 {
				b.m.Opset = c.opset
			}
			y := b.op(nil, "Flatten", nil, c.add(b, x))
			b.m.Outputs = []onnxfile.Value{{Name: y}}
			p, err := Model(b.m, Options{})
			switch {
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, not %q", err, c.want)
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "" && p.Lambda.Value() < c.least:
				t.Errorf("Λ = %g, below the true %g", p.Lambda.Value(), c.least)
			}
		})
	}
}

// An image of any size is bounded for the one that is given.
func TestSize(t *testing.T) {
	b, x := newBuilder(1, 1, 2, 2)
	b.m.Inputs[0].Dims[2], b.m.Inputs[0].Dims[3] = -1, -1
	b.head(b.conv(x))
	for _, c := range []struct {
		size []int
		want string
	}{
		{[]int{2, 2}, ""}, {nil, "axis 2 of any size"}, {[]int{2}, "axis 3 of any size"},
		{[]int{2, 2, 2}, "fewer sides"}, {[]int{0, 2}, "axis 2 of any size"},
		{[]int{9, 2}, "a matrix"},
	} {
		_, err := Model(b.m, Options{Size: c.size})
		if c.want == "" && err != nil ||
			c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v", c.size, err)
		}
	}
}

// A node's result can't have the name of a weight.
func TestNameTwice(t *testing.T) {
	b, x := newBuilder(1, 1, 2, 2)
	y := b.op(b.shape[x], "Relu", nil, x)
	b.head(y)
	b.m.Weights[y] = onnxfile.Doubles([]float64{1})
	_, err := Model(b.m, Options{})
	if err == nil || !strings.Contains(err.Error(), "taken twice") {
		t.Error(err)
	}
}
