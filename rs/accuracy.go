package rs

import "slices"

// Result is the certificate of an example with its true class.
type Result struct {
	Label int // negative where it isn't known
	Certificate
}

// Right reports whether the certificate names the true class.
func (r Result) Right() bool { return r.Class == r.Label && r.Class != Abstain }

// Certified reports whether the true class is certified at the radius: R >= radius. At 0
// it is Right.
func (r Result) Certified(radius float64) bool { return r.Right() && r.Radius >= radius }

// Labelled are the results whose true class is known. Accuracy and the average radius are of these.
func Labelled(results []Result) []Result {
	unknown := func(r Result) bool { return r.Label < 0 }
	if !slices.ContainsFunc(results, unknown) {
		return results
	}
	return slices.DeleteFunc(slices.Clone(results), unknown)
}

// CertifiedAccuracy returns the fraction of labelled examples certified at the radius, NaN of none.
func CertifiedAccuracy(results []Result, radius float64) float64 {
	return float64(certified(results, radius)) / float64(len(Labelled(results)))
}

func certified(results []Result, radius float64) int {
	k := 0
	for _, r := range results {
		if r.Certified(radius) {
			k++
		}
	}
	return k
}

// AverageRadius is the average certified radius (ACR) over all labelled examples. A wrong class
// counts as radius 0. It is NaN without examples.
func AverageRadius(results []Result) float64 {
	var sum compensated
	for _, r := range results {
		if r.Right() {
			sum.add(r.Radius)
		}
	}
	return sum.value() / float64(len(Labelled(results)))
}

// AccuracyBand returns the two-sided Clopper–Pearson interval of the certified accuracy on the
// distribution of the examples. Its level is in (0, 1), 0.95 say. The interval covers the choice of
// examples, not the noise.
func AccuracyBand(results []Result, radius, level float64) (lo, hi float64) {
	results = Labelled(results)
	if len(results) == 0 {
		return 0, 1
	}
	alpha := (1 - level) / 2
	checkAlpha(alpha)
	k, n := certified(results, radius), len(results)
	return clopperPearsonLower(k, n, alpha), clopperPearsonUpper(k, n, alpha)
}
