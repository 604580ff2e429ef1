package rs

import (
	"cmp"
	"slices"
)

// CPM is the class partitioning method of Delattre et al. 2025, as published. Classes fall into
// buckets by their selection votes, and each bucket gets an equal part of α. R = σ/2 (Φ⁻¹(p̲A) -
// Φ⁻¹(p̄B)), where p̄B is the largest upper bound of a bucket's summed votes.
type CPM struct {
	Clip  bool  // p̄B is at most 1 - p̲A
	Bound Bound // nil is ClopperPearson; its Upper must rise with the votes
}

// Certify implements Method.
func (m CPM) Certify(e *Evidence, alpha float64) (Certificate, error) {
	checkAlpha(alpha)
	if err := e.checkSelection(2, 0); err != nil {
		return Certificate{}, err
	}
	buckets := Partition(e.Selection, e.Class)
	most := 0
	for _, bucket := range buckets[1:] {
		votes := 0
		for _, c := range bucket {
			votes += e.Estimation[c]
		}
		most = max(most, votes)
	}
	return against{of: "buckets", votes: most, uppers: len(buckets) - 1, bound: m.Bound,
		clip: m.Clip}.certify(e, share(alpha, len(buckets)))
}

// Partition returns the buckets of CPM: {class}, {runner-up}, and then the largest remaining class,
// while the rest has more selection votes than the runner-up. The last bucket is the rest. Equals
// go by index. It depends on the selection draw only.
func Partition(selection Votes, class int) [][]int {
	order := make([]int, 0, len(selection))
	rest := 0
	for c, k := range selection {
		if c != class && k > 0 {
			order, rest = append(order, c), rest+k
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(selection[b], selection[a])
	})
	for c, k := range selection { // most of many classes: no need to sort them
		if c != class && k <= 0 {
			order = append(order, c)
		}
	}
	buckets := [][]int{{class}}
	for i, c := range order {
		if i > 0 && rest <= selection[order[0]] {
			return append(buckets, order[i:])
		}
		buckets, rest = append(buckets, []int{c}), rest-selection[c]
	}
	return buckets
}
