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
	"conv":            conv,
	"residual":        residual,
	"dense":           dense,
	"residual-affine": affine,
	"sandwich":        sandwich,
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
	n, err := Of(in, append(build(in, convolution, width), lip.Dense{Units: classes})...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", architecture, err)
	}
	return n, nil
}

// Of is a network of these layers; the error names the layer that doesn't fit and why.
func Of(in lip.Size, layers ...lip.Layer) (*Network, error) {
	if len(layers) == 0 {
		return nil, fmt.Errorf("a network needs at least one layer")
	}
	n := &Network{In: in, Layers: layers}
	size := in
	for i, l := range layers {
		n.sizes = append(n.sizes, size)
		out, err := l.Out(size)
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		size = out
	}
	if _, ok := layers[len(layers)-1].(lip.Dense); !ok {
		return nil, fmt.Errorf("the last layer gives the logits: it must be dense, not %v", layers[len(layers)-1])
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
// constant (l2) of every difference of two logits, linear layers that follow each other taken as one.
func (n *Network) Bounds(weights [][]*tensors.Tensor) ([]LayerBound, lip.Bound) {
	p := n.Prove(weights)
	bounds := make([]LayerBound, len(n.Layers))
	for i, l := range n.Layers {
		bounds[i] = LayerBound{l.String(), p.Layers[i]}
	}
	return bounds, p.Composed
}

// Prove is Bounds with the product of all layers' bounds beside it.
func (n *Network) Prove(weights [][]*tensors.Tensor) lip.Proof {
	return lip.Prove(n.Layers, weights, n.sizes)
}

// Sizes returns the input size of each layer.
func (n *Network) Sizes() []lip.Size { return n.sizes }
