package onnx

import "fmt"

// Channels is how the channels of an image become those that a model takes.
type Channels string

const (
	RGB    Channels = "rgb"    // as they are
	BGR    Channels = "bgr"    // in reverse: blue first, as OpenCV and Caffe have them
	Repeat Channels = "repeat" // the one of a gray image three times
)

// counts are how many channels an image and the model have. They are 0 where neither the option
// nor images, of that many channels or of 0 for an unknown number, say it.
func (c Channels) counts(images int) (given, taken int, err error) {
	given, taken = images, images
	switch c {
	case "", RGB:
		return given, taken, nil
	case BGR:
		given, taken = 3, 3
	case Repeat:
		given, taken = 1, 3
	default:
		return 0, 0, fmt.Errorf("no channels %q; known: %s, %s, %s", c, RGB, BGR, Repeat)
	}
	if images != 0 && images != given {
		return 0, 0, fmt.Errorf("--channels %s is for images of %d channels, and these have %d",
			c, given, images)
	}
	return given, taken, nil
}

// of is the channel of an image that channel i of a model gets.
func (c Channels) of(i int) int {
	switch c {
	case BGR:
		return 2 - i
	case Repeat:
		return 0
	}
	return i
}
