// Package onnxfile reads the graph, the weights and the metadata of ONNX files. Numbers of fields
// are those of onnx.proto (github.com/onnx/onnx).
package onnxfile

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"os"

	"google.golang.org/protobuf/encoding/protowire"
)

// A Model is what an ONNX file says. Tensors are read when they are asked for.
type Model struct {
	Opset     int64             // version of the standard operators
	Inputs    []Value           // of the graph; before version 4 of the format, with weights
	Outputs   []Value           // of the graph
	Nodes     []Node            // of the graph, in the file's order
	Weights   map[string]Tensor // by name
	Metadata  map[string]string
	Redefines bool // the file defines operators of the standard's names
}

// A Value is an input or output of the graph.
type Value struct {
	Name string
	Kind Kind
	Dims []int64 // -1 where a side is free
}

// A Node is one operation.
type Node struct {
	Name, Op, Domain string
	Inputs, Outputs  []string // an empty name is an input that is left out
	Attributes       map[string]Attribute
}

// An Attribute is a constant of a node.
type Attribute struct {
	Float   float32
	Integer int64
	Text    string
	Tensor  *Tensor
	Floats  []float32
	Ints    []int64
	Graph   bool // the attribute holds a graph
}

// errBroken is the error for bytes that aren't such a message.
var errBroken = errors.New("truncated, or not an ONNX file")

// maxNames bounds nodes, names and values, so that a hostile file takes no more memory than some
// times its size.
const maxNames = 1 << 20

