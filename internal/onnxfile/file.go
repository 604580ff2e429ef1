// Package onnxfile reads the graph, the weights and the metadata of ONNX files. Numbers of fields
// are those of onnx.proto (github.com/onnx/onnx).
package onnxfile

import (
	"errors"
	"fmt"
	"math"
	"os"
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
	err := each(b, func(x Field) error {
		switch x.Number {
		case 7:
			graphs++
			return m.graph(x.B, path)
		case 8:
			return m.operators(x.B)
		case 14:
			key, value, err := pair(x.B)
			m.Metadata[key] = value
			return err
		case 25:
			return m.function(x.B)
		}
		return nil
	})
	if err == nil && (graphs != 1 || len(m.Outputs) == 0) {
		err = ErrBroken
	}
	return m, err
}

func (m *Model) operators(b []byte) error {
	domain, version := "", int64(0)
	err := each(b, func(x Field) error {
		switch x.Number {
		case 1:
			domain = string(x.B)
		case 2:
			version = int64(x.N)
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
	err := each(b, func(x Field) error {
		if x.Number == 10 {
			domain = string(x.B)
		}
		return nil
	})
	m.Redefines = m.Redefines || Standard(domain)
	return err
}

// Standard says whether a domain is that of ONNX's own operators.
func Standard(domain string) bool { return domain == "" || domain == "ai.onnx" }

func (m *Model) graph(b []byte, path string) error {
	return each(b, func(x Field) error {
		if len(m.Nodes)+len(m.Inputs)+len(m.Outputs)+len(m.Weights) > maxNames {
			return fmt.Errorf("more than %d nodes and names", maxNames)
		}
		switch x.Number {
		case 1:
			n, err := parseNode(x.B, path)
			m.Nodes = append(m.Nodes, n)
			return err
		case 5:
			t, err := parseTensor(x.B, path)
			if _, twice := m.Weights[t.Name]; twice && err == nil {
				err = fmt.Errorf("two weights named %q", t.Name)
			}
			m.Weights[t.Name] = t
			return err
		case 11, 12:
			v, err := parseValue(x.B)
			if x.Number == 11 {
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
	err = each(b, func(x Field) error {
		switch x.Number {
		case 1:
			n.Inputs = append(n.Inputs, string(x.B))
		case 2:
			n.Outputs = append(n.Outputs, string(x.B))
		case 3:
			n.Name = string(x.B)
		case 4:
			n.Op = string(x.B)
		case 7:
			n.Domain = string(x.B)
		case 5:
			name, a, err := parseAttribute(x.B, path)
			n.Attributes[name] = a
			return err
		}
		return nil
	})
	return n, err
}

func parseAttribute(b []byte, path string) (name string, a Attribute, err error) {
	err = each(b, func(x Field) error {
		switch x.Number {
		case 1:
			name = string(x.B)
		case 2:
			a.Float = math.Float32frombits(uint32(x.N))
		case 3:
			a.Integer = int64(x.N)
		case 4:
			a.Text = string(x.B)
		case 5:
			t, err := parseTensor(x.B, path)
			a.Tensor = &t
			return err
		case 6, 11:
			a.Graph = true
		case 7:
			return Numbers(x, 4, func(n uint64) {
				a.Floats = append(a.Floats, math.Float32frombits(uint32(n)))
			})
		case 8:
			return Numbers(x, 0, func(n uint64) { a.Ints = append(a.Ints, int64(n)) })
		case 21:
			return errors.New("an attribute that refers to a function's")
		}
		return nil
	})
	return name, a, err
}

func parseValue(b []byte) (v Value, err error) {
	err = each(b, func(x Field) error {
		switch x.Number {
		case 1:
			v.Name = string(x.B)
		case 2:
			return each(x.B, func(y Field) error {
				if y.Number == 1 {
					return v.tensor(y.B)
				}
				return nil
			})
		}
		return nil
	})
	return v, err
}

func (v *Value) tensor(b []byte) error {
	return each(b, func(x Field) error {
		switch x.Number {
		case 1:
			v.Kind = Kind(x.N)
		case 2:
			return each(x.B, func(y Field) error {
				if y.Number != 1 {
					return nil
				}
				size := int64(-1)
				err := each(y.B, func(z Field) error {
					if n := int64(z.N); z.Number == 1 && n > 0 { // some exporters write 0 for free
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
	err = each(b, func(x Field) error {
		switch x.Number {
		case 1:
			key = string(x.B)
		case 2:
			value = string(x.B)
		}
		return nil
	})
	return key, value, err
}
