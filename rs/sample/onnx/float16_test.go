package onnx

import (
	"math"
	"testing"
)

// Every binary16 goes to float32 and back, and what lies between two goes to the nearer, or to the
// even one.
func TestFloat16(t *testing.T) {
	for h := range uint16(0x7c00) { // finite, not negative
		x, next := fromFloat16(h), fromFloat16(h+1)
		middle := float32((float64(x) + float64(next)) / 2)
		even := h + h&1
		if h == 0x7bff {
			x, middle = 65504, 65520
		}
		for _, c := range []struct {
			x    float32
			want uint16
		}{
			{x, h}, {-x, h | 0x8000}, {middle, even}, {-middle, even | 0x8000},
			{math.Nextafter32(middle, 0), h}, {math.Nextafter32(middle, 1e9), h + 1},
		} {
			if got := toFloat16(c.x); got != c.want {
				t.Fatalf("%v is %#x, want %#x", c.x, got, c.want)
			}
		}
	}
	for x, want := range map[float32]uint16{1: 0x3c00, -2: 0xc000, 65504: 0x7bff, 1e9: 0x7c00,
		float32(math.Inf(-1)): 0xfc00, 0x1p-24: 1, 0x1p-26: 0} {
		if got := toFloat16(x); got != want {
			t.Errorf("%v is %#x, want %#x", x, got, want)
		}
	}
	if x := fromFloat16(toFloat16(float32(math.NaN()))); x == x {
		t.Errorf("NaN is %v", x)
	}
	if x := fromFloat16(0xfc00); !math.IsInf(float64(x), -1) {
		t.Errorf("-Inf is %v", x)
	}
}
