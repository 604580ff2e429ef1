package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// array is an array of NumPy: its type as in an .npy file (<f4, |u1), its shape, and its bytes, in
// rows.
type array struct {
	kind  string
	shape []int
	data  []byte
}

const (
	maxDims  = 8
	maxArray = 8 << 30 // bytes
)

var errColumns = errors.New("the array lies in columns (Fortran's order): " +
	"save np.ascontiguousarray(x)")

// items returns the number of items.
func (a array) items() (int64, error) {
	n := int64(1)
	for _, d := range a.shape {
		if d < 0 || n > 0 && int64(d) > maxArray/n {
			return 0, fmt.Errorf("shape %v: not an array of images or labels", a.shape)
		}
		n *= int64(d)
	}
	return n, nil
}

// itemSize returns the bytes of an item, and its byte order.
func (a array) itemSize() (int, binary.ByteOrder, error) {
	var order binary.ByteOrder = binary.LittleEndian
	if strings.HasPrefix(a.kind, ">") {
		order = binary.BigEndian
	}
	switch strings.TrimLeft(a.kind, "<>|=") {
	case "u1", "i1", "b1":
		return 1, order, nil
	case "u2", "i2":
		return 2, order, nil
	case "u4", "i4", "f4":
		return 4, order, nil
	case "u8", "i8", "f8":
		return 8, order, nil
	}
	return 0, nil, fmt.Errorf("items of type %q, want whole numbers, f4 or f8: save uint8 images "+
		"and int64 labels", a.kind)
}

// bytes returns the length of the data.
func (a array) bytes() (int64, error) {
	n, err := a.items()
	if err != nil {
		return 0, err
	}
	size, _, err := a.itemSize()
	if err == nil && n > maxArray/int64(size) {
		err = fmt.Errorf("shape %v: more than %d GB", a.shape, maxArray>>30)
	}
	return n * int64(size), err
}

// values yields the items as floats. Whole numbers beyond 2^53 are rounded.
func (a array) values(yield func(i int, v float64) bool) error {
	size, order, err := a.itemSize()
	if err != nil {
		return err
	}
	kind := strings.TrimLeft(a.kind, "<>|=")
	for i := range len(a.data) / size {
		b := a.data[i*size:][:size]
		var v float64
		switch kind {
		case "u1", "b1":
			v = float64(b[0])
		case "i1":
			v = float64(int8(b[0]))
		case "u2":
			v = float64(order.Uint16(b))
		case "i2":
			v = float64(int16(order.Uint16(b)))
		case "u4":
			v = float64(order.Uint32(b))
		case "i4":
			v = float64(int32(order.Uint32(b)))
		case "f4":
			v = float64(math.Float32frombits(order.Uint32(b)))
		case "u8":
			v = float64(order.Uint64(b))
		case "i8":
			v = float64(int64(order.Uint64(b)))
		case "f8":
			v = math.Float64frombits(order.Uint64(b))
		}
		if !yield(i, v) {
			return nil
		}
	}
	return nil
}

// ints returns the labels that the array holds: whole numbers of shape [n] or [n, 1], or rows
// [n, k] of a single 1 among zeros.
func (a array) ints() (labels []int, err error) {
	rows := 1
	if len(a.shape) > 0 {
		rows = a.shape[0]
	}
	n, err := a.items()
	if err != nil {
		return nil, err
	}
	width := 1
	if rows > 0 {
		width = int(n) / rows
	}
	if width == 0 || width > 1 && len(a.shape) > 2 {
		return nil, fmt.Errorf("labels of shape %v, want one of each image", a.shape)
	}
	seen := 0
	failed := a.values(func(i int, v float64) bool {
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
		return err == nil
	})
	return labels, errors.Join(failed, err)
}

var (
	npyKind  = regexp.MustCompile(`'descr': *'([^']*)'`)
	npyOrder = regexp.MustCompile(`'fortran_order': *(True|False)`)
	npyShape = regexp.MustCompile(`'shape': *\(([0-9, ]*)\)`)
)

