package xla

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	converted "github.com/gomlx/onnx-gomlx/onnx"
	"github.com/gomlx/onnx-gomlx/onnx/parser"
	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// convert reads a file, rewrites what onnx-gomlx would refuse for no need, and parses it.
func convert(path string) (g converted.Model, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if text, err = rewrite(text); err != nil {
		return nil, err
	}
	if g, err = parser.Parse(text); err == nil {
		g.WithBaseDir(filepath.Dir(path)).DisableFusion()
	}
	return g, err
}

// message is one of onnx.proto, which onnx-gomlx registers.
type message struct{ protoreflect.Message }

// field is that of a name.
func (m message) field(name string) protoreflect.FieldDescriptor {
	return m.Descriptor().Fields().ByName(protoreflect.Name(name))
}

// one is the message in a field.
func (m message) one(name string) message { return message{m.Mutable(m.field(name)).Message()} }

// text is the string in a field.
func (m message) text(name string) string { return m.Get(m.field(name)).String() }

// all are the messages of a repeated field.
func (m message) all(name string) (all []message) {
	list := m.Get(m.field(name)).List()
	for i := range list.Len() {
		all = append(all, message{list.Get(i).Message()})
	}
	return all
}

// rewrite opens the batch axis of a file, so that a run takes any number of images. It takes away
// what has no effect: a dropout at inference, and the attributes of [idle]. The bounds of a Clip
// before version 11, which onnx-gomlx passes over, become inputs.
func rewrite(text []byte) ([]byte, error) {
	kind, err := protoregistry.GlobalTypes.FindMessageByName("protos.ModelProto")
	if err != nil {
		return nil, err
	}
	file := message{kind.New()}
	if err := proto.Unmarshal(text, file.Interface()); err != nil {
		return nil, err
	}
	g := file.one("graph")
	var batch int64 // 0 where it is free
	for _, port := range slices.Concat(g.all("output"), g.all("input")) {
		dims := port.one("type").one("tensor_type").one("shape").all("dim")
		if len(dims) > 0 {
			batch = dims[0].Get(dims[0].field("dim_value")).Int()
			dims[0].Clear(dims[0].field("dim_value"))
		}
	}
	tensors := map[string]message{}
	for _, t := range g.all("initializer") {
		tensors[t.text("name")] = t
	}
	for _, n := range g.all("node") {
		inputs := n.Get(n.field("input")).List()
		switch n.text("op_type") {
		case "Constant":
			if a := n.attribute("value"); a.Message != nil {
				tensors[n.Get(n.field("output")).List().Get(0).String()] = a.one("t")
			}
		case "Reshape":
			if batch > 0 && inputs.Len() > 1 {
				if t := tensors[inputs.Get(1).String()]; t.Message != nil {
					t.copies(batch)
				}
			}
		case "Clip":
			n.bounds(g)
		case "Dropout":
			n.Set(n.field("op_type"), protoreflect.ValueOfString("Identity"))
			for _, name := range []string{"input", "output"} {
				n.Mutable(n.field(name)).List().Truncate(1)
			}
			n.Clear(n.field("attribute"))
		}
		list := n.Mutable(n.field("attribute")).List()
		kept := 0
		for i := range list.Len() {
			if !idle(n, message{list.Get(i).Message()}) {
				list.Set(kept, list.Get(i))
				kept++
			}
		}
		list.Truncate(kept)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(file.Interface())
}

// bounds makes weights of a graph from a Clip's attributes, and has the Clip take them.
func (m message) bounds(graph message) {
	for _, name := range []string{"min", "max"} {
		a := m.attribute(name)
		inputs := m.Mutable(m.field("input")).List()
		if inputs.Len() > 2 || a.Message == nil && (name == "max" || m.attribute("max").Message == nil) {
			continue
		}
		input := ""
		if a.Message != nil {
			w := message{graph.Mutable(graph.field("initializer")).List().AppendMutable().Message()}
			input = m.Get(m.field("output")).List().Get(0).String() + "/" + name
			w.Set(w.field("name"), protoreflect.ValueOfString(input))
			w.Set(w.field("data_type"), protoreflect.ValueOfInt32(1)) // float32
			w.Mutable(w.field("float_data")).List().Append(a.Get(a.field("f")))
		}
		inputs.Append(protoreflect.ValueOfString(input))
	}
}

// idle reports whether an attribute of a node has no effect at inference.
func idle(n, a message) bool {
	switch a.text("name") {
	case "momentum":
		return n.text("op_type") == "BatchNormalization"
	case "dilations":
		return a.each(1)
	case "count_include_pad":
		pads := n.attribute("pads")
		return pads.Message == nil || pads.each(0)
	case "auto_pad":
		return string(a.Get(a.field("s")).Bytes()) == "VALID"
	}
	return false
}

// attribute is that of a node, and empty where it has none of the name.
func (m message) attribute(name string) message {
	for _, a := range m.all("attribute") {
		if a.text("name") == name {
			return a
		}
	}
	return message{}
}

// each reports whether every number of an attribute is v.
func (m message) each(v int64) bool {
	list := m.Get(m.field("ints")).List()
	for i := range list.Len() {
		if list.Get(i).Int() != v {
			return false
		}
	}
	return true
}

// copies makes of the shape of a Reshape that begins with the batch one that copies the batch.
func (m message) copies(batch int64) {
	raw := slices.Clone(m.Get(m.field("raw_data")).Bytes())
	list := m.Mutable(m.field("int64_data")).List()
	switch {
	case len(raw) >= 8 && binary.LittleEndian.Uint64(raw) == uint64(batch):
		binary.LittleEndian.PutUint64(raw, 0)
		m.Set(m.field("raw_data"), protoreflect.ValueOfBytes(raw))
	case list.Len() > 0 && list.Get(0).Int() == batch:
		list.Set(0, protoreflect.ValueOfInt64(0))
	}
}

// protect turns a panic into an error.
func protect(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return f()
}

// unknown and partial are how onnx-gomlx says that it doesn't know an operator, or one of its
// attributes; steep is how GoMLX says that it doesn't know a gradient.
var (
	unknown = regexp.MustCompile(`unimplemented ONNX op "(\w+)"`)
	partial = regexp.MustCompile(`(\w+): support for attribute '(\w+)'`)
	steep   = regexp.MustCompile(`Node #\d+ (\w+).*for which no gradient`)
)

// explain names the operator that isn't converted, and cuts an error to one line.
func explain(err error) error {
	if f := unknown.FindStringSubmatch(err.Error()); f != nil {
		return fmt.Errorf("onnx-gomlx has no operator %s", f[1])
	}
	if f := partial.FindStringSubmatch(err.Error()); f != nil {
		return fmt.Errorf("onnx-gomlx has no %s of the operator %s", f[2], f[1])
	}
	if f := steep.FindStringSubmatch(err.Error()); f != nil {
		return fmt.Errorf("GoMLX has no gradient of %s", f[1])
	}
	return oneline.Error(err)
}
