package certify

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Pick returns the indices of count of the loaded rows, or of all where there are fewer, rising.
// The rows are a random sample that seed fixes: whoever made the run can't foresee a new seed.
func (r *Run) Pick(count int, seed uint64) []int {
	count = min(count, len(r.Rows))
	var picked []int
	for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(len(r.Rows))[:count] {
		picked = append(picked, r.Rows[i].Index)
	}
	slices.Sort(picked)
	return picked
}

// Caught returns the probability that a random pick of count rows has a false row among them. The
// run has rows rows, of which falseRows are false.
func Caught(rows, falseRows, count int) float64 {
	missed := 1.0
	for i := range min(count, rows) {
		missed *= max(0, float64(rows-falseRows-i)) / float64(rows-i)
	}
	return 1 - missed
}

// cleanSlack is how far margins without noise may differ between processors and backends, as a part
// of 1 + the margin.
const cleanSlack = 1e-3

// CheckClean compares the predictions without noise of some loaded rows with those of the model,
// and returns the largest difference of two margins. The indices are those of [Run.Pick].
func (r *Run) CheckClean(indices []int, clean []rs.Clean) (largest float64, err error) {
	at := map[int]rs.Clean{}
	for _, e := range r.Rows {
		at[e.Index] = e.Clean
	}
	for i, index := range indices {
		there, now := at[index], clean[i]
		off := math.Abs(there.Margin - now.Margin)
		if there.Class != now.Class {
			off = there.Margin + now.Margin // one class leads by the one, the other by the other
		}
		switch near := math.Abs(there.Distance-now.Distance) <= cleanSlack*(1+now.Distance); {
		case there.Class == rs.Abstain: // of a log without them
		case there.Class == now.Class && !near:
			return off, fmt.Errorf("%s: example %d: clean_distance %v, but the model gives %v",
				filepath.Join(r.Dir, countlog.CountsFile), index, there.Distance, now.Distance)
		case off <= cleanSlack*(1+now.Margin):
			largest = max(largest, off)
		default:
			return off, fmt.Errorf("%s: example %d: clean_class %d by a clean_margin of %v, but the "+
				"model gives %d by %v", filepath.Join(r.Dir, countlog.CountsFile), index, there.Class,
				there.Margin, now.Class, now.Margin)
		}
	}
	return largest, nil
}
