package onnxfile

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// A Kind is a type of a tensor's elements, as onnx.proto numbers them.
type Kind int32

// Kinds that are read.
const (
	Float32  Kind = 1
	Uint8    Kind = 2
	Int8     Kind = 3
	Int32    Kind = 6
	Int64    Kind = 7
	Bool     Kind = 9
	Float16  Kind = 10
	Float64  Kind = 11
	Bfloat16 Kind = 16
)

var kinds = [...]string{"undefined", "float32", "uint8", "int8", "uint16", "int16", "int32",
	"int64", "string", "bool", "float16", "float64", "uint32", "uint64", "complex64", "complex128",
	"bfloat16"}

func (k Kind) String() string {
	if k >= 0 && int(k) < len(kinds) {
		return kinds[k]
	}
	return "type " + strconv.Itoa(int(k))
}

// widths of the kinds' elements in bytes.
var widths = map[Kind]int{Float32: 4, Uint8: 1, Int8: 1, Int32: 4, Int64: 8, Bool: 1, Float16: 2,
	Float64: 8, Bfloat16: 2}

// Floating says whether elements of this kind are floating-point numbers.
func (k Kind) Floating() bool {
	return k == Float32 || k == Float64 || k == Float16 || k == Bfloat16
}

// MaxEntries bounds the entries of one tensor.
const MaxEntries = 1 << 28

// A Tensor is a weight or another constant, not yet decoded.
type Tensor struct {
	Name string
	Kind Kind
	Dims []int

	raw            []byte
	plain          []Field // repeated numbers, where raw is nil
	path           string  // of the model's file
	location       string  // of the file that holds the elements, or empty
	offset, length int64   // in that file; length -1 is the rest
}

func parseTensor(b []byte, path string) (Tensor, error) {
	t := Tensor{path: path, length: -1}
	err := each(b, func(x Field) error {
		switch x.Number {
		case 1:
			return Numbers(x, 0, func(n uint64) { t.Dims = append(t.Dims, int(n)) })
		case 2:
			t.Kind = Kind(x.N)
		case 4, 5, 7, 10:
			t.plain = append(t.plain, x)
		case 8:
			t.Name = string(x.B)
		case 9:
			t.raw = x.B
		case 13:
			return t.external(x.B)
		}
		return nil
	})
	if err == nil {
		_, err = Entries(t.Dims)
	}
	return t, err
}

// Entries multiplies the sides of a tensor. It returns an error where one is negative or the
// product too large.
func Entries(dims []int) (int, error) {
	n := 1
	for _, d := range dims {
		if d < 0 || d > MaxEntries {
			return 0, fmt.Errorf("a tensor with sides %v", dims)
		}
		if n *= d; n > MaxEntries {
			return 0, fmt.Errorf("a tensor with sides %v, more than %d entries", dims, MaxEntries)
		}
	}
	return n, nil
}

// external reads an entry of where the elements are stored.
func (t *Tensor) external(b []byte) error {
	key, value, err := pair(b)
	if err != nil {
		return err
	}
	switch key {
	case "location":
		t.location = value
	case "offset", "length":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("the %s of an external tensor is %q", key, value)
		}
		if key == "offset" {
			t.offset = n
		} else {
			t.length = n
		}
	}
	return nil
}

