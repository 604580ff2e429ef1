package data

import (
	"fmt"
	"math"
)

// scaling resizes and crops an image, as torchvision's Resize and CenterCrop do with Pillow's
// images. The zero scaling does nothing.
type scaling struct {
	resize int // pixels of the shorter side; 0 resizes nothing
	crop   int // side of the square taken from the middle; 0 is all
}

func (s scaling) check() error {
	switch {
	case s.resize < 0 || s.crop < 0:
		return fmt.Errorf("resize %d and crop %d: must be at least 0", s.resize, s.crop)
	case s.resize > 0 && s.crop > s.resize:
		return fmt.Errorf("crop %d: must be at most resize, %d", s.crop, s.resize)
	case s.resize > 1<<14:
		return fmt.Errorf("resize %d: must be at most %d", s.resize, 1<<14)
	}
	return nil
}

// resized is the size of an image of h × w before the crop.
func (s scaling) resized(h, w int) [2]int {
	if s.resize == 0 {
		return [2]int{h, w}
	}
	short := min(h, w)
	return [2]int{s.resize * h / short, s.resize * w / short}
}

// size is the height and width of an image that had h × w pixels.
func (s scaling) size(h, w int) (size [2]int, err error) {
	size = s.resized(h, w)
	if size[0] > maxPixels/size[1] {
		return size, fmt.Errorf("%d×%d pixels (height × width) are too long to resize to %d", h, w,
			s.resize)
	}
	if min(size[0], size[1]) < s.crop {
		return size, fmt.Errorf("%d×%d pixels (height × width) are less than the crop of %d×%d: "+
			"resize it first", h, w, s.crop, s.crop)
	}
	if s.crop > 0 {
		size = [2]int{s.crop, s.crop}
	}
	return size, nil
}

// apply returns the pixels of pix, [h, w, channels], as size has it. They are those of Pillow's
// Image.resize(BILINEAR): a triangle filter as wide as the scale, first along rows and then along
// columns, each in fixed point and rounded to 8 bits. Pillow 13 begins with the columns of some
// images twice as high as wide, and then pixels may differ by 1.
func (s scaling) apply(pix []byte, h, w, channels int) []byte {
	if s == (scaling{}) {
		return pix
	}
	to := s.resized(h, w)
	down, across := taps(h, to[0], s.crop), taps(w, to[1], s.crop)
	first, last := down[0].first, down[len(down)-1]
	from := pix[first*w*channels : (last.first+len(last.weights))*w*channels]
	middle := make([]byte, 0, len(from)/w*len(across))
	for ; len(from) > 0; from = from[w*channels:] {
		for _, t := range across {
			for c := range channels {
				sum := int32(half)
				for k, weight := range t.weights {
					sum += weight * int32(from[(t.first+k)*channels+c])
				}
				middle = append(middle, byte(sum>>precision))
			}
		}
	}
	row := len(across) * channels
	out, sums := make([]byte, 0, len(down)*row), make([]int32, row)
	for _, t := range down {
		for i := range sums {
			sums[i] = half
		}
		for k, weight := range t.weights {
			for i, v := range middle[(t.first-first+k)*row:][:row] {
				sums[i] += weight * int32(v)
			}
		}
		for _, sum := range sums {
			out = append(out, byte(sum>>precision))
		}
	}
	return out
}

// A tap is a pixel of the result along one axis: the weighted sum of pixels from first on.
type tap struct {
	first   int
	weights []int32 // times 2^precision; their sum is 1 but for rounding
}

const (
	precision = 22 // bits of a weight after the point
	half      = 1 << (precision - 1)
)

// taps resizes an axis of from pixels to to of them, and keeps the middle crop, or all if it is 0.
func taps(from, to, crop int) []tap {
	if crop == 0 {
		crop = to
	}
	offset := int(math.RoundToEven(float64(to-crop) / 2))
	scale := float64(from) / float64(to)
	support := max(scale, 1)
	list := make([]tap, crop)
	for i := range list {
		center := (float64(offset+i) + 0.5) * scale
		first := max(int(center-support+0.5), 0)
		weights := make([]float64, min(int(center+support+0.5), from)-first)
		sum := 0.0
		for k := range weights {
			x := (float64(first+k) - center + 0.5) * (1 / support)
			weights[k] = max(1-math.Abs(x), 0)
			sum += weights[k]
		}
		list[i] = tap{first, make([]int32, len(weights))}
		for k, w := range weights {
			// The conversion keeps processors from fusing the product with the sum.
			list[i].weights[k] = int32(float64(w/sum*(1<<precision)) + 0.5)
		}
	}
	return list
}

// scaled is a source of images that are pixels already, [h, w, channels], and then resized.
type scaled struct {
	source
	scaling
	h, w, channels int
}

func (s scaled) lazy() bool { return true }

func (s scaled) pixels(i int) ([]byte, error) {
	pix, err := s.source.pixels(i)
	if err != nil {
		return nil, err
	}
	return s.apply(pix, s.h, s.w, s.channels), nil
}

// scale resizes and crops images that are pixels already.
func (d *Dataset) scale(s scaling) error {
	size, err := s.size(d.Height, d.Width)
	if err != nil {
		return err
	}
	d.source = scaled{d.source, s, d.Height, d.Width, d.Channels}
	d.scaling, d.Height, d.Width = s, size[0], size[1]
	return nil
}

// Smaller returns the dataset d of ref with its images resized and cropped to Size, where Size is a
// square and the images are larger. That is before the noise, the order that the field uses. Other
// datasets stay as they are.
func (o Options) Smaller(d *Dataset, ref string) *Dataset {
	side := o.Size[0]
	if side < 1 || side != o.Size[1] || d.Height < side || d.Width < side ||
		d.Height == side && d.Width == side {
		return d
	}
	o.Resize, o.Crop = side, side
	resized, err := o.Load(ref)
	if err != nil { // of a format that isn't resized
		return d
	}
	resized.note("images of %d×%d: the shorter side is resized "+
		"to %d pixels, and the middle %d×%d taken, before the noise; --resize and --crop choose others",
		d.Height, d.Width, side, side, side)
	return resized
}
