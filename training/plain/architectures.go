package plain

import "github.com/lipsmooth/lipsmooth/training/lip"

// Architectures make the layers of a classifier by name. The layer that gives the logits isn't
// among them.
var Architectures = map[string]func() []lip.Layer{
	"lenet":    leNet,
	"resnet20": func() []lip.Layer { return resNet(3) },
}

var activation = lip.Activation{Kind: "relu"}

// leNet is the LeNet of smoothing papers on MNIST (Jeong & Shin 2020): 20 and 50 channels behind
// 5×5 kernels, each with a max pool, then 500 units.
func leNet() []lip.Layer {
	return []lip.Layer{
		Convolution{Kernel: 5, Channels: 20, Inside: true}, MaximumPool{By: 2}, activation,
		Convolution{Kernel: 5, Channels: 50, Inside: true}, MaximumPool{By: 2}, activation,
		lip.Flat{}, lip.Dense{Kind: "free", Units: 500}, activation,
	}
}

// resNet is the ResNet for CIFAR-10 (He et al. 2016) of 6·blocks+2 layers: three stages of this
// many blocks, with 16, 32 and 64 channels.
func resNet(blocks int) []lip.Layer {
	layers := []lip.Layer{Convolution{Kernel: 3, Channels: 16, Norm: true}, activation}
	for stage, channels := range []int{16, 32, 64} {
		for i := range blocks {
			b := Block{Channels: channels, Stride: 1}
			if stage > 0 && i == 0 {
				b.Stride = 2
			}
			layers = append(layers, b)
		}
	}
	return append(layers, GlobalMean{})
}
