// Package sample draws noisy predictions of a classifier on a GoMLX backend, and counts them there.
// Votes and histograms of the selected class's margin come back, and the logits of the few
// selection draws.
//
// Every draw is a function of (seed, example, phase, block), since each block has a separate stream
// of random numbers. So the order of work, the size of a batch, a resumed run and shards change no
// draw.
package sample

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Phase is one of the two independent draws of an example.
type Phase int

const (
	Selection  Phase = iota // choices may depend on this draw
	Estimation              // bounds come from this draw
)

func (p Phase) String() string {
	switch p {
	case Selection:
		return "selection"
	case Estimation:
		return "estimation"
	}
	return fmt.Sprintf("phase %d", int(p))
}

// state is the start of the stream of a block, from its key, in the form of GoMLX's random
// generators. All words are spread by SHA-256 (the pure-Go backend seeds from the first two alone).
func state(h [32]byte) []uint64 {
	return []uint64{
		binary.LittleEndian.Uint64(h[0:]), binary.LittleEndian.Uint64(h[8:]),
		binary.LittleEndian.Uint64(h[16:]),
	}
}

// normal returns independent standard normal draws, [m, dimensions…], each of m from the stream of
// its state, [m, 3]. It takes both halves of Box and Muller's method, x = √(-2 ln u)·(cos,
// sin)(2πv). That is half the random numbers of GoMLX's RandomNormal. The number u is a multiple of
// 2⁻³², lifted by 2⁻³³ off 0, so |x| < 6.8.
func normal(states *Node, dimensions ...int) *Node {
	n, m := 1, states.Shape().Dimensions[0]
	for _, d := range dimensions {
		n *= d
	}
	half := (n + 1) / 2
	uniform := make([]*Node, m)
	for i := range uniform {
		_, uv := RandomUniform(Reshape(Slice(states, AxisElem(i)), -1),
			shapes.Make(dtypes.Float32, 2, half))
		uniform[i] = ExpandAxes(uv, 0)
	}
	uv := Concatenate(uniform, 0) // [m, 2, half]
	r := Sqrt(MulScalar(Log(AddScalar(Slice(uv, AxisRange(), AxisElem(0)), 0x1p-33)), -2))
	cos, sin := turn(AddScalar(Slice(uv, AxisRange(), AxisElem(1)), -0.5))
	z := Reshape(Concatenate([]*Node{Mul(r, cos), Mul(r, sin)}, 1), m, 2*half)
	if 2*half > n {
		z = Slice(z, AxisRange(), AxisRange(0, n))
	}
	return Reshape(z, append([]int{m}, dimensions...)...)
}

// turn returns cos 2πv and sin 2πv, -½ <= v < ½, to 6e-7: Taylor's polynomials of πv, doubled. It
// takes half the time of Cos and Sin on XLA's CPU, a sixth of what sampling a small network takes.
func turn(v *Node) (cos, sin *Node) {
	a := MulScalar(v, math.Pi) // |a| <= π/2
	a2 := Mul(a, a)
	s := Mul(a, horner(a2, 1, -1./6, 1./120, -1./5040, 1./362880, -1./39916800))
	c := horner(a2, 1, -1./2, 1./24, -1./720, 1./40320, -1./3628800, 1./479001600)
	return OneMinus(MulScalar(Mul(s, s), 2)), MulScalar(Mul(s, c), 2)
}

// horner is the polynomial of x with these coefficients, the constant first.
func horner(x *Node, coefficients ...float64) *Node {
	last := len(coefficients) - 1
	p := MulScalar(x, coefficients[last])
	for i := last - 1; i > 0; i-- {
		p = Mul(AddScalar(p, coefficients[i]), x)
	}
	return AddScalar(p, coefficients[0])
}

// scale is the float32 factor of noise of standard deviation sigma, rounded up. The radii of a mean
// grow with σ, so noise larger than stated only costs radius.
func scale(sigma float64) float32 {
	s := float32(sigma)
	if float64(s) < sigma {
		s = math.Nextafter32(s, math.MaxFloat32)
	}
	return s
}

// noisy returns images x + σz, [m·block, h, w, c]. Each of xs, [m, h, w, c], gets a block, drawn
// from its state, [m, 3].
func noisy(xs, sigma, states *Node, block int) *Node {
	d := xs.Shape().Dimensions
	z := normal(states, block, d[1], d[2], d[3])
	return Reshape(Add(ExpandAxes(xs, 1), Mul(sigma, z)), d[0]*block, d[1], d[2], d[3])
}
