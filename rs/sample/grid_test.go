package sample

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// normalBig is Φ(x) by Taylor's series of the density in 400 bits; √(2π) from 40 decimals would do
// no harm below 1e-38.
func normalBig(x float64) *big.Float {
	at := func(v float64) *big.Float { return new(big.Float).SetPrec(400).SetFloat64(v) }
	root, _, _ := big.ParseFloat("2.50662827463100050241576528481104525300698674060993831662992357",
		10, 400, big.ToNearestEven)
	term, sum, square := at(x), at(x), new(big.Float).Mul(at(x), at(x))
	for k := 1; k < 2000; k++ {
		term.Mul(term, square)
		term.Quo(term, at(-2*float64(k)))
		sum.Add(sum, new(big.Float).Quo(term, at(float64(2*k+1))))
	}
	return sum.Add(sum.Quo(sum, root), at(0.5))
}

// The cumulative probabilities are those of rounded Gaussian noise to 2⁻¹²⁶.
func TestGridProbabilities(t *testing.T) {
	for _, c := range []struct {
		steps int
		sigma float64
	}{{255, 0.016}, {255, 0.5}, {GridSteps(0.12), 0.12}} {
		g, err := NewGrid(c.steps, c.sigma)
		if err != nil {
			t.Fatal(err)
		}
		if len(g.high) != 2*g.most+1 || !slices.IsSorted(g.high) {
			t.Fatalf("%+v: %d entries", c, len(g.high))
		}
		s := float64(c.steps) * c.sigma
		for _, z := range []float64{-13, -9, -4, -1, 0, 0.3, 1, 2.5, 6} {
			j := int(math.Round(z * s))
			word := func(x uint64) *big.Float { return new(big.Float).SetPrec(400).SetUint64(x) }
			got := new(big.Float).SetMantExp(word(g.high[j+g.most]), 64)
			got.Add(got, word(g.low[j+g.most]))
			got.SetMantExp(got, -128)
			// s is rounded in float64, so that the argument may be off by as much.
			want := normalBig((float64(j) + 0.5) / s)
			off, _ := new(big.Float).Sub(got, want).Float64()
			slope := distuv.UnitNormal.Prob((float64(j) + 0.5) / s)
			if math.Abs(off) > 0x1p-126+4e-16*slope*(1+math.Abs(z)) {
				t.Errorf("%+v: P(J <= %d) is off by %g", c, j, off)
			}
		}
		// By symmetry P(J <= j) + P(J <= -j-1) = 1, to the last bit.
		for j := range g.most {
			low := g.low[g.most+j] + g.low[g.most-j-1]
			high := g.high[g.most+j] + g.high[g.most-j-1]
			if low < g.low[g.most+j] {
				high++
			}
			if high != math.MaxUint64 && !(high == 0 && low < 4) {
				t.Fatalf("%+v: P(J <= %d) + P(J <= %d) is %x %x", c, j, -j-1, high, low)
			}
		}
	}
}

func TestGridDraws(t *testing.T) {
	const n, sigma = 1 << 20, 0.05
	g, err := NewGrid(255, sigma)
	if err != nil {
		t.Fatal(err)
	}
	s := 255 * sigma
	points := []int{0, 100, 255}
	images := make([]float32, 3*n)
	g.noisy(images, points, key(1, 2, Estimation, 3))
	counts := map[int]int{}
	sum, squares := 0.0, 0.0
	for i, v := range images {
		j := math.Round(255*float64(v)) - float64(points[i%3])
		if math.Abs(float64(v)-(float64(points[i%3])+j)/255) > 1e-7*(1+math.Abs(float64(v))) {
			t.Fatalf("value %d, %v, isn't on the grid", i, v)
		}
		counts[int(j)]++
		sum, squares = sum+j, squares+j*j
	}
	m := float64(len(images))
	if math.Abs(sum/m) > 5*s/math.Sqrt(m) || math.Abs(squares/m-s*s-1./12) > 5*s*s*math.Sqrt(2/m) {
		t.Errorf("mean %g, mean square %g, want 0, %g", sum/m, squares/m, s*s+1./12)
	}
	chi, cells := 0.0, 0
	for j := -60; j <= 60; j++ {
		p := distuv.UnitNormal.CDF((float64(j)+0.5)/s) - distuv.UnitNormal.CDF((float64(j)-0.5)/s)
		if want := m * p; want > 20 {
			chi += (float64(counts[j]) - want) * (float64(counts[j]) - want) / want
			cells++
		}
	}
	if limit := float64(cells) + 5*math.Sqrt(2*float64(cells)); chi > limit {
		t.Errorf("χ² %g of %d cells", chi, cells)
	}
	again := make([]float32, 30)
	g.noisy(again, points, key(1, 2, Estimation, 3))
	if !slices.Equal(again, images[:30]) {
		t.Error("drawn again, it differs")
	}
	for _, other := range [][4]int{{2, 2, 1, 3}, {1, 3, 1, 3}, {1, 2, 0, 3}, {1, 2, 1, 4}} {
		g.noisy(again, points, key(uint64(other[0]), other[1], Phase(other[2]), other[3]))
		if slices.Equal(again, images[:30]) {
			t.Errorf("%v draws the same", other)
		}
	}
	// A number of 64 bits that thresholds share is told by 64 more.
	tied := Grid{high: []uint64{7, 7, math.MaxUint64}, low: []uint64{1 << 62, 1 << 63, math.MaxUint64},
		guide: make([]int32, 1<<guideBits)}
	r, seen := rand.NewChaCha8([32]byte{}), [3]int{}
	for range 10000 {
		seen[tied.draw(7, r)]++
	}
	if tied.draw(6, r) != 0 || tied.draw(8, r) != 2 || seen[0] < 2300 || seen[0] > 2700 ||
		seen[1] < 2300 || seen[1] > 2700 {
		t.Errorf("ties fall %v", seen)
	}
}

