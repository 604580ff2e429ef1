package net

import "github.com/lipsmooth/lipsmooth/training/lip"

// conv: two steps of space to depth, a convolution before and after the second, two dense
// layers. Padding to a size that halves twice isn't needed for 28×28 and 32×32.
func conv(in lip.Size, convolution string, width int) []lip.Layer {
	return []lip.Layer{
		lip.Depth{By: 2},
		lip.Convolution{Kind: convolution, Kernel: 3, Channels: width}, lip.Pairs{},
		lip.Depth{By: 2},
		lip.Convolution{Kind: convolution, Kernel: 3, Channels: 2 * width}, lip.Pairs{},
		lip.Flat{},
		lip.Dense{Units: 8 * width}, lip.Pairs{},
		lip.Dense{Units: 8 * width}, lip.Pairs{},
	}
}

// residual: as conv, the second convolution an SLL residual step.
func residual(in lip.Size, convolution string, width int) []lip.Layer {
	return []lip.Layer{
		lip.Depth{By: 2},
		lip.Convolution{Kind: convolution, Kernel: 3, Channels: width}, lip.Pairs{},
		lip.Depth{By: 2},
		lip.Residual{Kernel: 3, Inner: 4 * width},
		lip.Flat{},
		lip.Dense{Units: 8 * width}, lip.Pairs{},
		lip.Dense{Units: 8 * width}, lip.Pairs{},
	}
}

// dense: four dense layers.
func dense(in lip.Size, _ string, width int) []lip.Layer {
	layers := []lip.Layer{lip.Flat{}}
	for range 3 {
		layers = append(layers, lip.Dense{Units: 8 * width}, lip.Pairs{})
	}
	return layers
}
