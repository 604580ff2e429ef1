// Package sample draws the noisy predictions of a classifier on a GoMLX backend and counts them
// there: only votes and histograms of the selected class's margin come back.
//
// Every draw is a function of (seed, example, phase, block): blocks of draws start their own
// stream of random numbers, so the order of work, a resumed run and shards change nothing.
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
	Selection  Phase = iota // what is chosen may depend on this one
	Estimation              // what is bounded depends on this one
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

// state is the start of the stream of a block, in the form of GoMLX's random generators. All
// words are spread by SHA-256 (the pure-Go backend seeds from the first two alone).
func state(seed uint64, example int, phase Phase, block int) []uint64 {
	h := key(seed, example, phase, block)
	return []uint64{
		binary.LittleEndian.Uint64(h[0:]), binary.LittleEndian.Uint64(h[8:]), binary.LittleEndian.Uint64(h[16:]),
	}
}

// normal returns independent standard normal draws by Box and Muller's method, both halves of
// it: x = √(-2 ln u)·(cos, sin)(2πv), half the random numbers of GoMLX's RandomNormal.
// u is a multiple of 2⁻³², lifted by 2⁻³³ off 0, so |x| < 6.8.
func normal(rng *Node, dimensions ...int) *Node {
	n := 1
	for _, d := range dimensions {
		n *= d
	}
	half := (n + 1) / 2
	_, uv := RandomUniform(rng, shapes.Make(dtypes.Float32, 2, half))
	r := Sqrt(MulScalar(Log(AddScalar(Slice(uv, AxisElem(0)), 0x1p-33)), -2))
	cos, sin := turn(AddScalar(Slice(uv, AxisElem(1)), -0.5))
	z := Reshape(Concatenate([]*Node{Mul(r, cos), Mul(r, sin)}, 0), 2*half)
	if 2*half > n {
		z = Slice(z, AxisRange(0, n))
	}
	return Reshape(z, dimensions...)
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

// scale is the float32 that noise of standard deviation sigma is scaled by: never below it, since the radii of a
// mean grow with σ, so that noise larger than stated only costs radius.
func scale(sigma float64) float32 {
	s := float32(sigma)
	if float64(s) < sigma {
		s = math.Nextafter32(s, math.MaxFloat32)
	}
	return s
}

// noisy returns block images x + σz, [block, h, w, c], from x, [h, w, c].
func noisy(x, sigma, rng *Node, block int) *Node {
	d := x.Shape().Dimensions
	return Add(ExpandAxes(x, 0), Mul(sigma, normal(rng, block, d[0], d[1], d[2])))
}
