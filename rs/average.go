package rs

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// An Average is the mean of a number of each image, with Student's confidence interval of its
// expectation over images, Mean ± Half. The interval is approximate, and exact for normal numbers.
// It covers the choice of images, not the noise. No certificate rests on it.
type Average struct {
	Mean float64 // NaN of no image
	Half float64 // +Inf of fewer than two images
	N    int     // images
}

// Low and High are the ends of the interval.
func (a Average) Low() float64  { return a.Mean - a.Half }
func (a Average) High() float64 { return a.Mean + a.Half }

// Differs reports whether the interval leaves out 0.
func (a Average) Differs() bool { return math.Abs(a.Mean) > a.Half }

// String is the mean in three digits with the half width, such as "1.42 ± 0.10".
func (a Average) String() string {
	digits := func(x float64) int {
		return min(6, max(0, 2-int(math.Floor(math.Log10(math.Abs(x))))))
	}
	switch {
	case a.N == 0:
		return "-"
	case math.IsInf(a.Half, 1):
		return fmt.Sprintf("%.3g", a.Mean)
	case a.Mean == 0 && a.Half == 0:
		return "0 ± 0"
	}
	d := digits(max(math.Abs(a.Mean), a.Half))
	return fmt.Sprintf("%.*f ± %.*f", d, a.Mean, d, a.Half)
}

// AverageOf is the average of x with an interval of this level in (0, 1), 0.95 say (Student 1908).
func AverageOf(x []float64, level float64) Average {
	checkAlpha(1 - level)
	var sum, squares compensated
	for _, v := range x {
		sum.add(v)
	}
	n := float64(len(x))
	a := Average{Mean: sum.value() / n, Half: math.Inf(1), N: len(x)}
	if len(x) < 2 {
		return a
	}
	for _, v := range x {
		squares.add((v - a.Mean) * (v - a.Mean))
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile((1 + level) / 2)
	a.Half = t * math.Sqrt(squares.value()/(n-1)/n)
	return a
}

// radii are those certified of the true class, 0 where a result isn't Right.
func radii(results []Result) []float64 {
	x := make([]float64, len(results))
	for i, r := range results {
		if r.Right() {
			x[i] = r.Radius
		}
	}
	return x
}

// RadiusInterval is AverageRadius with a confidence interval over images.
func RadiusInterval(results []Result, level float64) Average {
	return AverageOf(radii(Labelled(results)), level)
}

// PairedRadius is by how much the average certified radius of a is larger than that of b, with a
// confidence interval of the difference over images. a and b are of the same images in the same
// order. Pairing leaves out what makes an image easy for both, so the interval is narrower than
// those of the two averages.
func PairedRadius(a, b []Result, level float64) Average {
	if len(a) != len(b) {
		panic(fmt.Sprintf("rs: pairs of %d and %d results", len(a), len(b)))
	}
	var d []float64
	x, y := radii(a), radii(b)
	for i := range a {
		if a[i].Label != b[i].Label {
			panic(fmt.Sprintf("rs: pair %d has the labels %d and %d", i, a[i].Label, b[i].Label))
		}
		if a[i].Label >= 0 {
			d = append(d, x[i]-y[i])
		}
	}
	return AverageOf(d, level)
}
