package onnx

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
	"google.golang.org/protobuf/encoding/protowire"
)

// The tests write small ONNX files from these parts. Field numbers are those of onnx.proto.

func number(n protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), uint64(v))
}

func wrapped(n protowire.Number, parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), all)
}

func text(n protowire.Number, s string) []byte { return wrapped(n, []byte(s)) }

// operator is a node of a graph: names of inputs, of outputs, and attributes.
func operator(op string, in, out []string, attributes ...[]byte) []byte {
	parts := append(attributes, text(4, op))
	for _, s := range in {
		parts = append(parts, text(1, s))
	}
	for _, s := range out {
		parts = append(parts, text(2, s))
	}
	return wrapped(1, parts...)
}

// names are those of a node's inputs or outputs.
func names(s ...string) []string { return s }

func attribute(name string, v int64) []byte {
	return wrapped(5, text(1, name), number(3, v), number(20, 2))
}

// weights is an initialiser of float32, or of another kind from raw bytes.
func weights(name string, values []float32, dims ...int64) []byte {
	var raw []byte
	for _, v := range values {
		raw = protowire.AppendFixed32(raw, math.Float32bits(v))
	}
	return rawWeights(name, onnxfile.Float32, raw, dims...)
}

func integers(name string, values ...int64) []byte {
	var raw []byte
	for _, v := range values {
		raw = protowire.AppendFixed64(raw, uint64(v))
	}
	return rawWeights(name, onnxfile.Int64, raw, int64(len(values)))
}

func rawWeights(name string, k onnxfile.Kind, raw []byte, dims ...int64) []byte {
	parts := [][]byte{number(2, int64(k)), text(8, name), wrapped(9, raw)}
	for _, d := range dims {
		parts = append(parts, number(1, d))
	}
	return wrapped(5, parts...)
}

// port is an input (field 11 of a graph) or output (12), with -1 for a free axis.
func port(n protowire.Number, name string, k onnxfile.Kind, dims ...int64) []byte {
	var shape []byte
	for _, d := range dims {
		axis := number(1, d)
		if d < 0 {
			axis = nil
		}
		shape = append(shape, wrapped(1, axis)...)
	}
	return wrapped(n, text(1, name), wrapped(2, wrapped(1, number(1, int64(k)), wrapped(2, shape))))
}

// modelOf is a model of an opset, with more fields of the model at its end.
func modelOf(opset int64, graph [][]byte, more ...[]byte) []byte {
	all := append(number(1, 8), wrapped(7, graph...)...)
	all = append(all, wrapped(8, number(2, opset))...)
	for _, m := range more {
		all = append(all, m...)
	}
	return all
}

// save writes an ONNX file of that name and returns its path.
func save(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// net is a linear model of an input of any kind and axes, whose values, in the order in which they
// lie there, it multiplies with columns of hashed weights, one a class.
type net struct {
	kind    onnxfile.Kind
	dims    []int64
	values  int // an image
	classes int
	last    string  // an operator after the product, if any
	to      []int64 // the shape of the output at last; nil is [-1, classes]
	reshape []int64 // of the input; nil is [-1, values]
	before  func(in string) (nodes [][]byte, out string)
}

// column is the weight of value i for a class.
func (n net) column(class, i int) float32 {
	v := uint32(i*n.classes+class+1) * 2654435761
	return float32(v>>16)/65536 - 0.5
}

// bytes is the file.
func (n net) bytes() []byte {
	w := make([]float32, n.values*n.classes)
	for i := range w {
		w[i] = n.column(i%n.classes, i/n.classes)
	}
	if n.to == nil {
		n.to = []int64{-1, int64(n.classes)}
	}
	if n.reshape == nil {
		n.reshape = []int64{-1, int64(n.values)}
	}
	if n.kind == 0 {
		n.kind = onnxfile.Float32
	}
	graph := [][]byte{
		weights("w", w, int64(n.values), int64(n.classes)),
		integers("flat", n.reshape...), integers("to", n.to...), port(11, "x", n.kind, n.dims...),
	}
	at := "x"
	if n.before != nil {
		var nodes [][]byte
		nodes, at = n.before(at)
		graph = append(graph, nodes...)
	}
	graph = append(graph,
		operator("Reshape", names(at, "flat"), names("r")),
		operator("Cast", names("r"), names("f"), attribute("to", int64(onnxfile.Float32))),
		operator("MatMul", names("f", "w"), names("product")))
	at = "product"
	if n.last != "" {
		graph = append(graph, operator(n.last, names(at), names("last")))
		at = "last"
	}
	free := append([]int64{}, n.to...)
	if n.dims[0] > 0 {
		free[0] = n.dims[0]
	}
	graph = append(graph, operator("Reshape", names(at, "to"), names("y")),
		port(12, "y", onnxfile.Float32, free...))
	return modelOf(13, graph)
}

// logits are those of values as the model takes them, in float64.
func (n net) logits(v []float32) []float64 {
	z := make([]float64, n.classes)
	for c := range z {
		for i, x := range v {
			z[c] += float64(x) * float64(n.column(c, i))
		}
	}
	return z
}
