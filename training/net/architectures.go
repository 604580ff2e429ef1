package net

import "github.com/lipsmooth/lipsmooth/training/lip"

// conv: two steps of space to depth, a convolution after each, two dense layers. The sides of the
// image must be multiples of 4.
func conv(in lip.Size, convolution string, width int) []lip.Layer {
	return []lip.Layer{
		lip.Depth{By: 2},
		lip.Convolution{Kind: convolution, Kernel: 3, Channels: width}, lip.Activation{},
		lip.Depth{By: 2},
		lip.Convolution{Kind: convolution, Kernel: 3, Channels: 2 * width}, lip.Activation{},
		lip.Flat{},
		lip.Dense{Units: 8 * width}, lip.Activation{},
		lip.Dense{Units: 8 * width}, lip.Activation{},
	}
}

// residual: as conv, the second convolution an SLL residual step.
func residual(in lip.Size, convolution string, width int) []lip.Layer {
	return []lip.Layer{
		lip.Depth{By: 2},
		lip.Convolution{Kind: convolution, Kernel: 3, Channels: width}, lip.Activation{},
		lip.Depth{By: 2},
		lip.Residual{Kernel: 3, Inner: 4 * width},
		lip.Flat{},
		lip.Dense{Units: 8 * width}, lip.Activation{},
		lip.Dense{Units: 8 * width}, lip.Activation{},
	}
}

// dense: three dense layers before the logits, no convolution.
func dense(in lip.Size, _ string, width int) []lip.Layer {
	layers := []lip.Layer{lip.Flat{}}
	for range 3 {
		layers = append(layers, lip.Dense{Units: 8 * width}, lip.Activation{})
	}
	return layers
}

// affine: as conv, the second convolution two affine residual blocks (Hu et al. 2023).
func affine(in lip.Size, convolution string, width int) []lip.Layer {
	return []lip.Layer{
		lip.Depth{By: 2},
		lip.Convolution{Kind: convolution, Kernel: 3, Channels: width}, lip.Activation{},
		lip.Depth{By: 2},
		lip.Affine{Kernel: 3}, lip.Activation{},
		lip.Affine{Kernel: 3}, lip.Activation{},
		lip.Flat{},
		lip.Dense{Units: 8 * width}, lip.Activation{},
		lip.Dense{Units: 8 * width}, lip.Activation{},
	}
}

// sandwich: as conv, the dense layers sandwiches (Wang & Manchester 2023).
func sandwich(in lip.Size, convolution string, width int) []lip.Layer {
	layers := conv(in, convolution, width)
	return append(layers[:len(layers)-4], lip.Sandwich{Units: 8 * width}, lip.Sandwich{Units: 8 * width})
}
