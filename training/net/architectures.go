package net

import "github.com/lipsmooth/lipsmooth/training/lip"

// Architectures make the layers of a classifier, by name, the logits aside, of an input of this size.
var Architectures = map[string]func(in lip.Size, s Setting) []lip.Layer{
	"conv":            conv,
	"residual":        residual,
	"dense":           dense,
	"residual-affine": affine,
	"sandwich":        sandwich,
}

// conv: two steps of space to depth, a convolution after each, two dense layers. The sides of the
// image must be multiples of 4.
func conv(in lip.Size, s Setting) []lip.Layer {
	return s.between(s.convolution(2*s.Width), s.activation())
}

// residual: as conv, the second convolution a residual step.
func residual(in lip.Size, s Setting) []lip.Layer {
	return s.between(lip.Residual{Kind: s.Residual, Kernel: 3, Inner: 4 * s.Width, Padding: s.Padding})
}

// affine: as conv, the second convolution two affine residual blocks (Hu et al. 2023).
func affine(in lip.Size, s Setting) []lip.Layer {
	block := lip.Affine{Kernel: 3, Padding: s.Padding}
	return s.between(block, s.activation(), block, s.activation())
}

// sandwich: as conv, the dense layers sandwiches (Wang & Manchester 2023).
func sandwich(in lip.Size, s Setting) []lip.Layer {
	layers := conv(in, s)
	return append(layers[:len(layers)-4], lip.Sandwich{Units: 8 * s.Width}, lip.Sandwich{Units: 8 * s.Width})
}

// dense: three dense layers before the logits, no convolution.
func dense(in lip.Size, s Setting) []lip.Layer {
	return append([]lip.Layer{lip.Flat{}}, s.denses(3)...)
}

// between puts layers between a first convolution, with space to depth before and after it, and two dense layers.
func (s Setting) between(layers ...lip.Layer) []lip.Layer {
	all := append([]lip.Layer{lip.Depth{By: 2}, s.convolution(s.Width), s.activation(), lip.Depth{By: 2}}, layers...)
	return append(append(all, lip.Flat{}), s.denses(2)...)
}

func (s Setting) convolution(channels int) lip.Layer {
	return lip.Convolution{Kind: s.Convolution, Kernel: 3, Channels: channels, Padding: s.Padding}
}

func (s Setting) activation() lip.Layer { return lip.Activation{Kind: s.Activation} }

func (s Setting) denses(count int) (layers []lip.Layer) {
	for range count {
		layers = append(layers, lip.Dense{Kind: s.Dense, Units: 8 * s.Width}, s.activation())
	}
	return layers
}
