package onnx

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// Every cut of a file is refused or read, whatever it then says, and nothing panics.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.onnx")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/3])
	}
	f.Add(nested(100))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			return
		}
		for _, o := range m.outputs {
			m.last(o.name)
			_ = o.String()
		}
		for _, v := range m.inputs {
			for c := range 4 {
				findLayout(v, c, "")
			}
		}
	})
}

// nested is a model of a graph in an attribute of a node of a graph, and so on.
func nested(levels int) []byte {
	wrap := func(number protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
	}
	var graph []byte
	for range levels {
		graph = wrap(1, wrap(5, wrap(6, graph)))
	}
	return wrap(7, graph)
}

func TestNestedGraphs(t *testing.T) {
	if _, err := parse(nested(2000)); err == nil {
		t.Error("2000 levels are read")
	}
}

// TestBatchNormInTraining: it answers an image by the others of its batch, wherever in a file it is.
func TestBatchNormInTraining(t *testing.T) {
	wrap := func(number protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
	}
	for mode, refused := range map[uint64]bool{0: false, 1: true} {
		attribute := protowire.AppendVarint(protowire.AppendTag(wrap(1, []byte("training_mode")), 3, protowire.VarintType), mode)
		node := append(wrap(4, []byte("BatchNormalization")), wrap(5, attribute)...)
		_, err := parse(wrap(7, append(wrap(1, node), wrap(12, wrap(1, []byte("z")))...)))
		if (err != nil && strings.Contains(err.Error(), "training mode")) != refused {
			t.Errorf("training_mode %d: %v", mode, err)
		}
	}
}

// A file that ends anywhere but at the end of a field of the model is refused.
func TestTruncated(t *testing.T) {
	b, err := os.ReadFile("testdata/softmax.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(b) {
		m, err := parse(b[:n])
		if err == nil && len(m.outputs) != 2 {
			t.Fatalf("%d of %d bytes: %d outputs", n, len(b), len(m.outputs))
		}
	}
}

func TestLast(t *testing.T) {
	f := &file{nodes: []node{
		{op: "Softmax", inputs: []string{"a"}, outputs: []string{"b"}},
		{op: "Cast", inputs: []string{"b"}, outputs: []string{"c"}},
		{op: "Identity", inputs: []string{"d"}, outputs: []string{"d"}}, // a loop
	}}
	for output, want := range map[string]string{"b": "Softmax", "c": "Softmax", "d": "", "e": ""} {
		if got := f.last(output).op; got != want {
			t.Errorf("%s: %q, want %q", output, got, want)
		}
	}
}

// Floats stored in each of the ways of onnx.proto.
func TestNaN(t *testing.T) {
	type tag = protowire.Number
	number := func(n tag, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
	}
	bytes := func(n tag, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), v)
	}
	f32 := func(v ...float32) (b []byte) {
		for _, x := range v {
			b = protowire.AppendFixed32(b, math.Float32bits(x))
		}
		return b
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for name, c := range map[string]struct {
		tensor []byte
		want   bool
	}{
		"raw":              {append(bytes(9, f32(1, nan)), number(2, 1)...), true}, // the type may come last
		"raw, none":        {append(number(2, 1), bytes(9, f32(1, inf, -0))...), false},
		"raw integers":     {append(number(2, 6), bytes(9, f32(nan))...), false},
		"packed":           {append(number(2, 1), bytes(4, f32(1, nan))...), true},
		"one by one":       {append(number(2, 1), append(protowire.AppendTag(nil, 4, protowire.Fixed32Type), f32(nan)...)...), true},
		"double":           {append(number(2, 11), bytes(10, protowire.AppendFixed64(nil, math.Float64bits(math.NaN())))...), true},
		"half":             {append(number(2, 10), bytes(5, protowire.AppendVarint(nil, 0x7e00))...), true},
		"half, one by one": {append(number(2, 10), number(5, 0xfc01)...), true},
		"half, infinite":   {append(number(2, 10), number(5, 0xfc00)...), false},
		"raw half":         {append(number(2, 10), bytes(9, []byte{1, 0, 1, 0x7c})...), true},
		"raw bfloat16":     {append(number(2, 16), bytes(9, []byte{0xc0, 0x7f})...), true},
		"bfloat16":         {append(number(2, 16), bytes(9, []byte{0x80, 0x7f})...), false},
	} {
		f := &file{}
		if _, err := f.tensor(c.tensor); err != nil || (f.nan != "") != c.want {
			t.Errorf("%s: %v, NaN in %q, want %v", name, err, f.nan, c.want)
		}
	}
}

func TestFindLayout(t *testing.T) {
	image := func(dims ...int64) (v value) {
		for _, d := range dims {
			v.dims = append(v.dims, dim{size: d})
		}
		return v
	}
	for _, c := range []struct {
		input    value
		channels int
		asked    Layout
		want     Layout // "": an error
	}{
		{image(-1, 3, 32, 32), 3, "", NCHW},
		{image(-1, 32, 32, 3), 3, "", NHWC},
		{image(1, 3, -1, -1), 3, "", NCHW},
		{image(1, -1, -1, 3), 3, "", NHWC},
		{image(1, -1, 32, 32), 3, "", NCHW},
		{image(1, 3, 32, 3), 3, "", ""},
		{image(1, 3, 32, 3), 3, NHWC, NHWC},
		{image(1, -1, -1, -1), 3, "", ""},
		{image(1, -1, -1, -1), 3, NCHW, NCHW},
		{image(1, 1, 28, 28), 3, "", ""},
		{image(1, 1, 28, 28), 0, "", NCHW},
		{image(1, 28, 28, 1), 0, "", NHWC},
		{image(1, 4, 28, 28), 0, "", ""},
		{image(1, 784), 1, "", ""},
	} {
		if got, err := findLayout(c.input, c.channels, c.asked); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%v of %d channels, asked for %q: %q, %v, want %q", c.input, c.channels, c.asked, got, err, c.want)
		}
	}
}
