package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// file is what is read here of an ONNX file: what ONNX Runtime does not tell, or tells only once all is loaded.
// Numbers of fields are those of onnx.proto (github.com/onnx/onnx).
type file struct {
	producer string
	claim    float64 // the Lipschitz constant that its metadata names, as files of training/export do; 0 where none
	opset    int64
	inputs   []value // those that are no weights
	outputs  []value
	nodes    []node   // of the graph itself
	external []stored // tensors in files of their own
	nan      string   // a weight that holds NaN, if any does
}

// value is an input or output of the graph.
type value struct {
	name string
	kind kind
	dims []dim
}

// dim is an axis: its size, or -1 where it is free, and the name a free one may have.
type dim struct {
	size int64
	name string
}

type node struct {
	op, domain      string
	inputs, outputs []string
	axis            *int64
	training        bool // a batch norm by the batch's own mean
}

// stored is a tensor whose bytes lie in another file, beside the model's.
type stored struct {
	name, location string
	kind           kind
	offset, length int64 // length -1: to the end
}

// kind is a type of tensor elements, as onnx.proto numbers them.
type kind int32

const (
	float32Kind  kind = 1
	int32Kind    kind = 6
	int64Kind    kind = 7
	float16Kind  kind = 10
	float64Kind  kind = 11
	bfloat16Kind kind = 16
)

var kinds = [...]string{"undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool",
	"float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"}

