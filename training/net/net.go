// Package net composes layers into classifiers: 1-Lipschitz layers, or plain ones without a bound.
package net

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/plain"
)

// Setting says what network to build. Empty names have defaults: the dense and the last layer are
// bjorck, the residual step is sll, the activation maxmin, the padding circular.
type Setting struct {
	Architecture string // of Names; a plain one takes none of the other fields
	Convolution  string // of lip.Convolutions
	// Width is the channels of the first convolution, an eighth of a dense layer's units, or the
	// prototypes of a class.
	Width      int
	Dense      string // of lip.Denses
	Residual   string // of lip.Residuals
	Activation string // of lip.Activations
	Padding    string // lip.Circular or lip.Zero
	Last       string // of lip.Denses: the layer that gives the logits
	Centring   bool   // puts lip.Centring before each activation
}

// Sizes are widths by name.
var Sizes = map[string]int{"xs": 8, "s": 16, "m": 32}

// check returns an error for the first field whose name isn't known, even where the architecture
// has no such layer.
func (s Setting) check() error {
	for _, f := range []struct {
		what, name string
		known      []string
	}{
		{"architecture", s.Architecture, Names()},
		{"convolution", s.Convolution, lip.Convolutions()},
		{"dense layer", cmp.Or(s.Dense, "bjorck"), lip.Denses()},
		{"residual step", cmp.Or(s.Residual, "sll"), lip.Residuals()},
		{"activation", cmp.Or(s.Activation, "maxmin"), lip.Activations()},
		{"padding", cmp.Or(s.Padding, lip.Circular), []string{lip.Circular, lip.Zero}},
		{"last layer", cmp.Or(s.Last, "bjorck"), lip.Denses()},
	} {
		if !slices.Contains(f.known, f.name) {
			return named.Unknown(f.what, f.name, f.known)
		}
	}
	return nil
}

// Network is a classifier: layers, and last a lip.Dense or lip.Prototypes that gives the logits.
type Network struct {
	In     lip.Size // [h, w, c]
	Layers []lip.Layer
	sizes  []lip.Size // input of each layer
}

// New builds a network. Its error names the layer that doesn't fit and says why.
func New(in lip.Size, classes int, s Setting) (*Network, error) {
	if layers, ok := plain.Architectures[s.Architecture]; ok {
		return newPlain(in, classes, s.Architecture, layers())
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	if s.Width < 2 || classes < 2 {
		return nil, fmt.Errorf("a network needs width and classes of at least 2, not %d and %d",
			s.Width, classes)
	}
	build := func(architecture string) (*Network, error) {
		layers := s.centred(Architectures[architecture](in, s))
		if architecture == "prototypes" {
			return Of(in, append(layers, lip.Prototypes{Classes: classes, Each: s.Width})...)
		}
		return Of(in, append(layers, lip.Dense{Kind: s.Last, Units: classes})...)
	}
	n, err := build(s.Architecture)
	if err == nil {
		return n, nil
	}
	var others []string
	for _, name := range slices.Sorted(maps.Keys(Architectures)) {
		if _, err := build(name); err == nil {
			others = append(others, name)
		}
	}
	if others == nil {
		return nil, fmt.Errorf("%s: %w", s.Architecture, err)
	}
	return nil, fmt.Errorf("%s: %w; architectures that can: %s", s.Architecture, err,
		strings.Join(others, ", "))
}

// Of is a network of these layers. Its error names the layer that doesn't fit and says why.
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
	if !lip.IsHead(layers[len(layers)-1]) {
		return nil, fmt.Errorf("the last layer gives the logits: it must be dense or of prototypes, "+
			"not %v", layers[len(layers)-1])
	}
	return n, nil
}

// LayerScope names the scope of a layer's variables, by the number of the layer.
const LayerScope = "layer_%02d"

// Effective returns the effective weights of every layer from the variables under scope. It makes
// the variables that scope lacks.
func (n *Network) Effective(scope *model.Scope, g *Graph) [][]*Node {
	w := make([][]*Node, len(n.Layers))
	for i, l := range n.Layers {
		w[i] = l.Weights(scope.In(LayerScope, i), g, n.sizes[i])
	}
	return w
}

// Logits maps images, [batch, h, w, c] in [0, 1], to [batch, classes] with effective weights. It
// subtracts 1/2 from the images first.
func (n *Network) Logits(images *Node, weights [][]*Node) *Node {
	x := AddScalar(images, -0.5)
	for i, l := range n.Layers {
		x = l.Apply(x, weights[i])
	}
	return x
}

// Train is Logits while training, with the weights that Effective took from the same scope.
func (n *Network) Train(scope *model.Scope, images *Node, weights [][]*Node) *Node {
	x := AddScalar(images, -0.5)
	for i, l := range n.Layers {
		x = lip.Train(l, scope.Shared(LayerScope, i), x, weights[i])
	}
	return x
}

// LayerBound is the proof of one layer.
type LayerBound struct {
	Layer string    `json:"layer"`
	Bound lip.Bound `json:"bound,omitzero"` // zero in a plain network
}

// Bounds proves every layer from effective weights. Its second result is Λ, a bound on the
// Lipschitz constant (l2) of every difference of two logits. Λ takes consecutive linear layers as
// one map.
func (n *Network) Bounds(weights [][]*tensors.Tensor) ([]LayerBound, lip.Bound) {
	p := n.Prove(weights)
	bounds := make([]LayerBound, len(n.Layers))
	for i, l := range n.Layers {
		bounds[i] = LayerBound{l.String(), p.Layers[i]}
	}
	return bounds, p.Composed
}

// Prove is Bounds, with the product of all layers' bounds too. Of a plain network it proves
// nothing.
func (n *Network) Prove(weights [][]*tensors.Tensor) lip.Proof {
	if n.Plain() {
		return lip.Proof{Layers: make([]lip.Bound, len(n.Layers))}
	}
	return n.chain(weights).Prove()
}

func (n *Network) chain(weights [][]*tensors.Tensor) lip.Chain {
	return lip.Chain{Layers: n.Layers, Weights: weights, Sizes: n.sizes}
}

// Sizes returns the input size of each layer.
func (n *Network) Sizes() []lip.Size { return n.sizes }
