package countlog

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestShardsCover: the shards of a plan have each of its indices once, also where the shards have
// unequal sizes or some are empty.
func TestShardsCover(t *testing.T) {
	for _, p := range []Plan{Every(1), Every(10), Spread(10000, 200), Spread(299, 7),
		{Start: 5, Stride: 7, Count: 61}} {
		for _, n := range []int{1, 2, 3, 4, 7, 64} {
			var all []int
			for i := range n {
				s := p.Shard(i, n)
				if s.Count > 0 && s.At(0) != p.At(i) || max(0, p.Count-i) > n*s.Count ||
					s.Count > (p.Count+n-1)/n {
					t.Errorf("%+v, %d of %d: %+v", p, i, n, s)
				}
				all = append(all, slices.Collect(s.Indices())...)
			}
			slices.Sort(all)
			if want := slices.Collect(p.Indices()); !slices.Equal(all, want) {
				t.Errorf("%+v in %d: %v, want %v", p, n, all, want)
			}
		}
	}
}

// parts are the folders of n complete shards of a run, those without an example left out.
func parts(t *testing.T, r Run, n int) (dirs []string) {
	t.Helper()
	for i := range min(n, r.Examples.Count) {
		p := r.Part(i, n)
		dirs = append(dirs, shard(t, p, slices.Collect(p.Examples.Indices())...))
	}
	return dirs
}

// Named shards merge to both files of one run, in any order.
func TestMergeNamedShards(t *testing.T) {
	r := testRun()
	for _, count := range []int{1, 2, 3, 61} {
		r.Examples = Plan{Start: 5, Stride: 7, Count: count}
		whole := t.TempDir()
		fill(t, whole, r, count)
		for _, n := range []int{1, 2, 3, 4, 7} {
			dirs := parts(t, r, n)
			slices.Reverse(dirs)
			dir := filepath.Join(t.TempDir(), "run")
			if _, rows, err := Merge(t.Context(), dir, false, dirs...); rows != count ||
				err != nil {
				t.Errorf("%d in %d: %d rows, %v", count, n, rows, err)
				continue
			}
			for _, file := range []string{RunFile, CountsFile} {
				got, _ := os.ReadFile(filepath.Join(dir, file))
				want, _ := os.ReadFile(filepath.Join(whole, file))
				if !bytes.Equal(got, want) {
					t.Errorf("%d in %d: another %s:\n%s", count, n, file, got)
				}
			}
		}
	}
}

func TestMergeRefusesShards(t *testing.T) {
	r := testRun()
	r.Examples = Plan{Start: 5, Stride: 7, Count: 10}
	four, three := parts(t, r, 4), parts(t, r, 3)
	with := func(change func(*Run)) string {
		other := r
		change(&other)
		return parts(t, other, 4)[1]
	}
	lacking := shard(t, r.Part(1, 4), 12)
	for _, c := range []struct {
		want    string
		partial bool
		dirs    []string
	}{
		{"shard 2/4 is missing", false, []string{four[0], four[1], four[3]}},
		{"shard 3/4 is missing", false, four[:3]},
		{"shard 0/3 is missing", false, three[1:]},
		{four[1] + " and " + four[1] + " both are shard 1/4", true,
			[]string{four[0], four[1], four[1]}},
		{"shard.of is 4 there, 3 here", true, []string{four[0], three[1]}},
		{"shard.of is 4 there, 0 here", true, []string{four[0], shard(t, r, 12)}},
		{"sigma is 0.25 there, 0.5 here", true,
			[]string{four[0], with(func(r *Run) { r.Sigma = 0.5 }), four[2], four[3]}},
		{"seed is ", true, []string{four[0], with(func(r *Run) { r.Seed = 2 }), four[2], four[3]}},
		{"backend is xla:cpu there, go here", true,
			[]string{four[0], with(func(r *Run) { r.Backend = "go" }), four[2], four[3]}},
		// Another plan is another run, whatever the rows.
		{"examples.count is 10 there, 9 here", true,
			[]string{four[0], with(func(r *Run) { r.Examples.Count = 9 }), four[2], four[3]}},
		{"examples.stride is 7 there, 14 here", true,
			[]string{four[0], with(func(r *Run) { r.Examples.Stride = 14 }), four[2], four[3]}},
		{"examples.start is 5 there, 6 here", true,
			[]string{four[0], with(func(r *Run) { r.Examples.Start = 6 }), four[2], four[3]}},
		{"example 40 is in no shard; 2 of 10 examples are missing", false,
			[]string{four[0], lacking, four[2], four[3]}},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		if _, _, err := Merge(t.Context(), dir, c.partial, c.dirs...); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a refused merge left a folder", c.want)
		}
	}
	// Partial, the plan is still the whole one.
	run, rows, err := Merge(t.Context(), filepath.Join(t.TempDir(), "run"), true, four[3], four[1])
	if rows != 5 || err != nil || run.Examples != r.Examples || run.Shard != (Shard{}) {
		t.Errorf("%d rows, %+v, %+v, %v", rows, run.Examples, run.Shard, err)
	}
}

func TestValidateShard(t *testing.T) {
	r := testRun()
	r.Examples = Spread(10000, 10)
	for i := range 4 {
		p := r.Part(i, 4)
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
	}
	for want, change := range map[string]func(*Run){
		"shard: 4 of 4":                func(r *Run) { r.Shard.Index = 4 },
		"shard: -1 of 4":               func(r *Run) { r.Shard.Index = -1 },
		"shard: 1 of 0":                func(r *Run) { r.Shard.Of = 0 },
		"shard: 0 of 4 of 10":          func(r *Run) { r.Shard.Index = 0 },
		"shard: 2 of 4 of 10":          func(r *Run) { r.Shard.Index = 2 },
		"shard: 1 of 5 of 10":          func(r *Run) { r.Shard.Of = 5 },
		"shard: 1 of 4 of 9":           func(r *Run) { r.Shard.Examples = 9 },
		"shard: 1 of 4 of 1 ":          func(r *Run) { r.Shard.Examples = 1 },
		"shard: 1 of 4 of 1125899906":  func(r *Run) { r.Shard.Examples = 1 << 50 },
		"with start 1000, stride 4001": func(r *Run) { r.Examples.Stride++; r.Examples.Count-- },
		"with start 0, stride 4000":    func(r *Run) { r.Examples.Start = 0 },
	} {
		p := r.Part(1, 4)
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
