package rs

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Two methods on three images: the second gains on each.
func ExamplePairedRadius() {
	image := func(label, class int, radius float64) Result {
		return Result{Label: label, Certificate: Certificate{Class: class, Radius: radius}}
	}
	votes := []Result{image(7, 7, 1.2), image(2, 2, 0.5), image(1, 3, 0.4)}
	margins := []Result{image(7, 7, 1.4), image(2, 2, 0.8), image(1, 1, 0.1)}
	gain := PairedRadius(margins, votes, 0.95)
	fmt.Println(gain, gain.Differs())
	// Output: 0.200 ± 0.248 false
}

// Of the numbers 1 to 10, scipy.stats.t.interval(0.95, 9, 5.5, sem) is 3.3341494 to 7.6658506.
func TestAverageOf(t *testing.T) {
	var x []float64
	for i := range 10 {
		x = append(x, float64(i+1))
	}
	a := AverageOf(x, 0.95)
	if math.Abs(a.Low()-3.3341494) > 1e-6 || math.Abs(a.High()-7.6658506) > 1e-6 || a.N != 10 {
		t.Errorf("%v to %v of %d", a.Low(), a.High(), a.N)
	}
	if a := AverageOf(x[:1], 0.95); a.Mean != 1 || a.Differs() || a.String() != "1" {
		t.Error("one number:", a)
	}
	if a := AverageOf(nil, 0.95); !math.IsNaN(a.Mean) || a.Differs() || a.String() != "-" {
		t.Error("no number:", a)
	}
	for _, c := range []struct {
		a    Average
		want string
	}{
		{Average{1.2573, 0.0871, 9}, "1.26 ± 0.09"}, {Average{0.0123, 0.5, 9}, "0.012 ± 0.500"},
		{Average{-0.16234, 0.0021, 9}, "-0.162 ± 0.002"}, {Average{1234, 5.6, 9}, "1234 ± 6"},
		{Average{0, 0, 9}, "0 ± 0"},
	} {
		if got := c.a.String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// The interval covers the expectation about as often as it says, and the average is AverageRadius.
func TestAverageCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const trials, n = 4000, 50
	covered := 0
	for range trials {
		results := make([]Result, n)
		for i := range results { // of expectation 0.5
			results[i].Radius = r.Float64()
		}
		a := RadiusInterval(results, 0.9)
		if a.Low() <= 0.5 && 0.5 <= a.High() {
			covered++
		}
		if a.Mean != AverageRadius(results) {
			t.Fatal(a.Mean, AverageRadius(results))
		}
	}
	if part := float64(covered) / trials; math.Abs(part-0.9) > 0.02 {
		t.Errorf("covers %v", part)
	}
}
