package onnx

import (
	"fmt"
	"math"
)

// scaler maps images of h × w pixels to the model's size: it resizes bilinearly, then crops.
type scaler struct {
	from, to   [2]int // h, w
	resized    [2]int // before the crop
	rows, cols []tap
}

// tap is a row or column of the result: (1 - t) × lo + t × hi.
type tap struct {
	lo, hi int
	t      float32
}

// newScaler resizes from h × w straight to the model's size. With short, it resizes the short side
// to short pixels and the long side to scale, rounded down, and takes the middle of the model's
// size, at an offset rounded to even, as torchvision's Resize and CenterCrop do. An axis of the
// model that is free, -1, takes what there is.
func newScaler(from, model [2]int, short int) (*scaler, error) {
	s := &scaler{from: from, resized: from, to: model}
	switch {
	case short < 0:
		return nil, fmt.Errorf("a short side of %d pixels", short)
	case short > 0:
		least := min(from[0], from[1])
		s.resized = [2]int{short * from[0] / least, short * from[1] / least}
	default:
		for i, n := range model {
			if n > 0 {
				s.resized[i] = n
			}
		}
	}
	var taps [2][]tap
	for i, n := range s.resized {
		if s.to[i] < 0 {
			s.to[i] = n
		}
		if n < s.to[i] {
			return nil, fmt.Errorf("images of %v resized to %v are smaller than the model's %v",
				size(from[:]), size(s.resized[:]), size(model[:]))
		}
		taps[i] = bilinear(from[i], n, int(math.RoundToEven(float64(n-s.to[i])/2)), s.to[i])
	}
	s.rows, s.cols = taps[0], taps[1]
	return s, nil
}

// bilinear resizes an axis of from pixels to n and keeps count of them from first. The middle of
// pixel i lies at (i + ½)·from/n - ½ ("half pixel", align_corners off). At the edges the outermost
// pixel goes on. Nothing is smoothed first (antialias off).
func bilinear(from, n, first, count int) []tap {
	taps := make([]tap, count)
	for i := range taps {
		x := min(max(0, (float64(first+i)+0.5)*float64(from)/float64(n)-0.5), float64(from-1))
		lo := int(x)
		taps[i] = tap{lo, min(lo+1, from-1), float32(x - float64(lo))}
	}
	return taps
}

// same tells whether nothing is to be done.
func (s *scaler) same() bool { return s.from == s.to && s.resized == s.to }

// apply maps src, [h, w, c] as from says, to dst, [h, w, c] as to says.
func (s *scaler) apply(dst, src []float32, c int) {
	at := 0
	for _, r := range s.rows {
		lo, hi := src[r.lo*s.from[1]*c:], src[r.hi*s.from[1]*c:]
		for _, k := range s.cols {
			for ch := range c {
				a := lo[k.lo*c+ch] + k.t*(lo[k.hi*c+ch]-lo[k.lo*c+ch])
				b := hi[k.lo*c+ch] + k.t*(hi[k.hi*c+ch]-hi[k.lo*c+ch])
				dst[at] = a + r.t*(b-a)
				at++
			}
		}
	}
}

// size prints as 32×32×3.
type size []int

func (s size) String() (text string) {
	for i, n := range s {
		if i > 0 {
			text += "×"
		}
		if n < 0 {
			text += "?"
		} else {
			text += fmt.Sprint(n)
		}
	}
	return text
}
