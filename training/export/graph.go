package export

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/training/lip"
)

// Types of elements and of attributes, as onnx.proto numbers them.
const (
	float32Elements, int64Elements = 1, 7

	floatAttribute, integerAttribute, stringAttribute, integersAttribute = 1, 2, 3, 7
)

// graph is an ONNX graph under construction. A value's name is its layer and its operator:
// "layer_03/Conv".
type graph struct {
	layer, doc string // of what is added: a name, and words for it
	nodes      []node
	weights    []message
	shapes     []message // of what layers return
	taken      map[string]bool
}

type node struct {
	op, name, doc   string
	inputs, outputs []string
	attributes      []attribute
}

type attribute struct {
	name  string
	value any // float32, int, string or []int
}

// name is that of something new below the layer's.
func (g *graph) name(what string) string {
	name := g.layer + "/" + what
	for i := 2; g.taken[name]; i++ {
		name = fmt.Sprintf("%s/%s_%d", g.layer, what, i)
	}
	g.taken[name] = true
	return name
}

// op adds an operator with one output, whose name it returns.
func (g *graph) op(op string, inputs []string, attributes ...attribute) string {
	return g.ops(op, 1, inputs, attributes...)[0]
}

// ops adds an operator with n outputs.
func (g *graph) ops(op string, n int, inputs []string, attributes ...attribute) []string {
	name := g.name(op)
	outputs := []string{name}
	for i := 1; i < n; i++ {
		outputs = append(outputs, g.name(op+"_part"))
	}
	g.nodes = append(g.nodes, node{op, name, g.doc, slices.Clone(inputs), slices.Clone(outputs),
		attributes})
	return outputs
}

// weight adds an initializer of float32, its shape empty for a number.
func (g *graph) weight(what string, values []float32, shape ...int) string {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return g.initializer(what, float32Elements, raw, shape)
}

func (g *graph) number(what string, v float32) string { return g.weight(what, []float32{v}) }

// indices adds an initializer of int64, [len(values)].
func (g *graph) indices(what string, values ...int) string {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return g.initializer(what, int64Elements, raw, []int{len(values)})
}

func (g *graph) initializer(what string, elements int, raw []byte, shape []int) string {
	var t message
	name := g.name(what)
	t.integers(1, shape)
	t.integer(2, elements)
	t.text(8, name)
	t.bytes(9, raw)
	g.weights = append(g.weights, t)
	return name
}

// value is what onnx.proto calls a ValueInfo: a name, float32, and a shape whose batch is free.
func value(name string, size lip.Size) message {
	var shape, axis, tensor, kind, v message
	axis.text(2, "N")
	shape.message(1, axis)
	for _, d := range channelsFirst(size) {
		var axis message
		axis.integer(1, d)
		shape.message(1, axis)
	}
	tensor.integer(1, float32Elements)
	tensor.message(2, shape)
	kind.message(1, tensor)
	v.text(1, name)
	v.message(2, kind)
	return v
}

// channelsFirst is the order of axes here: [c, h, w].
func channelsFirst(s lip.Size) lip.Size {
	if len(s) == 3 {
		return lip.Size{s[2], s[0], s[1]}
	}
	return s
}

// message is the GraphProto, from input to output.
func (g *graph) message(name string, input, output message) message {
	var m message
	for _, n := range g.nodes {
		m.message(1, n.message())
	}
	m.text(2, name)
	for _, w := range g.weights {
		m.message(5, w)
	}
	m.message(11, input)
	m.message(12, output)
	for _, s := range g.shapes {
		m.message(13, s)
	}
	return m
}

func (n node) message() message {
	var m message
	for _, v := range n.inputs {
		m.text(1, v)
	}
	for _, v := range n.outputs {
		m.text(2, v)
	}
	m.text(3, n.name)
	m.text(4, n.op)
	for _, a := range n.attributes {
		m.message(5, a.message())
	}
	m.text(6, n.doc)
	return m
}

func (a attribute) message() message {
	var m message
	m.text(1, a.name)
	switch v := a.value.(type) {
	case float32:
		m.float(2, v)
		m.integer(20, floatAttribute)
	case string:
		m.text(4, v)
		m.integer(20, stringAttribute)
	case int:
		m.integer(3, v)
		m.integer(20, integerAttribute)
	case []int:
		m.integers(8, v)
		m.integer(20, integersAttribute)
	}
	return m
}
