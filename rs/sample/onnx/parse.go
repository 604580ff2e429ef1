package onnx

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of fields are those of onnx.proto (github.com/onnx/onnx).

// refusal is the panic by which the functions below end parse, which returns its error.
type refusal struct{ error }

// depth is the most levels of graphs in graphs; protobuf's own limit on messages is 100.
const depth = 30

// message is a protobuf message: its fields by number, in their order.
type message map[protowire.Number][]onnxfile.Field

// decode reads a message, and keeps parts of b.
func decode(b []byte) message {
	m := message{}
	for f, err := range onnxfile.Fields(b) {
		if err != nil {
			panic(refusal{err})
		}
		m[f.Number] = append(m[f.Number], f)
	}
	return m
}

// last is the field of a number that counts where there are several, or the zero field.
func (m message) last(n protowire.Number) (f onnxfile.Field) {
	for _, f = range m[n] {
	}
	return f
}

func (m message) text(n protowire.Number) string { return string(m.last(n).B) }

func (m message) texts(n protowire.Number) (s []string) {
	for _, f := range m[n] {
		s = append(s, string(f.B))
	}
	return s
}

// messages are those in the fields of some numbers.
func (m message) messages(numbers ...protowire.Number) (inner []message) {
	for _, n := range numbers {
		for _, f := range m[n] {
			inner = append(inner, decode(f.B))
		}
	}
	return inner
}

// parse reads a ModelProto, and refuses a batch norm in training mode. It returns
// onnxfile.ErrBroken for what isn't a model. It keeps nothing of b.
func parse(b []byte) (f *file, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case refusal:
			f, err = nil, p.error
		default:
			panic(p)
		}
	}()
	m := decode(b)
	f = &file{
		producer: strings.TrimSpace(m.text(2) + " " + m.text(3)), opset: m.opset(8, 0),
		truths: map[string]bool{},
	}
	for _, p := range m.messages(14) {
		l, err := strconv.ParseFloat(p.text(2), 64)
		if p.text(1) == "lipschitz" && err == nil && l > 0 && !math.IsInf(l, 0) {
			f.claim = l
		}
	}
	for _, graph := range m.messages(7) {
		f.graph(graph, f.opset, 0)
	}
	for _, function := range m.messages(25) {
		for _, n := range function.messages(7) {
			f.node(n, function.opset(9, f.opset), 0)
		}
	}
	if len(f.outputs) == 0 {
		return nil, onnxfile.ErrBroken
	}
	for _, n := range f.all {
		if n.op == "BatchNormalization" && f.training(n) {
			return nil, errBatchNorm
		}
	}
	return f, nil
}

// opset is the version of the standard operators in OperatorSetIdProtos, or none.
func (m message) opset(n protowire.Number, none int64) int64 {
	for _, o := range m.messages(n) {
		if onnxfile.Standard(o.text(1)) {
			none = int64(o.last(2).N)
		}
	}
	return none
}

// graph reads a GraphProto. Inputs, outputs and nodes are kept of the outermost graph, at level 0.
func (f *file) graph(m message, opset int64, level int) {
	if level > depth {
		panic(refusal{fmt.Errorf("graphs nested %d deep", level)})
	}
	weights := map[string]bool{}
	for _, t := range m.messages(5) {
		truth := f.tensor(t)
		f.constant(t.text(8), truth)
		weights[t.text(8)] = true
	}
	f.sparse(m.messages(15))
	for _, x := range m.messages(1) {
		if n := f.node(x, opset, level); level == 0 {
			f.nodes = append(f.nodes, n)
		}
	}
	if level > 0 {
		return
	}
	for _, x := range m.messages(11) {
		if v := readValue(x); !weights[v.name] { // before version 4, weights are inputs too
			f.inputs = append(f.inputs, v)
		}
	}
	for _, x := range m.messages(12) {
		f.outputs = append(f.outputs, readValue(x))
	}
}