func TestGridRefuses(t *testing.T) {
	for _, c := range []struct {
		steps int
		sigma float64
	}{{254, 0.5}, {300, 0.5}, {255, 0.01}, {255, 1e6}, {255, math.NaN()}, {255 << 16, 0.1}, {0, 1}} {
		if _, err := NewGrid(c.steps, c.sigma); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	g, err := NewGrid(510, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []float32{0.5, -1. / 255, 256. / 255, float32(math.NaN())} {
		if _, err := g.points([]float32{0, x}); err == nil {
			t.Errorf("an image of %v is taken", x)
		}
	}
	if at, err := g.points([]float32{0, 3. / 255, 1}); err != nil || fmt.Sprint(at) != "[0 6 510]" {
		t.Errorf("%v, %v", at, err)
	}
	for _, sigma := range []float64{1e-6, 0.12, 0.5, 1, 10, 100} {
		steps := GridSteps(sigma)
		if s := float64(steps) * sigma; steps%Levels != 0 || steps > mostGrid || s < leastDeviation {
			t.Errorf("σ = %g: %d steps", sigma, steps)
		}
	}
}

func BenchmarkGrid(b *testing.B) {
	g, err := NewGrid(GridSteps(0.5), 0.5)
	if err != nil {
		b.Fatal(err)
	}
	images, points := make([]float32, 100*784), make([]int, 784)
	for b.Loop() {
		g.noisy(images, points, key(1, 2, Estimation, 3))
	}
	b.ReportMetric(float64(b.N*len(images))/b.Elapsed().Seconds()/1e6, "Mvalues/s")
}

func BenchmarkNewGrid(b *testing.B) {
	for b.Loop() {
		if _, err := NewGrid(GridSteps(0.5), 0.5); err != nil {
			b.Fatal(err)
		}
	}
}

// What float32 rounds off an image and its noisy copy is within Rounding, on the finest grid too.
func TestGridRounding(t *testing.T) {
	for _, c := range []struct {
		steps int
		sigma float64
	}{{Levels, 0.5}, {Levels << 4, 0.01}, {Levels << 15, 1e-6}} {
		g, err := NewGrid(c.steps, c.sigma)
		if err != nil {
			t.Fatal(err)
		}
		step := 1 / float64(c.steps)
		worst := 0.0
		for level := range Levels + 1 {
			x := float32(float64(level) / Levels)
			points, err := g.points([]float32{x})
			if err != nil {
				t.Fatal(err)
			}
			to := make([]float32, 100)
			g.noisy(to, points, [32]byte{byte(level)})
			for _, v := range to {
				steps := math.Round(float64(v)/step) - float64(points[0])
				worst = max(worst, math.Abs(float64(v)-float64(x)-steps*step)+step/2)
			}
		}
		if most := g.Rounding(1); worst > most || worst < most/5 {
			t.Errorf("%d steps, σ = %g: off by %g, and Rounding is %g", c.steps, c.sigma, worst, most)
		}
	}
}
