package onnx

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// file is the part of an ONNX file that lipsmooth itself reads: what ONNX Runtime doesn't tell, or
// tells only after it has loaded everything.
type file struct {
	producer string
	claim    float64 // the Lipschitz constant that its metadata names; 0 where they name none
	opset    int64   // of the standard operators
	inputs   []value // without weights
	outputs  []value
	nodes    []node   // of the outermost graph
	all      []node   // of subgraphs and functions as well
	external []stored // tensors in files of their own
	nan      string   // a weight that holds NaN, if one does
	// truths are the constants of one truth value, by name. Constants of one name count as true
	// where one of them is.
	truths map[string]bool
}

// value is an input or output of the graph.
type value struct {
	name string
	kind onnxfile.Kind
	dims []dim
}

// dim is an axis: its size, or -1 where the size is free, and the name that a free axis may have.
type dim struct {
	size int64
	name string
}

type node struct {
	op, domain      string
	inputs, outputs []string
	integers        map[string]int64 // attributes that are whole numbers
	opset           int64            // of the standard operators where the node stands
}

// stored is a tensor whose bytes lie in another file, beside the model's.
type stored struct {
	name, location string
	kind           onnxfile.Kind
	offset, length int64 // length -1 reaches to the end
}

// float tells the types that logits may have.
func float(k onnxfile.Kind) bool {
	return k == onnxfile.Float32 || k == onnxfile.Float16 || k == onnxfile.Float64
}

func (v value) String() string {
	s := make([]string, len(v.dims))
	for i, d := range v.dims {
		switch {
		case d.size >= 0:
			s[i] = strconv.FormatInt(d.size, 10)
		case d.name != "":
			s[i] = d.name
		default:
			s[i] = "?"
		}
	}
	return fmt.Sprintf("%s, %v [%s]", v.name, v.kind, strings.Join(s, ", "))
}

// shape is the declared shape, with free axes as like has them. It is nil where the file says none,
// or where like has 0 for a free axis or ends before it.
func (v value) shape(like ...int64) (shape []int64) {
	for i, d := range v.dims {
		if d.size < 0 && i < len(like) {
			d.size = like[i]
		}
		if d.size < 1 {
			return nil
		}
		shape = append(shape, d.size)
	}
	return shape
}

func list(values []value) string {
	s := make([]string, len(values))
	for i, v := range values {
		s[i] = v.String()
	}
	return strings.Join(s, "; ")
}

// last is the operator that makes an output. Operators that only reshape or convert are passed
// over.
func (f *file) last(output string) node {
	from := map[string]node{}
	for _, n := range f.nodes {
		for _, o := range n.outputs {
			from[o] = n
		}
	}
	for range len(f.nodes) {
		n := from[output]
		switch n.op {
		case "Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze":
			if len(n.inputs) > 0 {
				output = n.inputs[0]
				continue
			}
		}
		return n
	}
	return node{}
}

var errBatchNorm = errors.New("a batch norm in training mode answers an image by the others of " +
	"its batch: export the model for evaluation")

// training tells a batch norm that uses the statistics of the batch, and a dropout that draws.
// The sign of training mode is an attribute is_test that is missing or 0 before opset 7, more than
// one output of a batch norm before opset 14, and from then on training_mode: an attribute of a
// batch norm, and from opset 12 on the third input of a dropout.
func (f *file) training(n node) bool {
	switch norm := n.op == "BatchNormalization"; {
	case !onnxfile.Standard(n.domain) || !norm && n.op != "Dropout":
		return false
	case n.integers["training_mode"] != 0:
		return true
	case n.opset < 7:
		return n.integers["is_test"] == 0
	case norm:
		return n.opset < 14 && len(n.outputs) > 1
	case n.opset < 12 || len(n.inputs) < 3 || n.inputs[2] == "":
		return false
	default:
		on, known := f.truths[n.inputs[2]]
		return !known || on
	}
}

// find returns the first operator of which is holds, and "" where there is none.
func (f *file) find(is func(node) bool) string {
	for _, n := range f.all {
		if is(n) {
			return n.op
		}
	}
	return ""
}

// chance names an operator that answers by chance, if there is one.
func (f *file) chance() string {
	return f.find(func(n node) bool {
		return strings.HasPrefix(n.op, "Random") || n.op == "Bernoulli" || n.op == "Multinomial" ||
			n.op == "Dropout" && f.training(n)
	})
}

// dynamic names an operator whose quantisation depends on the whole batch, if there is one.
func (f *file) dynamic() string {
	return f.find(func(n node) bool { return strings.HasPrefix(n.op, "DynamicQuantize") })
}

// rounds names an operator that rounds numbers, if there is one: no finite Lipschitz constant
// holds for it.
func (f *file) rounds() string {
	return f.find(func(n node) bool {
		return strings.Contains(n.op, "QuantizeLinear") &&
			!strings.HasPrefix(n.op, "Dequantize") || strings.HasPrefix(n.op, "DynamicQuantize")
	})
}
