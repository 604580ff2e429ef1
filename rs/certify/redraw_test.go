package certify

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Rows to draw again are a function of the seed, each at most once, and of all rows.
func TestPick(t *testing.T) {
	r := &Run{}
	for i := range 20 {
		r.Rows = append(r.Rows, rs.Evidence{Index: 3 * i})
	}
	a, b := r.Pick(3, 1), r.Pick(3, 1)
	if len(a) != 3 || !slices.Equal(a, b) || !slices.IsSorted(a) {
		t.Errorf("%v, again %v", a, b)
	}
	if all := r.Pick(50, 2); len(slices.Compact(all)) != 20 {
		t.Errorf("all: %v", all)
	}
	hits := map[int]int{}
	for seed := range uint64(2000) {
		for _, index := range r.Pick(3, seed) {
			hits[index]++
		}
	}
	for index, n := range hits {
		if math.Abs(float64(n)-300) > 80 {
			t.Errorf("example %d was picked %d times, want about 300", index, n)
		}
	}
}

func TestCaught(t *testing.T) {
	for _, c := range []struct {
		rows, bad, count int
		want             float64
	}{{20, 10, 3, 0.895}, {20, 1, 20, 1}, {20, 0, 5, 0}, {20, 20, 1, 1}, {200, 20, 3, 0.272}} {
		if got := Caught(c.rows, c.bad, c.count); math.Abs(got-c.want) > 5e-4 {
			t.Errorf("%+v: %g", c, got)
		}
	}
}

// A class or a margin without noise that isn't the model's is found, but for last bits.
func TestCheckClean(t *testing.T) {
	r := &Run{Rows: []rs.Evidence{{Index: 4, Clean: rs.Clean{Class: 1, Margin: 2}},
		{Index: 7, Clean: rs.Clean{Class: rs.Abstain}}}}
	for _, c := range []struct {
		now rs.Clean
		ok  bool
	}{
		{rs.Clean{Class: 1, Margin: 2 + 1e-6}, true}, {rs.Clean{Class: 1, Margin: 1.9}, false},
		{rs.Clean{Class: 0, Margin: 2}, false}, {rs.Clean{Class: 0, Margin: 1e-9}, false},
	} {
		_, err := r.CheckClean([]int{4, 7}, []rs.Clean{c.now, {Class: 1, Margin: 5}})
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "example 4") {
			t.Errorf("%+v: %v", c.now, err)
		}
	}
}
