package xla

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// node is a node of a graph in protobuf's text format.
func node(op, in, out, more string) string {
	text := fmt.Sprintf("node { op_type: %q output: %q", op, out)
	for name := range strings.FieldsSeq(in) {
		text += fmt.Sprintf(" input: %q", name)
	}
	return text + more + "}\n"
}

// attribute holds integers.
func attribute(name string, v ...int) string {
	text := fmt.Sprintf(" attribute { name: %q type: INTS", name)
	for _, n := range v {
		text += fmt.Sprint(" ints: ", n)
	}
	return text + "}"
}

// number is an attribute of one integer.
func number(name string, v int) string {
	return fmt.Sprintf(" attribute { name: %q type: INT i: %d }", name, v)
}

// bound is an attribute of one number.
func bound(name string, v float64) string {
	return fmt.Sprintf(" attribute { name: %q type: FLOAT f: %v }", name, v)
}

// weights are an initialiser of hashed numbers.
func weights(name string, dims ...int) string {
	text, values := fmt.Sprintf("initializer { name: %q data_type: 1", name), 1
	for _, n := range dims {
		text, values = text+fmt.Sprint(" dims: ", n), values*n
	}
	for i := range values {
		text += fmt.Sprintf(" float_data: %v", math.Mod(float64(i*37%101), 17)/17+0.1)
	}
	return text + "}\n"
}

// shape is an initialiser of integers.
func shape(name string, v ...int) string {
	text := fmt.Sprintf("initializer { name: %q data_type: 7 dims: %d", name, len(v))
	for _, n := range v {
		text += fmt.Sprint(" int64_data: ", n)
	}
	return text + "}\n"
}

// port is an input or output of a batch of 1, or of a free one where batch is 0.
func port(kind, name string, element, batch int, dims ...int) string {
	text := fmt.Sprintf("%s { name: %q type { tensor_type { elem_type: %d shape { dim {", kind, name,
		element)
	if batch > 0 {
		text += fmt.Sprint("dim_value: ", batch)
	}
	text += "}"
	for _, n := range dims {
		text += fmt.Sprintf(" dim { dim_value: %d }", n)
	}
	return text + "}}}}\n"
}

// save writes an ONNX file of a graph of operators of version opset.
func save(t *testing.T, opset int, graph ...string) string {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName("protos.ModelProto")
	if err != nil {
		t.Fatal(err)
	}
	m := kind.New().Interface()
	text := fmt.Sprintf("ir_version: 7 opset_import { version: %d } graph { name: \"g\" %s }", opset,
		strings.Join(graph, ""))
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "net.onnx")
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// head reshapes a value x of so many entries to a row, and multiplies it with weights to 3 logits.
func head(x string, batch, entries int) string {
	return shape("row", batch, entries) + weights("w", entries, 3) +
		node("Reshape", x+" row", "flat", "") + node("MatMul", "flat w", "y", "")
}

const free = -1 // in a shape

// images is the input x of 1 channel of 4×4.
func images(batch int) string {
	return port("input", "x", 1, batch, 1, 4, 4) + port("output", "y", 1, batch, 3)
}

// What exporters write and onnx-gomlx refuses, or takes in another batch alone.
func TestRewritten(t *testing.T) {
	pool := attribute("kernel_shape", 2, 2) + attribute("strides", 2, 2)
	const valid = ` attribute { name: "auto_pad" type: STRING s: "VALID" }`
	for name, graph := range map[string][]string{
		"a batch of 1":  {images(1), node("Relu", "x", "a", ""), head("a", 1, 16)},
		"a dropout":     {images(0), node("Dropout", "x", "a", ""), head("a", free, 16)},
		"an upper Clip": {images(0), node("Clip", "x", "a", bound("max", 0.5)), head("a", free, 16)},
		"two Clips": {images(0), node("Clip", "x", "b", bound("min", 0.4)+bound("max", 0.7)),
			node("Clip", "b", "a", bound("min", 0.5)), head("a", free, 16)},
		"max pooling": {images(0), node("MaxPool", "x", "a", pool+attribute("dilations", 1, 1)),
			head("a", free, 4)},
		"mean pooling": {images(0), node("AveragePool", "x", "a", pool+number("count_include_pad", 1)),
			head("a", free, 4)},
		"a convolution": {images(0), weights("k", 2, 1, 3, 3), node("Conv", "x k", "a", valid),
			head("a", free, 8)},
		"a batch norm": {images(0), weights("s", 1), node("BatchNormalization", "x s s s s", "a",
			bound("momentum", 0.99)), head("a", free, 16)},
		"bytes": {port("input", "x", 2, 0, 1, 4, 4), port("output", "y", 1, 0, 3),
			node("Cast", "x", "a", number("to", 1)), head("a", free, 16)},
		"sure of a class": {images(0), node("Mul", "x big", "a", ""), weights("w", 16, 3),
			shape("row", free, 16), node("Reshape", "a row", "flat", ""), node("MatMul", "flat w", "z", ""),
			`initializer { name: "big" data_type: 1 float_data: 1e4 }`, node("Softmax", "z", "y", "")},
		"one value": {port("input", "x", 1, 0, 1, 4, 4), port("output", "y", 1, 0, 1),
			shape("row", free, 16), weights("w", 16, 1), node("Reshape", "x row", "flat", ""),
			node("MatMul", "flat w", "z", ""), node("Sigmoid", "z", "y", "")},
	} {
		t.Run(name, func(t *testing.T) {
			tolerance := 1e-4
			if name == "bytes" {
				tolerance = 1e-2 // logits are in hundreds
			}
			opset := 13
			if strings.Contains(name, "Clip") {
				opset = 9
			}
			agree(t, load(t, save(t, opset, graph...), onnx.Options{}), tolerance)
		})
	}
}

// What can't be run names the operation.
func TestNotConverted(t *testing.T) {
	leaky := save(t, 13, images(0), node("LeakyRelu", "x", "a", ""), head("a", free, 16))
	whole := save(t, 9, images(0), node("Softmax", "x", "a", ""), head("a", free, 16)) // of 16 values
	ceil := save(t, 13, images(0), node("MaxPool", "x", "a", attribute("kernel_shape", 2, 2)+
		attribute("strides", 2, 2)+number("ceil_mode", 1)), head("a", free, 4))
	const fixtures = "../testdata/"
	for _, c := range []struct {
		file    string
		options onnx.Options
		want    string
	}{
		{leaky, onnx.Options{}, "net.onnx: onnx-gomlx has no operator LeakyRelu"},
		{whole, onnx.Options{}, "differ from those of ONNX Runtime"},
		{ceil, onnx.Options{}, "onnx-gomlx has no ceil_mode of the operator MaxPool"},
		{fixtures + "vit.onnx", onnx.Options{OneByOne: true}, "run one by one"},
		{fixtures + "vit.onnx", onnx.Options{Denoiser: fixtures + "denoiser.onnx"}, "a denoiser"},
		{fixtures + "random.onnx", onnx.Options{Size: [3]int{4, 4, 1}, Random: true}, "by chance"},
	} {
		_, err := New(backend, load(t, c.file, c.options))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", filepath.Base(c.file), err, c.want)
		}
	}
}
