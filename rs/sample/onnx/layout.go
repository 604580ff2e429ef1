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

// rows is the axis of the rows; the columns' is the next.
func (l Layout) rows() int {
	if l == NCHW {
		return 2
	}
	return 1
}

// findLayout finds the layout of an input of images of that many channels, or of 1 or 3 where channels is 0.
// Asked for is what the user said, if anything.
func findLayout(input value, channels int, asked Layout) (Layout, error) {
	if len(input.dims) != 4 {
		return "", fmt.Errorf("the input %v has %d axes: images need four, batch, channels, height and width or batch, height, width and channels", input, len(input.dims))
	}
	var fixed, free []Layout
	for _, l := range []Layout{NCHW, NHWC} {
		if asked != "" && asked != l {
			continue
		}
		switch c := input.dims[l.channels()].size; {
		case c == int64(channels), channels == 0 && (c == 1 || c == 3):
			fixed = append(fixed, l)
		case c < 0:
			free = append(free, l)
		}
	}
	if len(fixed) == 0 {
		fixed = free
	}
	switch {
	case asked != "" && asked != NCHW && asked != NHWC:
		return "", fmt.Errorf("no layout %q; known: %s, %s", asked, NCHW, NHWC)
	case len(fixed) == 1:
		return fixed[0], nil
	case len(fixed) == 2:
		return "", fmt.Errorf("the input %v may be %s or %s: say which", input, NCHW, NHWC)
	case channels == 0 && asked != "":
		return "", fmt.Errorf("the input %v has no 1 or 3 channels at axis %d, as %s asks for: say the size of the images", input, asked.channels(), asked)
	case channels == 0:
		return "", fmt.Errorf("the input %v has no axis of 1 or 3 channels: say the size of the images", input)
	case asked != "":
		return "", fmt.Errorf("the input %v has no %d channels at axis %d, as %s asks for", input, channels, asked.channels(), asked)
	}
	return "", fmt.Errorf("the input %v has no axis of %d channels, which the images have", input, channels)
}
