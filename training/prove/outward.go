package prove

import "math"

// u is the unit roundoff of float64.
const u = 0x1p-53

// up returns the next float64 above x.
func up(x float64) float64 { return math.Nextafter(x, math.Inf(1)) }

// plus and times are sums and products of numbers that aren't negative, rounded up.
func plus(x ...float64) float64 {
	s := 0.0
	for _, v := range x {
		s = up(s + v)
	}
	return s
}

func times(x ...float64) float64 {
	p := 1.0
	for _, v := range x {
		if v == 0 {
			return 0
		}
		if v != 1 {
			p = up(p * v)
		}
	}
	return p
}

// root is a square root rounded up.
func root(x float64) float64 { return up(math.Sqrt(x)) }

// hypot is the root of a sum of squares, rounded up.
func hypot(x ...float64) float64 {
	s, most := 0.0, 0.0
	for _, v := range x {
		s, most = plus(s, times(v, v)), max(most, v)
	}
	if s == most*most {
		return most
	}
	return root(s)
}

// An inaccuracy bounds the error of each of some numbers: rel times its size, plus abs.
type inaccuracy struct{ rel, abs float64 }

// of returns the error of numbers of at most this size.
func (e inaccuracy) of(size float64) float64 { return plus(times(e.rel, size), e.abs) }

// product is the inaccuracy of products, in float64, of numbers of at most the sizes of a and b.
func product(e inaccuracy, a float64, f inaccuracy, b float64) inaccuracy {
	a, b = math.Abs(a), math.Abs(b)
	if e.abs == 0 && f.abs == 0 {
		return inaccuracy{rel: 1.01 * (e.rel + f.rel + u), abs: 1e-300}
	}
	da, db := e.of(a), f.of(b)
	return inaccuracy{abs: 1.01*(da*b+db*a+da*db+u*a*b) + 1e-300}
}

// sumOf is the inaccuracy of sums of so many numbers of at most this size.
func sumOf(e inaccuracy, terms int, size float64) inaccuracy {
	n := float64(terms)
	return inaccuracy{abs: 1.01*n*(e.of(size)+n*u*size) + 1e-300}
}

// largest is the largest size of some numbers; of none it is 1.
func largest(x []float64) float64 {
	if x == nil {
		return 1
	}
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	return most
}
