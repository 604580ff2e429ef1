package xla

import (
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
	err = protect(func() error {
		if g, err = parser.Parse(text); err == nil {
			g.WithBaseDir(filepath.Dir(path)).DisableFusion()
		}
		return err
	})
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

// rewrite opens the batch axis of a file's input, so that a run takes any number of images, and
// takes away what has no effect: a dropout at inference, the momentum of a batch norm, dilations
// of 1.
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
	for _, port := range slices.Concat(g.all("input"), g.all("output")) {
		dims := port.one("type").one("tensor_type").one("shape").all("dim")
		if len(dims) > 0 {
			dims[0].Clear(dims[0].field("dim_value"))
		}
	}
	for _, n := range g.all("node") {
		switch n.text("op_type") {
		case "Dropout":
			n.Set(n.field("op_type"), protoreflect.ValueOfString("Identity"))
			for _, name := range []string{"input", "output"} {
				n.Mutable(n.field(name)).List().Truncate(1)
			}
			n.Clear(n.field("attribute"))
		case "BatchNormalization":
			n.drop("momentum", func(message) bool { return true })
		case "MaxPool", "AveragePool":
			n.drop("dilations", func(a message) bool {
				list := a.Get(a.field("ints")).List()
				for i := range list.Len() {
					if list.Get(i).Int() != 1 {
						return false
					}
				}
				return true
			})
		}
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(file.Interface())
}

// drop takes an attribute away from a node, where it has no effect.
func (m message) drop(name string, idle func(attribute message) bool) {
	list := m.Mutable(m.field("attribute")).List()
	kept := 0
	for i := range list.Len() {
		a := message{list.Get(i).Message()}
		if a.text("name") != name || !idle(a) {
			list.Set(kept, list.Get(i))
			kept++
		}
	}
	list.Truncate(kept)
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
// attributes.
var (
	unknown = regexp.MustCompile(`unimplemented ONNX op "(\w+)"`)
	partial = regexp.MustCompile(`(\w+): support for attribute '(\w+)'`)
)

// explain names the operator that isn't converted, and cuts an error to one line.
func explain(err error) error {
	if f := unknown.FindStringSubmatch(err.Error()); f != nil {
		return fmt.Errorf("onnx-gomlx has no operator %s", f[1])
	}
	if f := partial.FindStringSubmatch(err.Error()); f != nil {
		return fmt.Errorf("onnx-gomlx has no %s of the operator %s", f[2], f[1])
	}
	return oneline.Error(err)
}
