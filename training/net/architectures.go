package net

import "github.com/lipsmooth/lipsmooth/training/lip"

// Architectures make the layers of a classifier by name, for an input of this size. The layer that
// gives the logits isn't among them.
var Architectures = map[string]func(in lip.Size, s Setting) []lip.Layer{
	"conv":            conv,
	"residual":        residual,
	"dense":           dense,
	"lipnext":         lipNeXt,
	"prototypes":      prototypes,
	"residual-affine": affine,
	"sandwich":        sandwich,
}

// conv has two steps of space to depth with a convolution after each, then two dense layers. The
// sides of the image must be multiples of 4.
func conv(in lip.Size, s Setting) []lip.Layer {
	return s.between(s.convolution(2*s.Width), s.activation())
}

// residual is conv with a residual step in place of the second convolution.
func residual(in lip.Size, s Setting) []lip.Layer {
	return s.between(lip.Residual{Kind: s.Residual, Kernel: 3, Inner: 4 * s.Width,
		Padding: s.Padding})
}

// affine is conv with two affine residual blocks in place of the second convolution (Hu et al.
// 2023).
func affine(in lip.Size, s Setting) []lip.Layer {
	block := lip.Affine{Kernel: 3, Padding: s.Padding}
	return s.between(block, s.activation(), block, s.activation())
}

// sandwich is conv with sandwiches in place of the dense layers (Wang & Manchester 2023).
func sandwich(in lip.Size, s Setting) []lip.Layer {
	layers := conv(in, s)
	return append(layers[:len(layers)-4], lip.Sandwich{Units: 8 * s.Width},
		lip.Sandwich{Units: 8 * s.Width})
}

// lipNeXt has blocks of 1×1 convolutions around a shift, two behind each step of space to depth,
// then two dense layers (Hu et al. 2026). Its own activation is beta-abs.
func lipNeXt(in lip.Size, s Setting) (layers []lip.Layer) {
	mix := func(channels int) lip.Layer {
		return lip.Convolution{Kind: s.Convolution, Kernel: 1, Channels: channels}
	}
	for _, channels := range []int{s.Width, 2 * s.Width} {
		layers = append(layers, lip.Depth{By: 2})
		for range 2 {
			layers = append(layers, mix(channels), lip.SpatialShift{}, mix(channels), s.activation())
		}
	}
	return append(append(layers, lip.Flat{}), s.denses(2)...)
}

// prototypes has no layer before the logits, which come from so many prototypes of each class as
// the width says (lip.Prototypes).
func prototypes(lip.Size, Setting) []lip.Layer { return []lip.Layer{lip.Flat{}} }

// dense has three dense layers before the logits and no convolution.
func dense(in lip.Size, s Setting) []lip.Layer {
	return append([]lip.Layer{lip.Flat{}}, s.denses(3)...)
}

// between puts layers after a first convolution, with space to depth on both its sides, and before
// two dense layers.
func (s Setting) between(layers ...lip.Layer) []lip.Layer {
	all := append([]lip.Layer{lip.Depth{By: 2}, s.convolution(s.Width), s.activation(),
		lip.Depth{By: 2}}, layers...)
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

// centred has a lip.Centring before each activation, if the setting asks for it.
func (s Setting) centred(layers []lip.Layer) (all []lip.Layer) {
	for _, l := range layers {
		if _, ok := l.(lip.Activation); ok && s.Centring {
			all = append(all, lip.Centring{})
		}
		all = append(all, l)
	}
	return all
}