// Read reads the file at a path. Tensors in files of their own lie beside it.
func Read(path string) (*Model, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := Parse(b, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Parse reads a ModelProto, whose tensors keep parts of b. The path is where the file lies.
func Parse(b []byte, path string) (*Model, error) {
	m := &Model{Weights: map[string]Tensor{}, Metadata: map[string]string{}}
	graphs := 0
	err := each(b, func(x field) error {
		switch x.number {
		case 7:
			graphs++
			return m.graph(x.b, path)
		case 8:
			return m.operators(x.b)
		case 14:
			key, value, err := pair(x.b)
			m.Metadata[key] = value
			return err
		case 25:
			return m.function(x.b)
		}
		return nil
	})
	if err == nil && (graphs != 1 || len(m.Outputs) == 0) {
		err = errBroken
	}
	return m, err
}

func (m *Model) operators(b []byte) error {
	domain, version := "", int64(0)
	err := each(b, func(x field) error {
		switch x.number {
		case 1:
			domain = string(x.b)
		case 2:
			version = int64(x.n)
		}
		return nil
	})
	if Standard(domain) {
		m.Opset = version
	}
	return err
}

// function reads whether a function belongs to the domain of ONNX's own operators.
func (m *Model) function(b []byte) error {
	domain := ""
	err := each(b, func(x field) error {
		if x.number == 10 {
			domain = string(x.b)
		}
		return nil
	})
	m.Redefines = m.Redefines || Standard(domain)
	return err
}

// Standard says whether a domain is that of ONNX's own operators.
func Standard(domain string) bool { return domain == "" || domain == "ai.onnx" }

func (m *Model) graph(b []byte, path string) error {
	return each(b, func(x field) error {
		if len(m.Nodes)+len(m.Inputs)+len(m.Outputs)+len(m.Weights) > maxNames {
			return fmt.Errorf("more than %d nodes and names", maxNames)
		}
		switch x.number {
		case 1:
			n, err := parseNode(x.b, path)
			m.Nodes = append(m.Nodes, n)
			return err
		case 5:
			t, err := parseTensor(x.b, path)
			if _, twice := m.Weights[t.Name]; twice && err == nil {
				err = fmt.Errorf("two weights named %q", t.Name)
			}
			m.Weights[t.Name] = t
			return err
		case 11, 12:
			v, err := parseValue(x.b)
			if x.number == 11 {
				m.Inputs = append(m.Inputs, v)
			} else {
				m.Outputs = append(m.Outputs, v)
			}
			return err
		case 15:
			return errors.New("sparse weights aren't read here")
		}
		return nil
	})
}

func parseNode(b []byte, path string) (n Node, err error) {
	n.Attributes = map[string]Attribute{}
	err = each(b, func(x field) error {
		switch x.number {
		case 1:
			n.Inputs = append(n.Inputs, string(x.b))
		case 2:
			n.Outputs = append(n.Outputs, string(x.b))
		case 3:
			n.Name = string(x.b)
		case 4:
			n.Op = string(x.b)
		case 7:
			n.Domain = string(x.b)
		case 5:
			name, a, err := parseAttribute(x.b, path)
			n.Attributes[name] = a
			return err
		}
		return nil
	})
	return n, err
}

func parseAttribute(b []byte, path string) (name string, a Attribute, err error) {
	err = each(b, func(x field) error {
		switch x.number {
		case 1:
			name = string(x.b)
		case 2:
			a.Float = math.Float32frombits(uint32(x.n))
		case 3:
			a.Integer = int64(x.n)
		case 4:
			a.Text = string(x.b)
		case 5:
			t, err := parseTensor(x.b, path)
			a.Tensor = &t
			return err
		case 6, 11:
			a.Graph = true
		case 7:
			return numbers(x, 4, func(n uint64) {
				a.Floats = append(a.Floats, math.Float32frombits(uint32(n)))
			})
		case 8:
			return numbers(x, 0, func(n uint64) { a.Ints = append(a.Ints, int64(n)) })
		case 21:
			return errors.New("an attribute that refers to a function's")
		}
		return nil
	})
	return name, a, err
}

func parseValue(b []byte) (v Value, err error) {
	err = each(b, func(x field) error {
		switch x.number {
		case 1:
			v.Name = string(x.b)
		case 2:
			return each(x.b, func(y field) error {
				if y.number == 1 {
					return v.tensor(y.b)
				}
				return nil
			})
		}
		return nil
	})
	return v, err
}

func (v *Value) tensor(b []byte) error {
	return each(b, func(x field) error {
		switch x.number {
		case 1:
			v.Kind = Kind(x.n)
		case 2:
			return each(x.b, func(y field) error {
				if y.number != 1 {
					return nil
				}
				size := int64(-1)
				err := each(y.b, func(z field) error {
					if n := int64(z.n); z.number == 1 && n > 0 { // some exporters write 0 for free
						size = n
					}
					return nil
				})
				v.Dims = append(v.Dims, size)
				return err
			})
		}
		return nil
	})
}

// pair reads a key and its value.
func pair(b []byte) (key, value string, err error) {
	err = each(b, func(x field) error {
		switch x.number {
		case 1:
			key = string(x.b)
		case 2:
			value = string(x.b)
		}
		return nil
	})
	return key, value, err
}

// A field of a message: n holds a number of any width, b what has a length.
type field struct {
	number protowire.Number
	n      uint64
	b      []byte
}

// each calls f with every field of a message, and stops at an error.
func each(b []byte, f func(field) error) error {
	for x, err := range fields(b) {
		if err == nil {
			err = f(x)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fields of a message; an error ends them.
func fields(b []byte) iter.Seq2[field, error] {
	return func(yield func(field, error) bool) {
		for len(b) > 0 {
			number, wire, n := protowire.ConsumeTag(b)
			if n < 0 {
				yield(field{}, errBroken)
				return
			}
			b = b[n:]
			f := field{number: number}
			switch wire {
			case protowire.VarintType:
				f.n, n = protowire.ConsumeVarint(b)
			case protowire.Fixed32Type:
				var v uint32
				v, n = protowire.ConsumeFixed32(b)
				f.n = uint64(v)
			case protowire.Fixed64Type:
				f.n, n = protowire.ConsumeFixed64(b)
			case protowire.BytesType:
				f.b, n = protowire.ConsumeBytes(b)
				if f.b == nil {
					f.b = []byte{}
				}
			default:
				n = -1 // groups, which no version of the format has
			}
			if n < 0 {
				yield(field{}, errBroken)
				return
			}
			b = b[n:]
			if !yield(f, nil) {
				return
			}
		}
	}
}

// numbers calls f with the numbers of a repeated field, packed or one alone: of this many bytes, or
// varints where width is 0.
func numbers(x field, width int, f func(uint64)) error {
	if x.b == nil {
		f(x.n)
		return nil
	}
	for b := x.b; len(b) > 0; {
		var v uint64
		n := 0
		switch width {
		case 0:
			v, n = protowire.ConsumeVarint(b)
		case 4:
			var short uint32
			short, n = protowire.ConsumeFixed32(b)
			v = uint64(short)
		default:
			v, n = protowire.ConsumeFixed64(b)
		}
		if n < 0 {
			return errBroken
		}
		f(v)
		b = b[n:]
	}
	return nil
}
