package lip

import "math"

// u is the unit roundoff of float64.
const u = 0x1p-53

// up returns the next float64 above x. It turns the result of one correctly rounded operation into
// an upper bound.
func up(x float64) float64 { return math.Nextafter(x, math.Inf(1)) }

// outward turns x into an upper bound where up to a thousand sums, products, quotients and roots of
// numbers that aren't negative led to x, each correctly rounded.
func outward(x float64) float64 { return x * (1 + 0x1p-42) }
