package data

import (
	"fmt"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/npy"
)

// array is an array of images or of labels.
type array struct{ npy.Array }

// ints returns the labels that the array holds: whole numbers of shape [n] or [n, 1], or rows
// [n, k] of a single 1 among zeros.
func (a array) ints() (labels []int, err error) {
	width := 1 // of a row
	for _, n := range a.Shape[min(1, len(a.Shape)):] {
		width *= n
	}
	if width == 0 || width > 1 && len(a.Shape) > 2 {
		return nil, fmt.Errorf("labels of shape %v, want one of each image", a.Shape)
	}
	seen := 0
	for i, v := range a.Values {
		switch {
		case width > 1 && v == 1:
			labels = append(labels, i%width)
			seen++
		case width > 1 && v != 0:
			err = fmt.Errorf("row %d holds %v: want labels, or rows with a single 1", i/width, v)
		case width == 1 && v != math.Trunc(v) || math.Abs(v) > 1<<31:
			err = fmt.Errorf("label %d is %v, want a whole number", i, v)
		case width == 1:
			labels = append(labels, int(v))
		}
		if width > 1 && (i+1)%width == 0 && seen != i/width+1 && err == nil {
			err = fmt.Errorf("row %d holds no 1 or several: want labels, or rows with a single 1",
				i/width)
		}
		if err != nil {
			return nil, err
		}
	}
	return labels, nil
}

// pixels returns the array as images, [n, height, width, channels], of 8 bits.
func (a array) pixels() (pixels []byte, size [3]int, err error) {
	planar := false
	switch s := a.Shape; {
	case len(s) == 3:
		size = [3]int{s[1], s[2], 1}
	case len(s) != 4:
	case isChannels(s[3]) && !isChannels(s[1]):
		size = [3]int(s[1:])
	case isChannels(s[1]) && !isChannels(s[3]):
		size, planar = [3]int{s[2], s[3], s[1]}, true
	}
	values := size[0] * size[1] * size[2]
	if values == 0 {
		return nil, size, fmt.Errorf("images of shape %v, want [n, h, w], [n, h, w, c] or "+
			"[n, c, h, w] with c = 1 or 3: reshape and save again", a.Shape)
	}
	if pixels = a.Data; a.Kind() != "u1" {
		if pixels, err = a.quantised(); err != nil {
			return nil, size, err
		}
	}
	if planar && size[2] > 1 {
		out := make([]byte, 0, len(pixels))
		for image := range slices.Chunk(pixels, values) {
			out = appendPlanes(out, image)
		}
		pixels = out
	}
	return pixels, size, nil
}

func isChannels(n int) bool { return n == 1 || n == 3 }

// appendPlanes appends an image, [height, width, 3], of three planes.
func appendPlanes(dst, planes []byte) []byte {
	n := len(planes) / 3
	for i := range n {
		dst = append(dst, planes[i], planes[n+i], planes[2*n+i])
	}
	return dst
}

// quantised returns the items as bytes: n of n/255, or of n where an item exceeds 1. Other values
// are an error, for the image that is certified would not be the image of the file.
func (a array) quantised() ([]byte, error) {
	out := make([]byte, 0, len(a.Data)/2)
	scale := 255.0
	for i, v := range a.Values {
		if v > 1.000001 && scale == 255 {
			scale = 1
			for k, b := range out { // 0 and 1 were whole numbers
				if out[k] = b / 255; b != 0 && b != 255 {
					return nil, a.not8Bits(i, v)
				}
			}
		}
		level := math.Round(v * scale)
		if !(level >= 0 && level <= 255) || math.Abs(v*scale-level) > 1e-4 {
			return nil, a.not8Bits(i, v)
		}
		out = append(out, byte(level))
	}
	return out, nil
}

func (a array) not8Bits(i int, v float64) error {
	image := 1
	for _, d := range a.Shape[1:] {
		image *= d
	}
	return fmt.Errorf("image %d has the value %v, neither a whole number up to 255 nor n/255: save "+
		"the uint8 images from before any normalisation, which --mean and --std do", i/image, v)
}