func (k kind) String() string {
	if k >= 0 && int(k) < len(kinds) {
		return kinds[k]
	}
	return "type " + strconv.Itoa(int(k))
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

var errBroken = errors.New("truncated, or not an ONNX file")

// depth of graphs in graphs and sparse tensors, at most; protobuf's own limit on messages is 100.
const depth = 30

// field of a protobuf message; n holds a number of any width, b what has a length.
type field struct {
	number protowire.Number
	n      uint64
	b      []byte
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
			default:
				n = protowire.ConsumeFieldValue(number, wire, b)
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

// parse reads a ModelProto. It returns errBroken for what isn't one, and keeps nothing of b.
func parse(b []byte) (*file, error) {
	f := &file{}
	var graph bool
	for x, err := range fields(b) {
		if err != nil {
			return nil, err
		}
		switch x.number {
		case 2:
			f.producer = strings.TrimSpace(string(x.b) + " " + f.producer)
		case 3:
			f.producer = strings.TrimSpace(f.producer + " " + string(x.b))
		case 7:
			graph = true
			err = f.graph(x.b, 0)
		case 8:
			err = f.opsets(x.b)
		case 14:
			err = f.property(x.b)
		case 25: // a function
			for y, bad := range fields(x.b) {
				if bad == nil && y.number == 7 {
					_, bad = f.node(y.b, 0)
				}
				if bad != nil {
					return nil, bad
				}
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if !graph || len(f.outputs) == 0 {
		return nil, errBroken
	}
	return f, nil
}

func (f *file) opsets(b []byte) error {
	domain, version := "", int64(0)
	for x, err := range fields(b) {
		if err != nil {
			return err
		}
		switch x.number {
		case 1:
			domain = string(x.b)
		case 2:
			version = int64(x.n)
		}
	}
	if domain == "" || domain == "ai.onnx" {
		f.opset = version
	}
	return nil
}

// graph reads a GraphProto; only of the outermost, at level 0, are inputs, outputs and nodes kept.
func (f *file) graph(b []byte, level int) error {
	if level > depth {
		return fmt.Errorf("graphs nested %d deep", level)
	}
	weights := map[string]bool{}
	var inputs, outputs []value
	var nodes []node
	for x, err := range fields(b) {
		if err != nil {
			return err
		}
		switch x.number {
		case 1:
			var n node
			if n, err = f.node(x.b, level); err == nil && level == 0 {
				nodes = append(nodes, n)
			}
		case 5:
			var name string
			if name, err = f.tensor(x.b); err == nil && level == 0 {
				weights[name] = true
			}
		case 11, 12:
			if level > 0 {
				break
			}
			var v value
			if v, err = parseValue(x.b); x.number == 11 {
				inputs = append(inputs, v)
			} else {
				outputs = append(outputs, v)
			}
		case 15: // a sparse tensor
			err = f.sparse(x.b)
		}
		if err != nil {
			return err
		}
	}
	if level == 0 {
		f.outputs, f.nodes = outputs, nodes
		for _, v := range inputs {
			if !weights[v.name] { // before version 4 of the format, weights are inputs too
				f.inputs = append(f.inputs, v)
			}
		}
	}
	return nil
}

func (f *file) node(b []byte, level int) (n node, err error) {
	for x, err := range fields(b) {
		if err != nil {
			return n, err
		}
		switch x.number {
		case 1:
			n.inputs = append(n.inputs, string(x.b))
		case 2:
			n.outputs = append(n.outputs, string(x.b))
		case 4:
			n.op = string(x.b)
		case 7:
			n.domain = string(x.b)
		case 5:
			if err := f.attribute(x.b, level, &n); err != nil {
				return n, err
			}
		}
	}
	if n.training && n.op == "BatchNormalization" {
		return n, errors.New("a batch norm in training mode answers an image by the others of its batch: export the model for evaluation")
	}
	return n, nil
}

func (f *file) attribute(b []byte, level int, n *node) error {
	var name string
	var integer int64
	for x, err := range fields(b) {
		if err != nil {
			return err
		}
		switch x.number {
		case 1:
			name = string(x.b)
		case 3:
			integer = int64(x.n)
		case 5, 10:
			_, err = f.tensor(x.b)
		case 6, 11:
			err = f.graph(x.b, level+1)
		case 22, 23:
			err = f.sparse(x.b)
		}
		if err != nil {
			return err
		}
	}
	switch name {
	case "axis":
		n.axis = &integer
	case "training_mode":
		n.training = integer != 0
	}
	return nil
}

func (f *file) sparse(b []byte) error {
	for x, err := range fields(b) {
		if err == nil && x.number == 1 {
			_, err = f.tensor(x.b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tensor reads a TensorProto, and looks for NaN in it.
func (f *file) tensor(b []byte) (name string, err error) {
	var elements kind
	var numbers [][]byte // floats or doubles, packed
	var halves []uint64
	var raw []byte
	var outside []stored
	var nan bool
	for x, err := range fields(b) {
		if err != nil {
			return "", err
		}
		switch x.number {
		case 2:
			elements = kind(x.n)
		case 4, 10:
			numbers = append(numbers, x.b)
			nan = nan || x.number == 4 && isNaN(float32Kind, x.n) || x.number == 10 && isNaN(float64Kind, x.n) // one that isn't packed
		case 5:
			if x.b == nil {
				halves = append(halves, x.n)
			}
			for rest := x.b; len(rest) > 0; {
				v, n := protowire.ConsumeVarint(rest)
				if n < 0 {
					return "", errBroken
				}
				halves, rest = append(halves, v), rest[n:]
			}
		case 8:
			name = string(x.b)
		case 9:
			raw = x.b
		case 13:
			if outside == nil {
				outside = []stored{{length: -1}}
			}
			if err := outside[0].entry(x.b); err != nil {
				return "", err
			}
		}
	}
	if elements == float16Kind || elements == bfloat16Kind {
		for _, v := range halves {
			nan = nan || isNaN(elements, v)
		}
	}
	for _, b := range append(numbers, raw) {
		nan = nan || hasNaN(elements, b)
	}
	if nan && f.nan == "" {
		f.nan = strconv.Quote(name)
	}
	for _, s := range outside {
		s.name, s.kind = name, elements
		f.external = append(f.external, s)
	}
	return name, nil
}

// entry reads a key and value of where a tensor is stored.
func (s *stored) entry(b []byte) error {
	var key, text string
	for x, err := range fields(b) {
		if err != nil {
			return err
		}
		switch x.number {
		case 1:
			key = string(x.b)
		case 2:
			text = string(x.b)
		}
	}
	var to *int64
	switch key {
	case "location":
		s.location = text
		return nil
	case "offset":
		to = &s.offset
	case "length":
		to = &s.length
	default:
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("the %s of an external tensor is %q", key, text)
	}
	*to = n
	return nil
}

// hasNaN tells whether little-endian elements hold one; elements of other types than floats never do.
func hasNaN(k kind, b []byte) bool {
	switch k {
	case float32Kind:
		for ; len(b) >= 4; b = b[4:] {
			if isNaN(k, uint64(binary.LittleEndian.Uint32(b))) {
				return true
			}
		}
	case float64Kind:
		for ; len(b) >= 8; b = b[8:] {
			if isNaN(k, binary.LittleEndian.Uint64(b)) {
				return true
			}
		}
	case float16Kind, bfloat16Kind:
		for ; len(b) >= 2; b = b[2:] {
			if isNaN(k, uint64(binary.LittleEndian.Uint16(b))) {
				return true
			}
		}
	}
	return false
}

// isNaN tells it of the bits of one element: all of the exponent, and some of the fraction.
func isNaN(k kind, bits uint64) bool {
	switch k {
	case float32Kind:
		return bits&math.MaxInt32 > 0x7f80_0000
	case float64Kind:
		return bits&math.MaxInt64 > 0x7ff0_0000_0000_0000
	case float16Kind:
		return bits&math.MaxInt16 > 0x7c00
	case bfloat16Kind:
		return bits&math.MaxInt16 > 0x7f80
	}
	return false
}

func parseValue(b []byte) (v value, err error) {
	for x, err := range fields(b) {
		if err != nil {
			return v, err
		}
		switch x.number {
		case 1:
			v.name = string(x.b)
		case 2:
			for y, err := range fields(x.b) {
				if err == nil && y.number == 1 {
					err = v.tensorType(y.b)
				}
				if err != nil {
					return v, err
				}
			}
		}
	}
	return v, nil
}

func (v *value) tensorType(b []byte) error {
	for x, err := range fields(b) {
		if err != nil {
			return err
		}
		switch x.number {
		case 1:
			v.kind = kind(x.n)
		case 2:
			for y, err := range fields(x.b) {
				if err != nil {
					return err
				}
				if y.number != 1 {
					continue
				}
				d := dim{size: -1}
				for z, err := range fields(y.b) {
					if err != nil {
						return err
					}
					switch z.number {
					case 1:
						if d.size = int64(z.n); d.size < 1 {
							d.size = -1 // some exporters write a free axis so
						}
					case 2:
						d.name = string(z.b)
					}
				}
				v.dims = append(v.dims, d)
			}
		}
	}
	return nil
}

// last is the operator that makes an output, looking through those that only reshape or convert.
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
		case "Identity", "Cast", "Reshape", "Flatten", "Squeeze":
			if len(n.inputs) > 0 {
				output = n.inputs[0]
				continue
			}
		}
		return n
	}
	return node{}
}

// property reads an entry of the metadata.
func (f *file) property(b []byte) error {
	var entry [3]string // of its fields 1 and 2
	for x, err := range fields(b) {
		if err != nil {
			return err
		}
		if int(x.number) < len(entry) {
			entry[x.number] = string(x.b)
		}
	}
	if l, err := strconv.ParseFloat(entry[2], 64); entry[1] == "lipschitz" && err == nil && l > 0 && !math.IsInf(l, 0) {
		f.claim = l
	}
	return nil
}