// constant keeps a truth value by name.
func (f *file) constant(name string, truth *bool) {
	if truth != nil {
		f.truths[name] = f.truths[name] || *truth
	}
}

// node reads a NodeProto, with the graphs and tensors of its attributes.
func (f *file) node(m message, opset int64, level int) node {
	n := node{
		op: m.text(4), domain: m.text(7), inputs: m.texts(1), outputs: m.texts(2), opset: opset,
		integers: map[string]int64{},
	}
	for _, a := range m.messages(5) {
		switch name := a.text(1); {
		case a[21] != nil: // the caller of a function says it: a mode may be training
			n.integers[name] = 1
		case a[3] != nil:
			n.integers[name] = int64(a.last(3).N)
		}
		for _, t := range a.messages(5, 10) {
			if truth := f.tensor(t); n.op == "Constant" && len(n.outputs) == 1 {
				f.constant(n.outputs[0], truth)
			}
		}
		for _, g := range a.messages(6, 11) {
			f.graph(g, opset, level+1)
		}
		f.sparse(a.messages(22, 23))
	}
	f.all = append(f.all, n)
	return n
}

// sparse reads the values of SparseTensorProtos.
func (f *file) sparse(all []message) {
	for _, m := range all {
		for _, t := range m.messages(1) {
			f.tensor(t)
		}
	}
}

// tensor looks for NaN in a TensorProto, and keeps where it is stored if that is another file. It
// returns the value of a tensor of one truth value.
func (f *file) tensor(m message) (truth *bool) {
	elements, raw := onnxfile.Kind(m.last(2).N), m.last(9).B
	nan := hasNaN(elements, raw)
	for n, k := range map[protowire.Number]onnxfile.Kind{4: onnxfile.Float32, 10: onnxfile.Float64} {
		for _, x := range m[n] {
			nan = nan || hasNaN(k, x.B) || isNaN(k, x.N) // packed, or one by one
		}
	}
	var integers []uint64
	for _, x := range m[5] {
		if err := onnxfile.Numbers(x, 0, func(v uint64) { integers = append(integers, v) }); err != nil {
			panic(refusal{err})
		}
	}
	for _, v := range integers {
		half := elements == onnxfile.Float16 || elements == onnxfile.Bfloat16
		nan = nan || half && isNaN(elements, v)
	}
	if nan && f.nan == "" {
		f.nan = strconv.Quote(m.text(8))
	}
	if m[13] != nil {
		f.external = append(f.external, readStored(m))
	}
	if elements == onnxfile.Bool && len(raw)+len(integers) == 1 {
		on := len(integers) == 1 && integers[0] != 0 || len(raw) == 1 && raw[0] != 0
		truth = &on
	}
	return truth
}

// readStored reads where a TensorProto is stored, in another file.
func readStored(m message) stored {
	s := stored{name: m.text(8), kind: onnxfile.Kind(m.last(2).N), length: -1}
	for _, entry := range m.messages(13) {
		key, text := entry.text(1), entry.text(2)
		to := map[string]*int64{"offset": &s.offset, "length": &s.length}[key]
		if key == "location" {
			s.location = text
		} else if to != nil {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n < 0 {
				panic(refusal{fmt.Errorf("the %s of an external tensor is %q", key, text)})
			}
			*to = n
		}
	}
	return s
}

// readValue reads a ValueInfoProto. Field 2 is its type, of which field 1 is that of a tensor:
// field 1 is the type of elements, and field 2 has the axes as its fields 1.
func readValue(m message) value {
	v := value{name: m.text(1)}
	for _, t := range m.messages(2) {
		for _, of := range t.messages(1) {
			v.kind = onnxfile.Kind(of.last(1).N)
			for _, shape := range of.messages(2) {
				for _, axis := range shape.messages(1) {
					d := dim{int64(axis.last(1).N), axis.text(2)}
					if d.size < 1 { // some exporters write a free axis so
						d.size = -1
					}
					v.dims = append(v.dims, d)
				}
			}
		}
	}
	return v
}
