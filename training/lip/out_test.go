package lip

import (
	"fmt"
	"strings"
	"testing"
)

// outs are layers, inputs, and the size of the output or part of the error.
var outs = []struct {
	layer Layer
	in    Size
	want  string
}{
	{Dense{Units: 3}, Size{7}, "3"},
	{Dense{Units: 3}, Size{2, 2, 1},
		"dense 3 (Björck) needs a flat input and at least one unit, not 2×2×1"},
	{Dense{}, Size{7}, "at least one unit"},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 5}, Size{4, 6, 2}, "4×6×5"},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 5}, Size{4, 6, 8}, "4×6×5"},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 5}, Size{4, 6, 2},
		"conv 3×3 5 (bcop) needs an even number of channels on its wider side, from 2"},
	{Convolution{Kind: "bcop", Kernel: 1, Channels: 1}, Size{4, 6, 1},
		"even number of channels"},
	{Convolution{Kind: "fft", Kernel: 3, Channels: 5}, Size{4, 6, 2},
		`no convolution "fft"; known: aol, bcop, bro, cayley, free, rko, soc, spectral`},
	{Convolution{Kind: "aol", Kernel: 4, Channels: 5}, Size{4, 6, 2},
		"needs an odd kernel no larger than the image 4×6×2"},
	{Convolution{Kind: "aol", Kernel: -1, Channels: 5}, Size{4, 6, 2}, "needs an odd kernel"},
	{Convolution{Kind: "aol", Kernel: 5, Channels: 5}, Size{4, 6, 2}, "needs an odd kernel"},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 0}, Size{4, 6, 2}, "at least one channel"},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 5}, Size{48}, "needs an input [h, w, c]"},
	{Residual{Kernel: 3, Inner: 8}, Size{4, 6, 2}, "4×6×2"},
	{Residual{Kernel: 2, Inner: 8}, Size{4, 6, 2}, "odd kernel"},
	{Residual{Kernel: 5, Inner: 8}, Size{4, 6, 2}, "no larger than the image 4×6×2"},
	{Residual{Kernel: 3, Inner: 0}, Size{4, 6, 2}, "at least one channel"},
	{Residual{Kernel: 3, Inner: 8}, Size{48},
		"residual 3×3 8 (SLL) needs an input [h, w, c], or a flat one and a kernel of 1"},
	{Dense{Kind: "qr", Units: 3}, Size{7},
		`no dense layer "qr"; known: aol, bjorck, bro, cayley, free, normalised, spectral`},
	{Dense{Kind: "bjorck", Units: 3}, Size{2, 2, 1}, "dense 3 (Björck) needs"},
	{Sandwich{3}, Size{7}, "3"},
	{Sandwich{3}, Size{7, 1, 1}, "sandwich 3 needs a flat input"},
	{Sandwich{}, Size{7}, "at least one unit"},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Stride: 2}, Size{4, 6, 2}, "2×3×5"},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Stride: 2, Padding: Zero}, Size{5, 7, 2},
		"3×4×5"},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Stride: 2, Padding: Circular},
		Size{5, 6, 2},
		"needs an input with h and w multiples of its stride, not 5×6×2"},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 5, Stride: 2, Padding: Zero}, Size{6, 5, 2},
		"multiples of its stride"},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 5, Stride: 2}, Size{4, 4, 2},
		"needs an odd kernel no larger than the image 2×2×8"},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Stride: -1}, Size{4, 6, 2},
		"multiples of its stride"},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Padding: "mirror"}, Size{4, 6, 2},
		`no padding "mirror"; known: circular, zero`},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 6, Groups: 2}, Size{4, 6, 3},
		"needs channels, in and out, that are multiples of its groups, not 4×6×3"},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Groups: 2}, Size{4, 6, 2},
		"multiples of its groups"},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 5, Groups: -2}, Size{4, 6, 2},
		"multiples of its groups"},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 6, Groups: 2}, Size{4, 6, 2},
		"even number of channels on its wider side, from 1"},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 5, Stride: 4}, Size{4, 8, 2},
		"needs a kernel no smaller than its stride"},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 5, Stride: 2}, Size{4, 8, 3},
		"needs an even number of input channels where it is strided, not 3"},
	{Convolution{Kind: "cayley", Kernel: 3, Channels: 5, Padding: Zero}, Size{4, 8, 3},
		"conv 3×3 5 (cayley, zero padding) needs circular padding"},
	{Affine{Kernel: 3}, Size{4, 6, 2}, "4×6×2"},
	{Affine{Kernel: 3}, Size{48}, "affine residual 3×3 (LiResNet) needs an input [h, w, c]"},
	{Affine{Kernel: 2}, Size{4, 6, 2}, "odd kernel"},
	{Affine{Kernel: 3, Padding: "same"}, Size{4, 6, 2}, `no padding "same"`},
	{Residual{Kernel: 1, Inner: 8}, Size{48}, "48"},
	{Residual{Kind: "sdp", Kernel: 3, Inner: 8}, Size{4, 6, 2},
		`no residual layer "sdp"; known: cpl, sll`},
	{Residual{Kernel: 3, Inner: 8, Padding: "same"}, Size{4, 6, 2}, `no padding "same"`},
	{Activation{Kind: "gelu"}, Size{4, 6, 2},
		`no activation "gelu" (did you mean relu?); known: abs, beta-abs, groupsort, ` +
			`householder, maxmin, relu`},
	{Activation{Kind: "groupsort", Group: 4}, Size{4, 6, 6},
		"GroupSort 4 needs a number of channels that is a multiple of 4, not 4×6×6"},
	{Activation{Kind: "groupsort", Group: -4}, Size{8}, "groups of at least one channel"},
	{Activation{Kind: "groupsort"}, Size{4, 6, 3}, "4×6×3"},
	{Activation{Kind: "relu", Group: 4}, Size{8}, "ReLU has no groups to sort"},
	{Activation{Kind: "householder"}, Size{7},
		"Householder needs an even number of channels, not 7"},
	{Centring{}, Size{4, 6, 2}, "4×6×2"},
	{SpatialShift{}, Size{4, 6, 4}, "4×6×4"},
	{SpatialShift{}, Size{4, 6, 3},
		"spatial shift needs an input [h, w, c] with at least 4 channels, not 4×6×3"},
	{SpatialShift{}, Size{24}, "needs an input [h, w, c]"},
	{AveragePool{2}, Size{4, 6, 3}, "2×3×3"},
	{AveragePool{3}, Size{4, 6, 3},
		"average pool 3×3 needs an input [h, w, c] with h and w multiples of 3, not 4×6×3"},
	{NormPool{2}, Size{4, 6, 3}, "2×3×3"},
	{NormPool{}, Size{4, 6, 3}, "l2 pool 0×0 needs"},
	{Activation{}, Size{4, 6, 2}, "4×6×2"},
	{Activation{}, Size{4, 6, 3}, "MaxMin needs an even number of channels, not 4×6×3"},
	{Depth{2}, Size{4, 6, 3}, "2×3×12"},
	{Depth{2}, Size{4, 7, 3},
		"space to depth 2×2 needs an input [h, w, c] with h and w multiples of 2, not 4×7×3"},
	{Depth{2}, Size{7, 4, 3}, "multiples of 2"},
	{Depth{0}, Size{4, 6, 3}, "space to depth"},
	{Depth{2}, Size{72}, "needs an input [h, w, c]"},
	{Flat{}, Size{4, 6, 3}, "72"},
}

func TestOut(t *testing.T) {
	for _, c := range outs {
		out, err := c.layer.Out(c.in)
		if got := fmt.Sprint(out); err == nil && got != c.want ||
			err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v of %v: %v, %v; want %s", c.layer, c.in, out, err, c.want)
		}
	}
}
