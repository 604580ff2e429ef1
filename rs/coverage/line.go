package coverage

import (
	"math"
	"math/rand/v2"
)

// A Line is a 1-Lipschitz function of the line, linear between rising points. Its law under
// Gaussian noise is known, so it gives margins to try certificates on. Outside its points, the
// function is -∞.
type Line struct{ X, Y []float64 }

// RandomLine returns a line over [-reach, reach] with values in [-2, 2]. Half of its pieces have a
// slope of ±1.
func RandomLine(r *rand.Rand, reach float64) Line {
	var f Line
	x, y := -reach, 4*r.Float64()-2
	for {
		f.X, f.Y = append(f.X, x), append(f.Y, y)
		if x >= reach {
			return f
		}
		step := 0.05 + 2*r.Float64()
		slope := 2*r.Float64() - 1
		if r.IntN(2) == 0 {
			slope = math.Copysign(1, slope)
		}
		x, y = x+step, min(max(y+slope*step, -2), 2)
	}
}

// Above returns P(f(x+σZ) >= level) for Z ~ N(0, 1): an estimate to some 1e-15.
func (f Line) Above(x, sigma, level float64) float64 {
	p := 0.0
	below := func(at float64) float64 { return math.Erfc((x-at)/(sigma*math.Sqrt2)) / 2 }
	for i := 1; i < len(f.X); i++ {
		a, b, ya, yb := f.X[i-1], f.X[i], f.Y[i-1], f.Y[i]
		if ya < level && yb < level {
			continue
		}
		if ya < level {
			a += (level - ya) / (yb - ya) * (b - a)
		} else if yb < level {
			b = a + (level-ya)/(yb-ya)*(b-a)
		}
		p += below(b) - below(a)
	}
	return p
}
