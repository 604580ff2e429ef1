package onnx

import "math"

// toFloat16 rounds to the nearest IEEE 754 binary16, ties to even. Numbers over its largest, 65504,
// become infinite.
func toFloat16(x float32) uint16 {
	bits := math.Float32bits(x)
	sign, magnitude := uint16(bits>>16)&0x8000, bits&0x7fff_ffff
	switch {
	case magnitude > 0x7f80_0000: // NaN
		return sign | 0x7e00
	case magnitude >= 0x4780_0000: // 2¹⁶
		return sign | 0x7c00
	case magnitude < 0x3880_0000: // 2⁻¹⁴: below, steps of 2⁻²⁴
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(magnitude))*(1<<24)))
	}
	magnitude -= 112 << 23 // the difference of the exponents' biases, 127 and 15
	magnitude += 0xfff + magnitude>>13&1
	return sign | uint16(magnitude>>13)
}

// fromFloat16 is exact.
func fromFloat16(h uint16) float32 {
	sign, exponent, fraction := uint32(h&0x8000)<<16, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0:
		x := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(x) | sign)
	case 0x1f:
		return math.Float32frombits(sign | 0x7f80_0000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
