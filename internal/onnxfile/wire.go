package onnxfile

import (
	"errors"
	"iter"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrBroken is the error for bytes that aren't a message of an ONNX file.
var ErrBroken = errors.New("truncated, or not an ONNX file")

// A Field of a message: N holds a number of any width, B what has a length.
type Field struct {
	Number protowire.Number
	N      uint64
	B      []byte
}

// each calls f with every field of a message, and stops at an error.
func each(b []byte, f func(Field) error) error {
	for x, err := range Fields(b) {
		if err == nil {
			err = f(x)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Fields are those of a message, which keep parts of b. An error ends them.
func Fields(b []byte) iter.Seq2[Field, error] {
	return func(yield func(Field, error) bool) {
		for len(b) > 0 {
			number, wire, n := protowire.ConsumeTag(b)
			if n < 0 {
				yield(Field{}, ErrBroken)
				return
			}
			b = b[n:]
			f := Field{Number: number}
			switch wire {
			case protowire.VarintType:
				f.N, n = protowire.ConsumeVarint(b)
			case protowire.Fixed32Type:
				var v uint32
				v, n = protowire.ConsumeFixed32(b)
				f.N = uint64(v)
			case protowire.Fixed64Type:
				f.N, n = protowire.ConsumeFixed64(b)
			case protowire.BytesType:
				f.B, n = protowire.ConsumeBytes(b)
				if f.B == nil {
					f.B = []byte{}
				}
			default:
				n = -1 // groups, which no version of the format has
			}
			if n < 0 {
				yield(Field{}, ErrBroken)
				return
			}
			b = b[n:]
			if !yield(f, nil) {
				return
			}
		}
	}
}

// Numbers calls f with the numbers of a repeated field, packed or one alone: of this many bytes, or
// varints where width is 0.
func Numbers(x Field, width int, f func(uint64)) error {
	if x.B == nil {
		f(x.N)
		return nil
	}
	for b := x.B; len(b) > 0; {
		var v uint64
		n := 0
		switch width {
		case 0:
			v, n = protowire.ConsumeVarint(b)
		case 4:
			var short uint32
			short, n = protowire.ConsumeFixed32(b)
			v = uint64(short)
		default:
			v, n = protowire.ConsumeFixed64(b)
		}
		if n < 0 {
			return ErrBroken
		}
		f(v)
		b = b[n:]
	}
	return nil
}
