package rs

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// tauCandidates is how many positive temperatures ChooseTau tries.
const tauCandidates = 32

// ChooseTau returns the temperature that maximises the average radius that l certifies of the
// tuning examples, with l's own temperature set aside. The radius is foretold for as many draws as
// the examples to certify have ([Foretell]). An example without a label counts as right. A
// temperature is 0 (hard votes) or a positive edge of the histograms, so that no bin straddles it.
// The tuning examples must be others than the certified ones. Of equal temperatures, ChooseTau
// takes the smallest. It returns 0 where Lambda is unknown or no example has margins.
func ChooseTau(tuning []Evidence, l Lipschitz, alpha float64) (float64, error) {
	checkAlpha(alpha)
	var edges []float64
	for i := range tuning {
		if e := &tuning[i]; e.HasMargins() {
			edges = e.Margins.Edges
		}
	}
	if !l.Lambda.Known() || edges == nil {
		return 0, nil
	}
	if l.Bound == nil && tuning[0].Stops == nil {
		l.Bound = Betting{} // a tenth of STaR's work, and as good a temperature
	}
	best, bestSum := 0.0, 0.0
	for _, tau := range append([]float64{0}, logSpaced(edges, tauCandidates)...) {
		l.Tau = tau
		sum := 0.0
		for i := range tuning {
			e := &tuning[i]
			if e.Class != e.Label && e.Label >= 0 || !e.HasMargins() {
				continue
			}
			c, err := l.Certify(e, alpha)
			if err != nil {
				return 0, err
			}
			sum += c.Radius
		}
		if sum > bestSum {
			best, bestSum = tau, sum
		}
	}
	return best, nil
}

// Foretell returns the evidence that n draws of e's example would be expected to give. Votes and
// margins keep their proportions. Where n is larger and e lost no vote, it loses as many votes as a
// Gaussian of its margins' mean and deviation would. Fewer draws ask for a larger temperature. If
// all draws were right, ten times as many may not all be, and ignoring that would favour the hard
// vote. Nothing may be certified from the result.
func Foretell(e *Evidence, n int) Evidence {
	if n < 1 || e.Estimation.Total() == 0 {
		panic(fmt.Sprintf("rs: %d draws foretold from %d", n, e.Estimation.Total()))
	}
	f := *e
	f.Estimation, f.Scores = scaled(e.Estimation, n), nil
	if !e.HasMargins() || e.Margins.Total() == 0 {
		return f
	}
	f.Margins.Counts = scaled(e.Margins.Counts, n)
	if n > e.Estimation.Total() && len(e.Estimation) > 1 && len(e.Margins.Edges) > 0 {
		f.lose()
	}
	return f
}

// lose moves draws of e under 0 if all of them were right.
func (e *Evidence) lose() {
	n, edges, counts := e.Estimation.Total(), e.Margins.Edges, e.Margins.Counts
	if e.Estimation[e.Class] < n {
		return
	}
	sum, squares := 0.0, 0.0
	for i, k := range counts {
		x := (edges[max(i-1, 0)] + edges[min(i, len(edges)-1)]) / 2
		sum += x * float64(k)
		squares += x * x * float64(k)
	}
	mean := sum / float64(n)
	variance := squares/float64(n) - mean*mean
	if !(variance > 0) {
		return
	}
	lost := int(float64(n) * math.Erfc(mean/math.Sqrt(2*variance)) / 2)
	rival := 0
	if e.Class == 0 {
		rival = 1
	}
	e.Estimation[e.Class] -= lost
	e.Estimation[rival] += lost
	under, _ := slices.BinarySearch(edges, 0)
	for i := under + 1; i < len(counts); i++ { // the smallest margins first
		k := min(lost, counts[i])
		counts[i] -= k
		counts[under] += k
		lost -= k
	}
}

// logSpaced returns at most count of the positive edges, about evenly spaced in logarithm. The last
// edge is among them.
func logSpaced(edges []float64, count int) []float64 {
	positive := slices.DeleteFunc(slices.Clone(edges), func(x float64) bool { return !(x > 0) })
	if len(positive) <= count {
		return positive
	}
	first, last := positive[0], positive[len(positive)-1]
	step := math.Log(last/first) / float64(count-1)
	var chosen []float64
	for i := range count {
		j, _ := slices.BinarySearch(positive, first*math.Exp(step*float64(i)))
		x := positive[min(j, len(positive)-1)]
		if i == count-1 {
			x = last
		}
		if len(chosen) == 0 || x > chosen[len(chosen)-1] {
			chosen = append(chosen, x)
		}
	}
	return chosen
}

// scaled returns counts in the same proportions that sum to n. Each is rounded down, and those with
// the largest remainders are rounded up.
func scaled[C ~[]int](counts C, n int) C {
	total, left := Votes(counts).Total(), n
	to, rests, order := make(C, len(counts)), make([]int, len(counts)), make([]int, len(counts))
	for i, k := range counts {
		// k·n overflows where both are billions.
		high, low := bits.Mul64(uint64(k), uint64(n))
		whole, rest := bits.Div64(high, low, uint64(total))
		to[i], rests[i], order[i] = int(whole), int(rest), i
		left -= to[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rests[b], rests[a]) })
	for _, i := range order[:left] {
		to[i]++
	}
	return to
}
