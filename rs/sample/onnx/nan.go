package onnx

import (
	"encoding/binary"
	"math"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// hasNaN tells whether little-endian elements hold a NaN. Only types of floats can.
func hasNaN(k onnxfile.Kind, b []byte) bool {
	width := map[onnxfile.Kind]int{onnxfile.Float16: 2, onnxfile.Bfloat16: 2, onnxfile.Float32: 4,
		onnxfile.Float64: 8}[k]
	if width == 0 {
		return false
	}
	for ; len(b) >= width; b = b[width:] {
		var bits uint64
		switch width {
		case 2:
			bits = uint64(binary.LittleEndian.Uint16(b))
		case 4:
			bits = uint64(binary.LittleEndian.Uint32(b))
		case 8:
			bits = binary.LittleEndian.Uint64(b)
		}
		if isNaN(k, bits) {
			return true
		}
	}
	return false
}

// isNaN tells it from the bits of one element: the whole exponent, and some of the fraction.
func isNaN(k onnxfile.Kind, bits uint64) bool {
	switch k {
	case onnxfile.Float32:
		return bits&math.MaxInt32 > 0x7f80_0000
	case onnxfile.Float64:
		return bits&math.MaxInt64 > 0x7ff0_0000_0000_0000
	case onnxfile.Float16:
		return bits&math.MaxInt16 > 0x7c00
	case onnxfile.Bfloat16:
		return bits&math.MaxInt16 > 0x7f80
	}
	return false
}
