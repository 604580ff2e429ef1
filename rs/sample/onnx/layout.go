package onnx

import "fmt"

// Layout is the order of a model's image axes.
type Layout string

const (
	NCHW Layout = "NCHW" // channels before rows, as PyTorch has them
	NHWC Layout = "NHWC" // channels last, as the images here
)

// channels is the axis of the channels.
func (l Layout) channels() int {
	if l == NCHW {
		return 1
	}
	return 3
}

// rows is the axis of the rows. The axis of the columns is the next.
func (l Layout) rows() int {
	if l == NCHW {
		return 2
	}
	return 1
}

// findLayout finds the layout of an input of images of that many channels, or of 1 or 3 where
// channels is 0. asked is what the user said, if anything.
func findLayout(input value, channels int, asked Layout) (Layout, error) {
	if len(input.dims) != 4 {
		return "", fmt.Errorf("the input %v has %d axes: images need batch, channels, height and "+
			"width, or batch, height, width and channels", input, len(input.dims))
	}
	var fixed, free []Layout
	for _, l := range []Layout{NCHW, NHWC} {
		if asked != "" && asked != l {
			continue
		}
		switch c := input.dims[l.channels()].size; {
		case c == int64(channels), channels == 0 && colours(input.dims[l.channels()]):
			fixed = append(fixed, l)
		case c < 0:
			free = append(free, l)
		}
	}
	if len(fixed) == 0 && (asked != "" || !colours(input.dims[1]) && !colours(input.dims[3])) {
		fixed = free // where no other axis is that of 1 or 3 channels
	}
	want := fmt.Sprintf("%d channels, which the images have", channels)
	if channels == 0 {
		want = "1 or 3 channels: say the dataset with --data"
	}
	switch {
	case len(fixed) == 1:
		return fixed[0], nil
	case len(fixed) == 2:
		return "", fmt.Errorf("the input %v may be %s or %s: say which with --layout", input, NCHW, NHWC)
	case asked != "":
		return "", fmt.Errorf("--layout %s: axis %d of the input %v doesn't have %s", asked,
			asked.channels(), input, want)
	}
	return "", fmt.Errorf("the input %v has no axis of %s", input, want)
}

// colours tells an axis of 1 or 3, as gray and colour images have channels.
func colours(d dim) bool { return d.size == 1 || d.size == 3 }
