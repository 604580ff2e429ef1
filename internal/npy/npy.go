// Package npy reads arrays of numbers in NumPy's .npy format, versions 1 to 3, for numpy.save
// (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Magic begins each file.
const Magic = "\x93NUMPY"

const (
	// MaxBytes is the most that an array takes.
	MaxBytes = 8 << 30
	maxAxes  = 8
)

// An Array is an array of numbers. The last axis varies fastest.
type Array struct {
	Type  string // byte order, letter and bytes of a value, as NumPy writes them: <f4, |u1
	Shape []int
	Data  []byte
}

var (
	typeName = regexp.MustCompile(`'descr': *'([^']*)'`)
	shapeOf  = regexp.MustCompile(`'shape': *\(([\d, ]*)\)`)
	fortran  = regexp.MustCompile(`'fortran_order': *(True|False)`)
)

// Read reads a file to its end. It takes no more memory than three times what r holds.
func Read(r io.Reader) (*Array, error) {
	text, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	kind, shape, order := typeName.FindSubmatch(text), shapeOf.FindSubmatch(text),
		fortran.FindSubmatch(text)
	if kind == nil || shape == nil || order == nil {
		return nil, fmt.Errorf("header %.80q: not an array of numbers", text)
	}
	a := &Array{Type: string(kind[1])}
	for axis := range strings.SplitSeq(string(shape[1]), ",") {
		if axis = strings.TrimSpace(axis); axis == "" {
			continue // behind the last comma
		}
		n, err := strconv.Atoi(axis)
		if err != nil {
			return nil, fmt.Errorf("shape (%s): too large", shape[1])
		}
		a.Shape = append(a.Shape, n)
	}
	size, err := a.Bytes()
	if err != nil {
		return nil, err
	}
	if a.Data, err = io.ReadAll(io.LimitReader(r, int64(size)+1)); err != nil {
		return nil, err
	}
	if len(a.Data) != size {
		return nil, fmt.Errorf("%d bytes or more of items, want %d for %s of shape %v: "+
			"fetch it again", len(a.Data), size, a.Type, a.Shape)
	}
	if string(order[1]) == "True" {
		a.Turn()
	}
	return a, nil
}

// Turn puts Data in order, of an array whose first axis varied fastest (Fortran's order).
func (a *Array) Turn() {
	if len(a.Shape) < 2 || len(a.Data) == 0 {
		return
	}
	size, out := a.size(), make([]byte, 0, len(a.Data))
	at := make([]int, len(a.Shape)) // index of the next value
	for range len(a.Data) / size {
		from := 0
		for axis := len(at) - 1; axis >= 0; axis-- {
			from = from*a.Shape[axis] + at[axis]
		}
		out = append(out, a.Data[from*size:][:size]...)
		for axis := len(at) - 1; axis >= 0; axis-- {
			if at[axis]++; at[axis] < a.Shape[axis] {
				break
			}
			at[axis] = 0
		}
	}
	a.Data = out
}

// readHeader reads what comes before the values, and returns its text.
func readHeader(r io.Reader) ([]byte, error) {
	errEnd := errors.New("ends within the header: fetch it again")
	head := make([]byte, len(Magic)+2+4)
	if _, err := io.ReadFull(r, head[:len(head)-2]); err != nil ||
		string(head[:len(Magic)]) != Magic {
		if strings.HasPrefix(string(head), Magic) {
			return nil, errEnd
		}
		return nil, errors.New("not NumPy's format .npy: save it with np.save")
	}
	switch version := head[len(Magic)]; {
	case version < 1 || version > 3:
		return nil, fmt.Errorf("version %d of NumPy's format, known are 1 to 3", version)
	case version > 1: // 4 bytes of length
		if _, err := io.ReadFull(r, head[len(head)-2:]); err != nil {
			return nil, errEnd
		}
	}
	length := binary.LittleEndian.Uint32(head[len(head)-4:])
	if length > 1<<16 {
		return nil, fmt.Errorf("a header of %d bytes: not an array of numbers", length)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, errEnd
	}
	return text, nil
}

// Bytes returns the number of bytes that Data must have. The error is that of an unknown type or of
// a shape that is too large.
func (a *Array) Bytes() (int, error) {
	size := a.size()
	if len(a.Shape) > maxAxes {
		return 0, fmt.Errorf("%d axes, want at most %d", len(a.Shape), maxAxes)
	}
	if !strings.Contains(" b1 i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 ", " "+a.Kind()+" ") {
		return 0, fmt.Errorf("items of type %q, want whole numbers, f4 or f8", a.Type)
	}
	for _, n := range a.Shape {
		if n < 0 || n > 0 && size > MaxBytes/n {
			return 0, fmt.Errorf("shape %v: more than %d GB", a.Shape, MaxBytes>>30)
		}
		size *= n
	}
	return size, nil
}

// Kind returns the type without its byte order.
func (a *Array) Kind() string { return strings.TrimLeft(a.Type, "<>|=") }

// size returns the bytes of a value.
func (a *Array) size() int {
	if a.Type == "" {
		return 0
	}
	return int(a.Type[len(a.Type)-1] - '0')
}

// Values yields the values. Whole numbers beyond 2^53 are rounded.
func (a *Array) Values(yield func(i int, v float64) bool) {
	for i := range len(a.Data) / max(a.size(), 1) {
		if !yield(i, a.At(i)) {
			return
		}
	}
}

// At returns the value at a place in Data, which must have Bytes bytes.
func (a *Array) At(i int) float64 {
	var order binary.ByteOrder = binary.LittleEndian
	if a.Type[0] == '>' {
		order = binary.BigEndian
	}
	size := a.size()
	b := a.Data[i*size:][:size]
	var v uint64
	switch size {
	case 1:
		v = uint64(b[0])
	case 2:
		v = uint64(order.Uint16(b))
	case 4:
		v = uint64(order.Uint32(b))
	default:
		v = order.Uint64(b)
	}
	switch a.Type[len(a.Type)-2] {
	case 'f':
		if size == 4 {
			return float64(math.Float32frombits(uint32(v)))
		}
		return math.Float64frombits(v)
	case 'i':
		shift := 64 - 8*size
		return float64(int64(v<<shift) >> shift)
	}
	return float64(v)
}
