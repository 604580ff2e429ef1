package sample

import (
	"math"
	"math/rand/v2"
)

// A strip of the ziggurat of Marsaglia & Tsang 2000 ("The ziggurat method for generating random
// variables"). All have equal area under exp(-x²/2). A draw j of 32 bits, with a sign, is at
// j·width.
type strip struct {
	inside uint32  // a draw of |j| below it lies under the curve
	width  float32 // 2⁻³¹ of the strip's
	top    float32 // the curve at the strip's right end
}

const (
	strips    = 128
	tailStart = 3.442619855899      // the right end of the widest strip but the base
	stripArea = 9.91256303526217e-3 // which the base has with its tail
)

// ziggurat has the base strip first, then the others from the narrowest on.
var ziggurat = func() (z [strips]strip) {
	const whole = 1 << 31
	curve := func(x float64) float64 { return math.Exp(-.5 * x * x) }
	base := stripArea / curve(tailStart)
	z[0] = strip{uint32(tailStart / base * whole), float32(base / whole), 1}
	for i, x := strips-1, tailStart; i > 0; i-- {
		z[i].width, z[i].top = float32(x/whole), float32(curve(x))
		if i > 1 {
			inner := math.Sqrt(-2 * math.Log(stripArea/x+curve(x)))
			z[i].inside = uint32(inner / x * whole)
			x = inner
		}
	}
	return z
}()

// addNormal fills to with x + by·z, over and over as often as x fits into it. The normal draws z
// are those of rand.New(r).NormFloat64 as float32, in two thirds of the time.
func addNormal(to, x []float32, by float32, r *rand.ChaCha8) {
	for ; len(to) >= len(x) && len(x) > 0; to = to[len(x):] {
		for i, v := range x {
			u := r.Uint64()
			j, s := int32(u), &ziggurat[u>>32%strips]
			z := float64(j) * float64(s.width)
			if uint32(max(j, -j)) >= s.inside {
				z = beyond(u, r)
			}
			to[i] = v + by*float32(z)
		}
	}
}

// beyond is the normal draw that begins with u. The first u lies beyond the part of its strip
// that is under the curve.
func beyond(u uint64, r *rand.ChaCha8) float64 {
	uniform := func() float64 { return float64(r.Uint64()<<11>>11) / (1 << 53) }
	for {
		j, i := int32(u), u>>32%strips
		s := ziggurat[i]
		z := float64(j) * float64(s.width)
		switch {
		case uint32(max(j, -j)) < s.inside:
			return z
		case i == 0: // the tail, by Marsaglia's method
			for {
				x := -math.Log(uniform()) * (1 / tailStart)
				if y := -math.Log(uniform()); 2*y >= x*x {
					return math.Copysign(tailStart+x, float64(j))
				}
			}
		case s.top+float32(uniform())*(ziggurat[i-1].top-s.top) < float32(math.Exp(-.5*z*z)):
			return z
		}
		u = r.Uint64()
	}
}
