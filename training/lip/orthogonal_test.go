package lip

import "testing"

// orthogonalLayers are small layers that are documented as orthogonal, over kernel, channels,
// stride, groups and padding.
func orthogonalLayers() (cases []layerCase) {
	for _, kind := range []string{"bjorck", "bro", "cayley"} {
		for _, d := range [][2]int{{1, 1}, {2, 2}, {4, 4}, {3, 5}, {9, 4}, {16, 16}} {
			cases = append(cases, layerCase{Dense{Kind: kind, Units: d[1]}, Size{d[0]}, true})
		}
	}
	for _, channels := range []int{2, 4} {
		c := Convolution{Kind: "rko", Kernel: 3, Channels: channels, Stride: 3, Groups: 2}
		cases = append(cases, layerCase{c, Size{6, 6, 2}, true})
	}
	for _, l := range []struct {
		kind            string
		kernel, in, out int
		padding         string
	}{
		{"bcop", 1, 2, 2, Circular}, {"bcop", 1, 4, 4, Circular}, {"bcop", 1, 4, 2, Circular},
		{"bcop", 3, 2, 2, Circular}, {"bcop", 3, 4, 4, Circular}, {"bcop", 3, 2, 4, Circular},
		{"bcop", 3, 4, 2, Circular}, {"bcop", 5, 2, 2, Circular},
		{"cayley", 1, 4, 4, Circular}, {"cayley", 3, 2, 4, Circular}, {"bro", 3, 4, 4, Circular},
		{"bro", 3, 2, 4, Circular}, {"soc", 3, 2, 2, Circular},
		{"soc", 1, 4, 4, Zero}, {"soc", 3, 4, 2, Zero},
	} {
		for _, stride := range []int{1, 2} {
			for _, groups := range []int{1, 2} {
				c := Convolution{l.kind, l.kernel, l.out, l.padding, stride, groups}
				side := 2 * (l.kernel/2 + 1)
				in := Size{side, side, l.in}
				if c.stride() > 1 && c.kind().folds {
					in[0], in[1] = 2*side, 2*side
				}
				if _, err := c.Out(in); err == nil { // BCOP can't have all sizes
					cases = append(cases, layerCase{c, in, true})
				}
			}
		}
	}
	return cases
}

// TestStaysOrthogonal: the smallest singular value of an orthogonal layer's matrix is at least 0.99
// after 200 steps of training, at twice the learning rate of the presets.
func TestStaysOrthogonal(t *testing.T) {
	for _, c := range orthogonalLayers() {
		w := must(Trained(pure, c.layer, c.in, 200))
		s := singular(t, jacobian(c.layer, c.in, w, zeros(append(Size{1}, c.in...)...)))
		least := s[len(s)-1]
		t.Logf("%v on %v: singular values from %.5f to %.5f", c.layer, c.in, least, s[0])
		if !(least >= 0.99) {
			t.Errorf("%v on %v: smallest singular value %v", c.layer, c.in, least)
		}
	}
}
