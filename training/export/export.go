// Package export writes trained classifiers as ONNX files for other tools, and runs them in ONNX
// Runtime. A file maps "images", [N, c, h, w] in [0, 1], to "logits", [N, classes], in float32 with
// any batch size N.
//
// A file has the effective weights, as they are saved, sampled and proved. In real arithmetic the
// file computes the same function, so the proof holds for the file. In float32 other tools sum in
// other orders, and the proof of rounding is for our own graphs alone.
//
// Channels come first, as is usual in ONNX. In package lip they come last. A layer is a few
// operators whose names begin with the layer's number, as in "layer_03/Conv".
//
// GoMLX's ONNX backend also writes files, with one batch size and with numbers for names. Those
// files need a special runtime.
package export

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// Versions of the operators and of the format. Circular padding is new in this version of the
// operators.
const (
	Opset     = 19
	irVersion = 9
)

// Input and Output are the names of a file's one input and output.
const (
	Input  = "images"
	Output = "logits"
)

// Property is an entry of a file's metadata.
type Property struct{ Key, Value string }

// File is an ONNX file to be written.
type File struct {
	message
	Operators int
}

// Size is the number of bytes.
func (f *File) Size() int { return f.size }

// Model is a file of m. Its metadata name the model, its proof, if there is one, and its training
// data.
func Model(m *training.Model) (*File, error) {
	weights, err := m.Effective()
	if err != nil {
		return nil, err
	}
	names, err := json.Marshal(m.ClassNames)
	if err != nil {
		return nil, err
	}
	number := func(x float64) string {
		return strconv.FormatFloat(x, 'g', -1, 64)
	} // the number itself
	about := []Property{{"model_hash", m.Hash}, {"architecture", m.Config.Architecture}}
	if m.Unproved() == nil {
		about = append(about, Property{"lipschitz", number(m.Lambda.Value())},
			Property{"lipschitz_claim",
				"proved Lipschitz constant, of real arithmetic, of every difference of two logits, " +
					"l2, images in [0, 1]: " + m.Lambda.Proof()})
	}
	return Network(m.Network, weights, append(about,
		Property{"dataset", m.Dataset},
		Property{"dataset_hash", m.DataHash},
		Property{"class_names", string(names)},
		Property{"training_sigma", number(m.Config.Sigma)},
	)...)
}

// Network is a file of n with effective weights. It returns an error where this package doesn't
// know a layer in ONNX, or where the file would exceed 2 GB.
func Network(n *net.Network, weights [][]*tensors.Tensor, about ...Property) (*File, error) {
	if len(n.In) != 3 {
		return nil, fmt.Errorf("export: a network of images [h, w, c] is wanted, not of %v", n.In)
	}
	g := &graph{layer: "centre", doc: "images centred: less 1/2", taken: map[string]bool{}}
	x := g.op("Sub", []string{Input, g.number("half", 0.5)})
	for i, l := range n.Layers {
		g.layer, g.doc = fmt.Sprintf("layer_%02d", i), l.String()
		var w [][]float32
		for _, t := range weights[i] {
			values, err := tensors.CopyFlatData[float32](t)
			if err != nil {
				return nil, fmt.Errorf("export: layer %d, %v: %w", i, l, err)
			}
			w = append(w, values)
		}
		var err error
		if x, err = g.apply(l, x, w, n.Sizes()[i]); err != nil {
			return nil, fmt.Errorf("export: layer %d, %v: %w", i, l, err)
		}
		if i+1 < len(n.Layers) {
			g.shapes = append(g.shapes, value(x, n.Sizes()[i+1]))
		}
	}
	last := len(n.Layers) - 1
	logits, err := n.Layers[last].Out(n.Sizes()[last])
	if err != nil {
		return nil, err
	}
	g.nodes[len(g.nodes)-1].outputs[0] = Output
	f := &File{message: model(g.message("classifier", value(Input, n.In), value(Output, logits)),
		about), Operators: len(g.nodes)}
	return f, fits(f.size)
}

// fits says why a file has too many bytes, or nil.
func fits(size int) error {
	if size > math.MaxInt32 {
		return fmt.Errorf(
			"export: the file would have %d bytes; protobuf, and so ONNX in one file, ends at 2 GB",
			size)
	}
	return nil
}

// model is the ModelProto of a graph.
func model(graph message, about []Property) message {
	var m, operators message
	m.integer(1, irVersion)
	m.text(2, "lipsmooth")
	m.message(7, graph)
	operators.text(1, "")
	operators.integer(2, Opset)
	m.message(8, operators)
	for _, p := range about {
		var entry message
		entry.text(1, p.Key)
		entry.text(2, p.Value)
		m.message(14, entry)
	}
	return m
}
