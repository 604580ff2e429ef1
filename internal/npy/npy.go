// Package npy reads arrays of numbers in NumPy's .npy format, versions 1 to 3, for numpy.save.
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

// An Array is what a file holds.
type Array struct {
	Shape   []int
	Type    string // NumPy's letter and bytes of a value: u1, i8, f4
	Fortran bool   // the first axis varies fastest
	order   binary.ByteOrder
	size    int // bytes of a value
	bytes   int // of all values
	r       io.Reader
	data    []byte
}

var (
	typeName = regexp.MustCompile(`'descr': *'([<>|=]?)([a-zA-Z])(\d*)'`)
	shapeOf  = regexp.MustCompile(`'shape': *\(([\d, ]*)\)`)
	fortran  = regexp.MustCompile(`'fortran_order': *(True|False)`)
)

// ReadHeader reads what comes before the values. Values are bool, int or uint of 8 to 64 bits, or
// float of 32 or 64.
func ReadHeader(r io.Reader) (*Array, error) {
	head := make([]byte, len(Magic)+2+2)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(Magic)]) != Magic {
		return nil, errors.New("not in NumPy's format")
	}
	if head[6] < 1 || head[6] > 3 {
		return nil, fmt.Errorf("NumPy's format %d: want 1 to 3", head[6])
	}
	length := int(binary.LittleEndian.Uint16(head[8:]))
	if head[6] > 1 { // 4 bytes of length
		var high [2]byte
		if _, err := io.ReadFull(r, high[:]); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		length |= int(binary.LittleEndian.Uint16(high[:])) << 16
	}
	if length > 1<<20 {
		return nil, fmt.Errorf("a NumPy header of %d bytes", length)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	a := &Array{r: r}
	return a, a.header(string(text))
}

// ReadValues reads the file to its end. Float needs the values.
func (a *Array) ReadValues() (err error) {
	a.data, err = io.ReadAll(io.LimitReader(a.r, int64(a.bytes)+1))
	if err == nil && len(a.data) != a.bytes {
		err = fmt.Errorf("%d bytes or more, want %d of %s values %v", len(a.data), a.bytes, a.Type,
			a.Shape)
	}
	return err
}

// header parses the text before the values.
func (a *Array) header(text string) error {
	kind, shape, order := typeName.FindStringSubmatch(text), shapeOf.FindStringSubmatch(text),
		fortran.FindStringSubmatch(text)
	if kind == nil || shape == nil || order == nil {
		return errors.New("a NumPy array of records, want one of numbers")
	}
	a.Type, a.Fortran, a.order = kind[2]+kind[3], order[1] == "True", binary.LittleEndian
	if kind[1] == ">" {
		a.order = binary.BigEndian
	}
	if !strings.Contains(" b1 i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 ", " "+a.Type+" ") {
		return fmt.Errorf("a NumPy array of type %s, want one of numbers", a.Type)
	}
	a.size = int(a.Type[1] - '0')
	a.bytes = a.size
	for cell := range strings.SplitSeq(shape[1], ",") {
		if cell = strings.TrimSpace(cell); cell == "" {
			continue // behind the last comma
		}
		n, err := strconv.Atoi(cell)
		if err != nil || n > 0 && a.bytes > math.MaxInt/2/n {
			return fmt.Errorf("a NumPy array of shape (%s): too large", shape[1])
		}
		a.Shape, a.bytes = append(a.Shape, n), a.bytes*n
	}
	return nil
}

// Float returns the value at an index an axis. The index must be within Shape.
func (a *Array) Float(index ...int) float64 {
	v := a.bits(index)
	switch a.Type {
	case "f4":
		return float64(math.Float32frombits(uint32(v)))
	case "f8":
		return math.Float64frombits(v)
	}
	if a.Type[0] == 'i' {
		shift := 64 - 8*a.size
		return float64(int64(v<<shift) >> shift)
	}
	return float64(v)
}

// bits returns the bytes of a value as a number.
func (a *Array) bits(index []int) uint64 {
	if len(index) != len(a.Shape) {
		panic(fmt.Sprintf("npy: %d indices of an array of %d axes", len(index), len(a.Shape)))
	}
	at := 0
	for k := range index {
		axis := k
		if a.Fortran {
			axis = len(index) - 1 - k
		}
		at = at*a.Shape[axis] + index[axis]
	}
	b := a.data[at*a.size:]
	switch a.size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(a.order.Uint16(b))
	case 4:
		return uint64(a.order.Uint32(b))
	}
	return a.order.Uint64(b)
}
