package rs

import (
	"fmt"
	"math"
	"sort"
)

// Votes counts the draws each class won: Votes[c] of them went to class c.
type Votes []int

// Total returns the number of draws.
func (v Votes) Total() int {
	n := 0
	for _, k := range v {
		n += k
	}
	return n
}

// Top returns the class with the most votes, the lowest index among equals.
func (v Votes) Top() int {
	top := 0
	for c, k := range v {
		if k > v[top] {
			top = c
		}
	}
	return top
}

// A Histogram counts draws of a real number by bin. Edges rise. Bin 0 lies below Edges[0], bin i
// covers [Edges[i-1], Edges[i]), and the last bin starts at the last edge. So len(Counts) =
// len(Edges)+1. Rows of one run share their Edges.
type Histogram struct {
	Edges  []float64
	Counts []int
}

// Add counts a draw of x.
func (h Histogram) Add(x float64) {
	h.Counts[sort.Search(len(h.Edges), func(j int) bool { return x < h.Edges[j] })]++
}

// Total returns the number of draws.
func (h Histogram) Total() int { return Votes(h.Counts).Total() }

// Evidence is what noisy sampling leaves of one example: everything a Method needs,
// and nothing that depends on α or on the method.
type Evidence struct {
	Index int // position in the dataset
	Label int // true class
	// Sigma is the standard deviation of the noise, in units of the image ([0, 1]).
	Sigma float64
	// Selection and Estimation are the votes of the two independent draws (n0 and n).
	// Whatever is chosen by looking at the first may be bounded by the second.
	Selection, Estimation Votes
	// Class is the class selected: Selection.Top().
	Class int
	// SelectionMargins and Margins hold the margin of Class, z_Class - max of the other
	// logits, over the two draws. Counts is nil where the log has none.
	SelectionMargins, Margins Histogram
	// Clean is the prediction without noise. Its Class is Abstain where the log has no such
	// prediction.
	Clean Clean
	// Scores are the scores of every class over the estimation draw, by each map of the run. It is
	// nil where the run logged none.
	Scores []Scores
	// Stops are the rising numbers of draws at which the estimation draw could end because of what
	// was drawn. It is nil where the number of draws was fixed beforehand. The rows of a run share
	// Stops.
	Stops []int
	// Rounding bounds ‖σZ - Z'‖ (l2, in units of the image) of every draw, where σZ is Gaussian
	// noise and Z' is the noise drawn. It is 0 where the noise is taken to be Gaussian.
	Rounding float64
	// MarginError bounds the effect of float32 on every difference of two logits, in logits, for
	// all draws but a part of probability BeyondReach. It is 0 where no bound is known. Methods
	// with Float32 set subtract it. Votes need no such bound: they certify the classifier as
	// float32 computes it.
	MarginError float64
}

// BeyondReach bounds the probability of noise so large that MarginError needn't hold.
const BeyondReach = 0x1p-58

// marginError is MarginError, where it is to be subtracted.
func (e *Evidence) marginError(float32 bool) (float64, error) {
	if float32 && (!(e.MarginError > 0) || math.IsInf(e.MarginError, 1)) {
		return 0, fmt.Errorf("example %d: no bound on what float32 does to margins "+
			"(margin_error) is known of its run", e.Index)
	}
	if !float32 {
		return 0, nil
	}
	return e.MarginError, nil
}

// Clean is the prediction of the classifier without noise.
type Clean struct {
	Class  int
	Margin float64 // logit of Class less the largest other one
	// Distance is proved: all images in [0, 1] that are nearer (l2) have that Class. 0 proves
	// nothing.
	Distance float64
}

// CleanOf is the prediction of logits with its margin, exact for float32. Among equal logits, the
// lowest class wins. A logit that is NaN or infinite is an error.
func CleanOf(z []float32) (Clean, error) {
	top := 0
	for c, v := range z {
		if v-v != 0 {
			return Clean{}, fmt.Errorf("logit %d is %v", c, v)
		}
		if v > z[top] {
			top = c
		}
	}
	return Clean{Class: top, Margin: MarginOf(z, top)}, nil
}

// PairMarginOf is the least of (z_class - z_j)·weights[j] over the other classes j. It is a margin
// with a Lipschitz constant for each pair of logits. The weights are float32 numbers of at least 1.
func PairMarginOf(z []float32, class int, weights []float64) float64 {
	least := math.Inf(1)
	for j, v := range z {
		if j != class {
			least = min(least, (float64(z[class])-float64(v))*weights[j])
		}
	}
	return least
}

// MarginOf is the logit of a class less the largest of the others: exact of float32.
func MarginOf(z []float32, class int) float64 {
	other := math.Inf(-1)
	for c, v := range z {
		if c != class {
			other = max(other, float64(v))
		}
	}
	return float64(z[class]) - other
}

// HasMargins reports whether the margins of the estimation draw were logged.
func (e *Evidence) HasMargins() bool { return e.Margins.Counts != nil }
