package rs

import (
	"fmt"
	"math"
	"slices"
)

// Softmax returns softmax(t z), t > 0.
func Softmax(z []float64, t float64) []float64 {
	checkTemperature(z, t)
	top := slices.Max(z)
	p, sum := make([]float64, len(z)), 0.0
	for i, x := range z {
		p[i] = math.Exp(t * (x - top))
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// Sparsemax returns the Euclidean projection of t z on the simplex, t > 0 (Martins & Astudillo
// 2016).
func Sparsemax(z []float64, t float64) []float64 {
	checkTemperature(z, t)
	top := slices.Max(z)
	sorted := make([]float64, len(z))
	for i, x := range z {
		sorted[i] = t * (x - top)
	}
	p := slices.Clone(sorted)
	slices.SortFunc(sorted, func(a, b float64) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	sum, threshold := 0.0, 0.0
	for i, x := range sorted {
		sum += x
		if at := (sum - 1) / float64(i+1); x > at {
			threshold = at
		}
	}
	for i := range p {
		p[i] = max(0, p[i]-threshold)
	}
	return p
}

// SimplexLipschitz holds the l2 Lipschitz constants of a map from logits to the simplex, rounded
// up. They are of the whole vector, of one entry, and of the difference of two entries.
type SimplexLipschitz struct{ Vector, Class, Margin float64 }

// SoftmaxLipschitz is t/2, t√2/4 and t/√2, for any number of classes.
func SoftmaxLipschitz(t float64) SimplexLipschitz {
	up := t * (1 + 0x1p-50)
	return SimplexLipschitz{t / 2, up * math.Sqrt2 / 4, up / math.Sqrt2}
}

// SparsemaxLipschitz is t, t√(1-1/K) and t√2, for K classes.
func SparsemaxLipschitz(t float64, classes int) SimplexLipschitz {
	up := t * (1 + 0x1p-50)
	return SimplexLipschitz{t, up * math.Sqrt(1-1/float64(classes)), up * math.Sqrt2}
}

func checkTemperature(z []float64, t float64) {
	if len(z) == 0 || !(t > 0) || math.IsInf(t, 1) {
		panic(fmt.Sprintf("rs: a simplex map of %d logits times %g", len(z), t))
	}
}
