package export

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/plain"
)

// plain adds a layer of which nothing is proved.
func (g *graph) plain(l plain.Layer, x string, w [][]float32, in lip.Size) (string, error) {
	switch l := l.(type) {
	case plain.Convolution:
		return g.plainConvolution(l, x, w, in[2]), nil
	case plain.MaximumPool:
		side := []int{l.By, l.By}
		return g.op("MaxPool", []string{x}, attribute{"kernel_shape", side},
			attribute{"strides", side}), nil
	case plain.GlobalMean:
		return g.op("Flatten", []string{g.op("GlobalAveragePool", []string{x})},
			attribute{"axis", 1}), nil
	case plain.Block:
		parts := l.Parts(in)
		y := g.op("Relu", []string{g.plainConvolution(parts[0], x, w, in[2])})
		y = g.plainConvolution(parts[1], y, w[2:], l.Channels)
		if len(parts) == 3 {
			x = g.plainConvolution(parts[2], x, w[4:], in[2])
		}
		return g.op("Relu", []string{g.op("Add", []string{x, y})}), nil
	}
	return "", fmt.Errorf("a %T has no form in ONNX here", l)
}

// plainConvolution takes this many channels. Batch normalisation is in its weights.
func (g *graph) plainConvolution(c plain.Convolution, x string, w [][]float32,
	channels int) string {
	k := g.kernel("kernel", square(c.Kernel, channels, c.Channels, w[0]))
	t := centred(c.Kernel, max(c.Stride, 1), lip.Zero)
	if c.Inside {
		t.before, t.after = [2]int{}, [2]int{}
	}
	return g.conv(x, k, g.weight("bias", w[1], c.Channels), t, 1)
}