// readNPY reads an array in NumPy's format .npy
// (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
// It takes no more memory than twice what r holds.
func readNPY(r io.Reader) (a array, err error) {
	head := make([]byte, 12)
	if _, err = io.ReadFull(r, head[:10]); err != nil {
		return a, fmt.Errorf("ends within the header: fetch it again")
	}
	length := int(binary.LittleEndian.Uint16(head[8:]))
	version := head[6]
	switch {
	case string(head[:6]) != "\x93NUMPY":
		return a, errors.New("not NumPy's format .npy: save it with np.save")
	case version == 2 || version == 3:
		if _, err = io.ReadFull(r, head[10:]); err == nil {
			length = int(binary.LittleEndian.Uint32(head[8:]))
		}
	case version != 1:
		return a, fmt.Errorf("version %d of NumPy's format, known are 1 to 3", version)
	}
	if err != nil || length > 1<<16 {
		return a, fmt.Errorf("a header of %d bytes: not an array of images or labels", length)
	}
	text := make([]byte, length)
	if _, err = io.ReadFull(r, text); err != nil {
		return a, fmt.Errorf("ends within the header: fetch it again")
	}
	kind, order := npyKind.FindSubmatch(text), npyOrder.FindSubmatch(text)
	shape := npyShape.FindSubmatch(text)
	if kind == nil || order == nil || shape == nil {
		return a, fmt.Errorf("header %.80q: not an array of numbers", text)
	}
	a.kind = string(kind[1])
	for d := range strings.SplitSeq(string(shape[1]), ",") {
		if d = strings.TrimSpace(d); d == "" {
			continue
		}
		n, err := strconv.Atoi(d)
		if err != nil || len(a.shape) == maxDims {
			return a, fmt.Errorf("shape (%s): not an array of images or labels", shape[1])
		}
		a.shape = append(a.shape, n)
	}
	size, err := a.bytes()
	if err != nil {
		return a, err
	}
	if string(order[1]) == "True" && len(a.shape) > 1 {
		return a, errColumns
	}
	if a.data, err = readUpTo(r, size+1); err != nil {
		return a, err
	}
	if got := int64(len(a.data)); got != size {
		return a, fmt.Errorf("%d bytes or more of items, want %d for %s of shape %v: fetch it again",
			got, size, a.kind, a.shape)
	}
	return a, nil
}

// pixels returns the array as images, [n, height, width, channels], of 8 bits.
func (a array) pixels() (pixels []byte, size [3]int, err error) {
	planar := false
	switch s := a.shape; {
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
			"[n, c, h, w] with c = 1 or 3: reshape and save again", a.shape)
	}
	if pixels = a.data; strings.TrimLeft(a.kind, "<>|=") != "u1" {
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
	out := make([]byte, 0, len(a.data)/2)
	scale := 255.0
	var bad error
	err := a.values(func(i int, v float64) bool {
		if v > 1.000001 && scale == 255 {
			scale = 1
			for k, b := range out { // 0 and 1 were whole numbers
				if out[k] = b / 255; b != 0 && b != 255 {
					bad = a.not8Bits(i, v)
				}
			}
		}
		level := math.Round(v * scale)
		if !(level >= 0 && level <= 255) || math.Abs(v*scale-level) > 1e-4 || bad != nil {
			bad = a.not8Bits(i, v)
			return false
		}
		out = append(out, byte(level))
		return true
	})
	return out, errors.Join(err, bad)
}

func (a array) not8Bits(i int, v float64) error {
	image := 1
	for _, d := range a.shape[1:] {
		image *= d
	}
	return fmt.Errorf("image %d has the value %v, neither a whole number up to 255 nor n/255: save "+
		"the uint8 images from before any normalisation, which --mean and --std do", i/image, v)
}
