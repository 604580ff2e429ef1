package lab

import (
	"math"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Radii are what a smoothed score of mean P certifies, in units of σ.
type Radii struct {
	P, LSigma               float64
	Cohen, Published, Exact float64
	Alone                   float64 // (P - ½)/L: without the noise
}

// Ordered reports whether Cohen ≤ Published ≤ Exact, to nine digits.
func (r Radii) Ordered() bool {
	const slack = 1 + 1e-9
	return r.Cohen <= r.Published*slack && r.Published <= r.Exact*slack
}

// Grid returns points × points radii: of means between ½ and 1 - 10⁻⁶, and of products Lσ from 0.01
// to 100.
func Grid(points int) (grid []Radii) {
	for i := range points {
		c := rs.Smoothed{Sigma: 1, L: math.Pow(10, -2+4*float64(i)/float64(max(1, points-1)))}
		for j := range points {
			p := 1 - 0.5*math.Pow(2e-6, float64(j+1)/float64(points))
			grid = append(grid, Radii{p, c.L, rs.CohenRadius(1, p), c.PaperRadius(p), c.Radius(p),
				(p - 0.5) / c.L})
		}
	}
	return grid
}

// ThreeRadii returns the rows of a table. Each has the mean of a score, and the radii that Cohen's,
// the published and the exact formula certify.
func ThreeRadii(c rs.Smoothed, means ...float64) (rows [][]any) {
	for _, p := range means {
		rows = append(rows, []any{p, rs.CohenRadius(c.Sigma, p), c.PaperRadius(p), c.Radius(p)})
	}
	return rows
}

// Count returns how many of all hold.
func Count[T any](all []T, holds func(T) bool) (n int) {
	for _, v := range all {
		if holds(v) {
			n++
		}
	}
	return n
}

// Most returns the largest value over all.
func Most[T any](all []T, value func(T) float64) float64 {
	most := math.Inf(-1)
	for _, v := range all {
		most = max(most, value(v))
	}
	return most
}

// Bisect returns the point between low and high where f ceases to hold, to the last digit, on the
// side where f holds. It returns low where f never holds.
func Bisect(low, high float64, f func(float64) bool) float64 {
	for range 60 {
		if at := (low + high) / 2; f(at) {
			low = at
		} else {
			high = at
		}
	}
	return low
}
