package onnx

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
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
	var graph []byte
	for range levels {
		graph = wrapped(1, wrapped(5, wrapped(6, graph)))
	}
	return wrapped(7, graph)
}

func TestNestedGraphs(t *testing.T) {
	if _, err := parse(nested(2000)); err == nil {
		t.Error("2000 levels are read")
	}
}

// A batch norm in training mode answers an image by the others of its batch. It is refused in every
// opset, and wherever in a file it is.
func TestBatchNormInTraining(t *testing.T) {
	one, five := names("y"), names("y", "m", "v", "sm", "sv")
	norm := func(out []string, attributes ...[]byte) []byte {
		return operator("BatchNormalization", names("x", "s", "b", "m0", "v0"), out, attributes...)
	}
	training, test := attribute("training_mode", 1), attribute("is_test", 1)
	end := port(12, "y", onnxfile.Float32, -1, 10)
	inGraph := func(opset int64, node []byte) []byte { return modelOf(opset, [][]byte{node, end}) }
	branch := func(node []byte) []byte {
		graph := wrapped(5, text(1, "then_branch"), wrapped(6, node), number(20, 5))
		return operator("If", names("c"), one, graph)
	}
	function := func(opset int64, node []byte) []byte { // whose opset isn't the model's
		content, _ := protowire.ConsumeBytes(node[1:]) // field 1 of a graph, and 7 of a function
		of := wrapped(25, wrapped(7, content), wrapped(9, number(2, opset)))
		return modelOf(21, [][]byte{operator("Norm", names("x"), one), end}, of)
	}
	for name, c := range map[string]struct {
		file    []byte
		refused bool
	}{
		"opset 1":                 {inGraph(1, norm(one)), true},
		"opset 6":                 {inGraph(6, norm(five)), true},
		"opset 6, is_test 0":      {inGraph(6, norm(one, attribute("is_test", 0))), true},
		"opset 6, is_test":        {inGraph(6, norm(one, test)), false},
		"opset 7, one output":     {inGraph(7, norm(one)), false},
		"opset 7":                 {inGraph(7, norm(five)), true},
		"opset 9":                 {inGraph(9, norm(five)), true},
		"opset 9, no names":       {inGraph(9, norm(names("y", "", "", "", ""))), true},
		"opset 13, two outputs":   {inGraph(13, norm(names("y", "m"))), true},
		"opset 13, one output":    {inGraph(13, norm(one)), false},
		"opset 14":                {inGraph(14, norm(one, training)), true},
		"opset 15, three outputs": {inGraph(15, norm(names("y", "m", "v"), training)), true},
		"opset 15, mode 0":        {inGraph(15, norm(one, attribute("training_mode", 0))), false},
		"opset 21":                {inGraph(21, norm(one)), false},
		"in a branch":             {inGraph(9, branch(norm(five))), true},
		"in a branch of a branch": {inGraph(17, branch(branch(norm(one, training)))), true},
		"in a branch, one output": {inGraph(9, branch(norm(one))), false},
		"in a function":           {function(17, norm(one, training)), true},
		"in a function, opset 9":  {function(9, norm(five)), true},
		"in a function, mode 0":   {function(17, norm(one)), false},
		"in a function, by caller": {function(17, norm(one, wrapped(5, text(1, "training_mode"), text(21,
			"mode")))), true},
		"of another domain":    {inGraph(17, norm(one, training, text(7, "com.example"))), false},
		"of the domain's name": {inGraph(17, norm(one, training, text(7, "ai.onnx"))), true},
	} {
		_, err := parse(c.file)
		if (err == errBatchNorm) != c.refused || err != nil && !c.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A dropout in training mode answers by chance, by an attribute before opset 7 and by its third
// input from opset 12 on.
func TestDropoutInTraining(t *testing.T) {
	end := port(12, "y", onnxfile.Float32, -1, 10)
	dropout := func(in ...string) []byte { return operator("Dropout", in, names("y")) }
	mode := func(v byte) []byte { return rawWeights("mode", onnxfile.Bool, []byte{v}) }
	constant := func(v byte) []byte {
		value := append(number(2, int64(onnxfile.Bool)), number(5, int64(v))...)
		return operator("Constant", nil, names("mode"), wrapped(5, text(1, "value"), wrapped(5, value),
			number(20, 4)))
	}
	for name, c := range map[string]struct {
		opset  int64
		graph  [][]byte
		chance bool
	}{
		"opset 6":           {6, [][]byte{dropout("x")}, true},
		"opset 7":           {7, [][]byte{dropout("x")}, false},
		"opset 12":          {12, [][]byte{dropout("x")}, false},
		"no mode":           {13, [][]byte{dropout("x", "ratio", "")}, false},
		"mode":              {13, [][]byte{mode(1), dropout("x", "ratio", "mode")}, true},
		"mode off":          {13, [][]byte{mode(0), dropout("x", "ratio", "mode")}, false},
		"constant mode":     {13, [][]byte{constant(1), dropout("x", "", "mode")}, true},
		"constant mode off": {13, [][]byte{constant(0), dropout("x", "", "mode")}, false},
		"unknown mode":      {13, [][]byte{dropout("x", "", "mode")}, true},
	} {
		f, err := parse(modelOf(c.opset, append(c.graph, end)))
		if err != nil || (f.chance() == "Dropout") != c.chance {
			t.Errorf("%s: %v, %q", name, err, f.chance())
		}
		s := source{file: f}
		if err := s.findBatch(1, [2]int{}, Options{}); (err != nil) != c.chance {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.findBatch(1, [2]int{}, Options{Random: true}); err != nil {
			t.Errorf("%s: %v", name, err)
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
		"raw": {append(wrapped(9, f32(1, nan)), number(2, 1)...), true},
		// the type may come last
		"raw, none":    {append(number(2, 1), wrapped(9, f32(1, inf, -0))...), false},
		"raw integers": {append(number(2, 6), wrapped(9, f32(nan))...), false},
		"packed":       {append(number(2, 1), wrapped(4, f32(1, nan))...), true},
		"one by one": {append(number(2, 1), append(protowire.AppendTag(nil, 4,
			protowire.Fixed32Type), f32(nan)...)...), true},
		"double": {append(number(2, 11), wrapped(10, protowire.AppendFixed64(nil,
			math.Float64bits(math.NaN())))...), true},
		"half": {append(number(2, 10), wrapped(5, protowire.AppendVarint(nil, 0x7e00))...),
			true},
		"half, one by one": {append(number(2, 10), number(5, 0xfc01)...), true},
		"half, infinite":   {append(number(2, 10), number(5, 0xfc00)...), false},
		"raw half":         {append(number(2, 10), wrapped(9, []byte{1, 0, 1, 0x7c})...), true},
		"raw bfloat16":     {append(number(2, 16), wrapped(9, []byte{0xc0, 0x7f})...), true},
		"bfloat16":         {append(number(2, 16), wrapped(9, []byte{0x80, 0x7f})...), false},
	} {
		f := &file{}
		if f.tensor(decode(c.tensor)); (f.nan != "") != c.want {
			t.Errorf("%s: NaN in %q, want %v", name, f.nan, c.want)
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
		{image(1, -1, -1, 1), 3, "", ""},
		{image(1, -1, -1, 1), 3, NCHW, NCHW},
	} {
		if got, err := findLayout(c.input, c.channels, c.asked); got != c.want ||
			(err == nil) != (c.want != "") {
			t.Errorf("%v of %d channels, asked for %q: %q, %v, want %q", c.input, c.channels, c.asked, got,
				err, c.want)
		}
	}
}
