// Package net composes 1-Lipschitz layers into classifiers.
package net

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// Architectures make the layers of a classifier, by name, the logits aside: from the size of
// the input, a kind of convolution and a width.
var Architectures = map[string]func(in lip.Size, convolution string, width int) []lip.Layer{
	"conv":     conv,
	"residual": residual,
	"dense":    dense,
}

// Network is a classifier: layers, and last a lip.Dense that gives the logits.
type Network struct {
	In     lip.Size // [h, w, c]
	Layers []lip.Layer
	sizes  []lip.Size // input of each layer
}

// New builds the named architecture; the error names the layer that doesn't fit and why.
func New(architecture string, in lip.Size, convolution string, width, classes int) (*Network, error) {
	build := Architectures[architecture]
	if build == nil {
		known := slices.Sorted(maps.Keys(Architectures))
		return nil, fmt.Errorf("no architecture %q; known: %s", architecture, strings.Join(known, ", "))
	}
	if known := lip.Convolutions(); !slices.Contains(known, convolution) { // even where the architecture has none
		return nil, fmt.Errorf("no convolution %q; known: %s", convolution, strings.Join(known, ", "))
	}
	if width < 2 || classes < 2 {
		return nil, fmt.Errorf("a network needs width and classes of at least 2, not %d and %d", width, classes)
	}
	n := &Network{In: in, Layers: append(build(in, convolution, width), lip.Dense{Units: classes})}
	size := in
	for i, l := range n.Layers {
		n.sizes = append(n.sizes, size)
		out, err := l.Out(size)
		if err != nil {
			return nil, fmt.Errorf("layer %d of %s: %w", i, architecture, err)
		}
		size = out
	}
	return n, nil
}

// Effective returns the effective weights of every layer from the variables under scope, which it makes if need be.
func (n *Network) Effective(scope *model.Scope, g *Graph) [][]*Node {
	w := make([][]*Node, len(n.Layers))
	for i, l := range n.Layers {
		w[i] = l.Weights(scope.In("layer_%02d", i), g, n.sizes[i])
	}
	return w
}

// Logits maps images, [batch, h, w, c] in [0, 1], to [batch, classes] with effective weights. Images are
// centred first.
func (n *Network) Logits(images *Node, weights [][]*Node) *Node {
	x := AddScalar(images, -0.5)
	for i, l := range n.Layers {
		x = l.Apply(x, weights[i])
	}
	return x
}

// LayerBound is the proof of one layer.
type LayerBound struct {
	Layer string    `json:"layer"`
	Bound lip.Bound `json:"bound"`
}

// Bounds proves every layer from effective weights and returns Λ last: a bound on the Lipschitz
// constant (l2) of every difference of two logits, the product of all layers but the last times
// the largest distance of two columns, [in, classes], of that one.
func (n *Network) Bounds(weights [][]*tensors.Tensor) ([]LayerBound, lip.Bound) {
	bounds := make([]LayerBound, len(n.Layers))
	lambda := lip.Isometry()
	last := len(n.Layers) - 1
	for i, l := range n.Layers {
		bounds[i] = LayerBound{l.String(), l.Bound(weights[i], n.sizes[i])}
		if i < last {
			lambda = lambda.Times(bounds[i].Bound)
		}
	}
	w := weights[last][0]
	d := w.Shape().Dimensions
	return bounds, lambda.Times(lip.LogitGap(tensors.MustCopyFlatData[float32](w), d[0], d[1]))
}

// Sizes returns the input size of each layer.
func (n *Network) Sizes() []lip.Size { return n.sizes }
