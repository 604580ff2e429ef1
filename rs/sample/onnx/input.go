package onnx

import (
	"fmt"
	"math"
)

// findInput finds what the model takes of an image: its size, channels and layout, and from them
// Size, scaler, channels, layout and shape.
func (m *Model) findInput(o Options) error {
	if o.Size != ([3]int{}) && min(o.Size[0], o.Size[1], o.Size[2]) < 1 {
		return fmt.Errorf("images of %v", size(o.Size[:]))
	}
	for _, d := range m.input.dims {
		if d.size > math.MaxInt32 {
			return fmt.Errorf("the input %v is too large", m.input)
		}
	}
	if o.Layout != "" && o.Layout != NCHW && o.Layout != NHWC {
		return fmt.Errorf("no layout %q; known: %s, %s", o.Layout, NCHW, NHWC)
	}
	asked, err := o.input()
	if err != nil {
		return err
	}
	given, taken, err := o.Channels.counts(o.Size[2])
	if err != nil {
		return err
	}
	find := m.findFour
	if len(m.input.dims) != 4 {
		find = m.findOther
	}
	s, err := find(o, asked, taken) // h, w, c that the model takes, -1 where free
	if err != nil {
		return err
	}
	for i, n := range asked {
		if s[i] > 0 && n > 0 && s[i] != n {
			return fmt.Errorf("--size %d,%d: the input %v takes %d×%d", asked[0], asked[1], m.input,
				s[0], s[1])
		} else if s[i] < 0 && n > 0 {
			s[i] = n
		}
	}
	if m.Size = o.Size; m.Size == ([3]int{}) {
		if m.Size = s; o.Channels == Repeat {
			m.Size[2] = given
		}
	}
	if min(m.Size[0], m.Size[1], m.Size[2]) < 1 {
		return fmt.Errorf("the input %v leaves the size of images open: say it with --size H,W, "+
			"or the dataset with --data", m.input)
	}
	if m.scaler, err = newScaler([2]int(m.Size[:2]), [2]int(s[:2]), o.Resize); err != nil {
		return err
	}
	if m.channels = taken; taken == 0 {
		m.channels = s[2]
	}
	return nil
}

// findFour finds the layout of four axes.
func (m *Model) findFour(o Options, _ [2]int, taken int) (s [3]int, err error) {
	if m.layout, err = findLayout(m.input, taken, o.Layout); err != nil {
		if _, colour := findLayout(m.input, 3, o.Layout); taken == 1 && colour == nil {
			err = fmt.Errorf("the input %v takes 3 channels, and the images have 1: "+
				"--channels repeat gives it the one three times", m.input)
		}
		return s, err
	}
	dims, rows := m.input.dims, m.layout.rows()
	return [3]int{int(dims[rows].size), int(dims[rows+1].size),
		int(dims[m.layout.channels()].size)}, nil
}

// findOther finds what other axes than four say, without those of size 1: rows and columns of
// images of one channel, or all values of an image.
func (m *Model) findOther(o Options, asked [2]int, taken int) (s [3]int, err error) {
	axes := m.input.long()
	m.layout = NCHW
	switch {
	case len(axes) == 2 && taken < 2:
		return [3]int{axes[0], axes[1], 1}, nil
	case len(axes) != 1:
		_, err := findLayout(m.input, taken, o.Layout)
		return s, err
	}
	s = o.Size
	for i, n := range asked {
		if n > 0 {
			s[i] = n
		}
	}
	values := s[0] * s[1]
	if values == 0 {
		return s, fmt.Errorf("the input %v is all values of an image: say its size with --size H,W, "+
			"or the dataset with --data", m.input)
	}
	if s[2] = taken; taken == 0 {
		s[2] = axes[0] / values
	}
	if values *= s[2]; axes[0] > 0 && values != axes[0] {
		return s, fmt.Errorf("the input %v is %d values an image, and images of %v have %d: "+
			"say the size that it takes with --size H,W", m.input, axes[0], size(s[:]), values)
	}
	if o.Layout == NHWC {
		m.layout = NHWC
	} else if o.Layout == "" && s[2] > 1 {
		return s, fmt.Errorf("the input %v is all values of an image: say with --layout whether they "+
			"come channel by channel (%s, as PyTorch flattens them) or pixel by pixel (%s)",
			m.input, NCHW, NHWC)
	}
	return s, nil
}

// runShape is the shape of a run's input: a batch of what images have after the resizing.
func (m *Model) runShape() []int64 {
	h, w, c := int64(m.scaler.to[0]), int64(m.scaler.to[1]), int64(m.channels)
	four := len(m.input.dims) == 4
	shape, each := []int64{int64(m.Batch)}, []int64{h, w, c}
	switch {
	case four && m.layout == NCHW:
		each = []int64{c, h, w}
	case !four && len(m.input.long()) == 1:
		each = []int64{h * w * c}
	}
	for _, d := range m.input.dims[1:] {
		n := int64(1)
		if four || d.size != 1 {
			n, each = each[0], each[1:]
		}
		shape = append(shape, n)
	}
	return shape
}

// long are the axes after the batch, without those of size 1.
func (v value) long() (axes []int) {
	for _, d := range v.dims[min(1, len(v.dims)):] {
		if d.size != 1 {
			axes = append(axes, int(d.size))
		}
	}
	return axes
}
