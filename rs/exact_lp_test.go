package rs

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize/convex/lp"
)

// This file computes the exact radius by brute force. A linear program finds the worst score on a
// line, over the score's values on a grid. It knows nothing of ramps.

// hats returns the mean of each hat function of the grid under N(mean, sigma²). The sum of these
// means times f's values is the mean of f, where f is linear between grid points and constant
// outside. E max(X - u, 0) is exact.
func hats(grid []float64, mean, sigma float64) []float64 {
	loss := func(u float64) float64 {
		z := (u - mean) / sigma
		return sigma * (math.Exp(-z*z/2)/math.Sqrt(2*math.Pi) - z*math.Erfc(z/math.Sqrt2)/2)
	}
	w := make([]float64, len(grid))
	w[0] = 1
	for i := 1; i < len(grid); i++ { // the mean of what f gains in the cell, over its height
		gain := (loss(grid[i-1]) - loss(grid[i])) / (grid[i] - grid[i-1])
		w[i-1], w[i] = w[i-1]-gain, gain
	}
	for i := range w {
		w[i] = max(0, w[i])
	}
	return w
}

// A scored is a score in [0, 1], l-Lipschitz, whose mean under noise σ at 0 is at least p.
type scored struct{ sigma, l, p float64 }

// worstMean returns the smallest mean of such a score at -delta. The mean is the maximum of the
// dual program, whose slacks are a first vertex,
//
//	max p y - Σ u_i - Σ L h_i (v_i + w_i),
//	a_i y - u_i + v_{i-1} - v_i - w_{i-1} + w_i <= b_i,  all >= 0,
//
// where a and b are the weights of f's values in the two means.
func (s scored) worstMean(t *testing.T, grid []float64, delta float64) float64 {
	t.Helper()
	sigma, l, p := s.sigma, s.l, s.p
	a, b := hats(grid, 0, sigma), hats(grid, -delta, sigma)
	n := len(grid)
	var cells []int // in which the constant can bind
	for i := range n - 1 {
		if l*(grid[i+1]-grid[i]) < 1 {
			cells = append(cells, i)
		}
	}
	columns := 1 + n + 2*len(cells) + n
	A, c := mat.NewDense(n, columns, nil), make([]float64, columns)
	c[0] = -p
	basic := make([]int, n)
	for i := range n {
		A.Set(i, 0, a[i])
		A.Set(i, 1+i, -1)
		c[1+i] = 1
		basic[i] = columns - n + i
		A.Set(i, basic[i], 1)
	}
	for j, i := range cells {
		up, down := 1+n+2*j, 2+n+2*j
		A.Set(i, up, -1)
		A.Set(i+1, up, 1)
		A.Set(i, down, 1)
		A.Set(i+1, down, -1)
		c[up], c[down] = l*(grid[i+1]-grid[i]), l*(grid[i+1]-grid[i])
	}
	least, _, err := lp.Simplex(c, A, b, 1e-10, basic)
	if err != nil {
		t.Fatalf("σ = %g, L = %g, p = %g, δ = %g: %v", sigma, l, p, delta, err)
	}
	return -least
}

// lineGrid is fine about -delta, where a score may have to turn within 1/L. It covers all the mass
// of both means.
func lineGrid(sigma, l, delta float64) []float64 {
	const reach, coarse = 5.5, 40
	fine := 37 // no point at either end of the worst ramp
	if l*sigma < 0.2 {
		fine = 107
	}
	var grid []float64
	first, last := min(0, -delta)-reach*sigma, max(0, -delta)+reach*sigma
	for i := range coarse + 1 {
		grid = append(grid, first+(last-first)*float64(i)/coarse)
	}
	half := 0.75 / l
	for i := range fine + 1 {
		grid = append(grid, -delta+half*(2*float64(i)/float64(fine)-1))
	}
	slices.Sort(grid)
	least := 1e-6 * sigma
	return slices.CompactFunc(grid, func(x, y float64) bool { return math.Abs(y-x) < least })
}

func TestExactRadiusIsALinearProgram(t *testing.T) {
	for _, c := range []struct{ sigma, l, p float64 }{
		{1, 0.1, 0.6}, {1, 0.1, 0.9}, {0.25, 0.8, 0.7}, {0.25, 2, 0.99}, {1, 1, 0.55}, {1, 1, 0.8},
		{1, 1, 0.999},
		{0.5, 4, 0.9}, {0.5, 10, 0.75}, {2, 2.5, 0.95}, {1, 20, 0.6}, {1, 20, 0.99},
		{0.12, 100, 0.9},
	} {
		s := Smoothed{Sigma: c.sigma, L: c.l}
		radius := s.Radius(c.p)
		grid := lineGrid(c.sigma, c.l, radius)
		// The worst mean falls with δ, and passes 1/2 between these.
		before := scored{c.sigma, c.l, c.p}.worstMean(t, grid, radius-1e-3*c.sigma)
		after := scored{c.sigma, c.l, c.p}.worstMean(t, grid, radius+1e-3*c.sigma)
		t.Logf("%+v: radius %.4f, the worst mean %.6f just before it and %.6f just after", c,
			radius, before, after)
		if before < 0.5 || after > 0.5 {
			t.Errorf("%+v: radius %g, the worst mean is %g just before it and %g just after", c,
				radius, before, after)
		}
		// At any other δ, the worst mean is F(F⁻¹(p) - δ). No score on the grid has a lower mean,
		// and one nearly has it.
		for _, delta := range []float64{radius / 2, 1.3 * radius} {
			want := s.F(s.Inverse(c.p) - delta)
			got := scored{c.sigma, c.l, c.p}.worstMean(t, lineGrid(c.sigma, c.l, radius), delta)
			if got < want-1e-8 || got > want+2e-3 {
				t.Errorf("%+v, δ = %g: the worst mean is %g, want %g", c, delta, got, want)
			}
		}
	}
}

// TestExactRadiusOfTwoIsALinearProgram: the lowest mean of one score and the highest mean of
// another meet at Radius2. The highest mean of f is 1 less the lowest of 1-f.
func TestExactRadiusOfTwoIsALinearProgram(t *testing.T) {
	for _, c := range []struct{ sigma, l, p1, p2 float64 }{
		{1, 0.1, 0.6, 0.3}, {0.25, 2, 0.8, 0.1}, {1, 1, 0.45, 0.4}, {1, 1, 0.9, 0.001},
		{0.5, 4, 0.3, 0.05}, {0.5, 20, 0.7, 0.2}, {1, 20, 0.4, 0.1},
	} {
		s := Smoothed{Sigma: c.sigma, L: c.l}
		radius := s.Radius2(c.p1, c.p2)
		// Each ramp is centred where its mean is 1/2.
		one, two := lineGrid(c.sigma, c.l, s.Inverse(c.p1)),
			lineGrid(c.sigma, c.l, s.Inverse(1-c.p2))
		lead := func(delta float64) float64 {
			return scored{c.sigma, c.l, c.p1}.worstMean(t, one,
				delta) - (1 - scored{c.sigma, c.l, 1 - c.p2}.worstMean(t, two, delta))
		}
		before, after := lead(radius-1e-3*c.sigma), lead(radius+1e-3*c.sigma)
		t.Logf("%+v: radius %.4f, the lead %.6f just before it and %.6f just after", c, radius,
			before, after)
		if before < 0 || after > 0 {
			t.Errorf("%+v: radius %g, the lead is %g just before it and %g just after", c, radius,
				before, after)
		}
	}
}
