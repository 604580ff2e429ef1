package lab

import (
	"math"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
)

func TestGrid(t *testing.T) {
	grid := Grid(5)
	first, last := grid[0], grid[len(grid)-1]
	if len(grid) != 25 || first.LSigma != 0.01 || math.Abs(last.LSigma-100) > 1e-9 ||
		math.Abs(last.P-(1-1e-6)) > 1e-12 {
		t.Errorf("%d pairs from %+v to %+v", len(grid), first, last)
	}
	for _, r := range grid {
		if !(0 < r.Cohen && r.Ordered() && r.Alone <= r.Exact*(1+1e-9)) {
			t.Errorf("%+v", r)
		}
	}
}

// MATH.md, section 3: σ = 0.25, L = 0.1.
func TestThreeRadii(t *testing.T) {
	rows := ThreeRadii(rs.Smoothed{Sigma: 0.25, L: 0.1}, 0.85, 0.99)
	for i, want := range [][2]float64{{2.42, 3.5}, {1.24, 5.0}} {
		if paper, exact := rows[i][2].(float64),
			rows[i][3].(float64); math.Abs(paper-want[0]) > 0.01 || math.Abs(exact-want[1]) > 0.2 {
			t.Errorf("p = %v: published %g, exact %g, want %v", rows[i][0], paper, exact, want)
		}
	}
}

func TestCountMost(t *testing.T) {
	x := []float64{1, -3, 2}
	if n := Count(x, func(v float64) bool { return v > 0 }); n != 2 {
		t.Errorf("%d positive, want 2", n)
	}
	if m := Most(x, func(v float64) float64 { return v * v }); m != 9 {
		t.Errorf("largest square %g, want 9", m)
	}
}

func TestOrdered(t *testing.T) {
	for r, want := range map[Radii]bool{{Cohen: 1, Published: 1, Exact: 1}: true,
		{Cohen: 1.1, Published: 1, Exact: 2}: false, {Cohen: 1, Published: 2, Exact: 1.9}: false} {
		if r.Ordered() != want {
			t.Errorf("%+v: %v, want %v", r, !want, want)
		}
	}
}

func TestBisect(t *testing.T) {
	if x := Bisect(0, 2, func(x float64) bool { return x*x < 2 }); !(x*x < 2) ||
		math.Abs(x-math.Sqrt2) > 1e-15 {
		t.Errorf("√2 is not %v", x)
	}
	if x := Bisect(0.25, 1, func(float64) bool { return false }); x != 0.25 {
		t.Errorf("got %v, want the lower end", x)
	}
}