// bytes returns the elements, little-endian, or nil where they are plain numbers.
func (t Tensor) bytes(n int) ([]byte, error) {
	size := n * widths[t.Kind]
	b := t.raw
	if t.location != "" {
		if !filepath.IsLocal(t.location) {
			return nil, fmt.Errorf("weight %q lies at %q, not beside the model", t.Name, t.location)
		}
		f, err := os.Open(filepath.Join(filepath.Dir(t.path), t.location))
		if err != nil {
			return nil, fmt.Errorf("weight %q: %w", t.Name, err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if t.length >= 0 && t.length != int64(size) || t.offset > info.Size()-int64(size) {
			return nil, fmt.Errorf("weight %q: %s has no %d bytes at %d", t.Name, t.location, size,
				t.offset)
		}
		b = make([]byte, size)
		if _, err := io.ReadFull(io.NewSectionReader(f, t.offset, int64(size)), b); err != nil {
			return nil, fmt.Errorf("weight %q: %w", t.Name, err)
		}
	}
	if b != nil && len(b) != size {
		return nil, fmt.Errorf("weight %q has %d bytes, not the %d of its sides %v", t.Name, len(b),
			size, t.Dims)
	}
	return b, nil
}

// elements calls f with the bits of each element. Before that, it may call start with their number,
// once they are known to be there.
func (t Tensor) elements(start func(n int), f func(uint64)) error {
	n, err := Entries(t.Dims)
	if err != nil {
		return err
	}
	width := widths[t.Kind]
	if width == 0 {
		return fmt.Errorf("weight %q has elements of type %d, which aren't read here", t.Name,
			t.Kind)
	}
	b, err := t.bytes(n)
	if err != nil {
		return err
	}
	count := 0
	if b == nil {
		for _, x := range t.plain {
			width := map[bool]int{true: 4}[x.Number == 4]
			if x.Number == 10 {
				width = 8
			}
			if want := t.Kind.field(); x.Number != want {
				return fmt.Errorf("weight %q of type %d has its numbers in field %d, not %d",
					t.Name, t.Kind, x.Number, want)
			}
			if err := Numbers(x, width, func(v uint64) { count++; f(v) }); err != nil {
				return err
			}
		}
		if count != n {
			return fmt.Errorf("weight %q has %d numbers, not the %d of its sides %v", t.Name, count,
				n, t.Dims)
		}
		return nil
	}
	start(n)
	for ; len(b) > 0; b = b[width:] {
		switch width {
		case 1:
			f(uint64(b[0]))
		case 2:
			f(uint64(binary.LittleEndian.Uint16(b)))
		case 4:
			f(uint64(binary.LittleEndian.Uint32(b)))
		case 8:
			f(binary.LittleEndian.Uint64(b))
		}
	}
	return nil
}

// Field is where TensorProto has plain numbers of a kind.
func (k Kind) field() protowire.Number {
	switch k {
	case Float32:
		return 4
	case Float64:
		return 10
	case Int64:
		return 7
	}
	return 5
}

// Floats returns the elements of a tensor of floating-point numbers. It returns an error where one
// isn't finite.
func (t Tensor) Floats() ([]float64, error) {
	var x []float64
	var bad error
	err := t.elements(func(n int) { x = make([]float64, 0, n) }, func(bits uint64) {
		v := math.NaN()
		switch t.Kind {
		case Float32:
			v = float64(math.Float32frombits(uint32(bits)))
		case Float64:
			v = math.Float64frombits(bits)
		case Float16:
			v = half(uint16(bits))
		case Bfloat16:
			v = float64(math.Float32frombits(uint32(bits) << 16))
		}
		if v-v != 0 && bad == nil {
			bad = fmt.Errorf("weight %q has an element that isn't a finite number", t.Name)
		}
		x = append(x, v)
	})
	if err == nil {
		err = bad
	}
	return x, err
}

// half is the value of a float16.
func half(b uint16) float64 {
	v := 0.0
	switch e := int(b >> 10 & 31); e {
	case 0:
		v = math.Ldexp(float64(b&1023), -24)
	case 31:
		return math.NaN() // or infinite
	default:
		v = math.Ldexp(float64(b&1023|1024), e-25)
	}
	if b>>15 != 0 {
		v = -v
	}
	return v
}

// Integers returns the elements of a tensor of integers or truth values.
func (t Tensor) Integers() ([]int64, error) {
	if t.Kind.Floating() {
		return nil, fmt.Errorf("weight %q has floating-point numbers where integers are wanted",
			t.Name)
	}
	var x []int64
	err := t.elements(func(n int) { x = make([]int64, 0, n) }, func(bits uint64) {
		v := int64(bits)
		switch t.Kind {
		case Int32:
			v = int64(int32(bits))
		case Int8:
			v = int64(int8(bits))
		case Uint8:
			v = int64(uint8(bits))
		case Bool:
			v = 0
			if bits != 0 {
				v = 1
			}
		}
		x = append(x, v)
	})
	return x, err
}

// Doubles is a tensor of float64.
func Doubles(values []float64, dims ...int) Tensor {
	t := Tensor{Kind: Float64, Dims: dims, raw: []byte{}}
	for _, v := range values {
		t.raw = binary.LittleEndian.AppendUint64(t.raw, math.Float64bits(v))
	}
	return t
}

// Longs is a tensor of int64, [len(values)].
func Longs(values ...int) Tensor {
	t := Tensor{Kind: Int64, Dims: []int{len(values)}, raw: []byte{}}
	for _, v := range values {
		t.raw = binary.LittleEndian.AppendUint64(t.raw, uint64(v))
	}
	return t
}
