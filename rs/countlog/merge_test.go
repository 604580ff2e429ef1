package countlog

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shard writes those rows of a run, in this order, into a new folder.
func shard(t *testing.T, r Run, indices ...int) string {
	t.Helper()
	dir := t.TempDir()
	w, err := Create(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range indices {
		if err := w.Append(synthetic(&r, i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(indices) == 0 { // as a process that was killed leaves it
		w.f.Close()
		return dir
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func planOf(r Run, p Plan) Run {
	r.Examples = p
	return r
}

// Shards, by rows of one plan or by plans, merge to the bytes of one run.
func TestMerge(t *testing.T) {
	r := testRun()
	r.Examples = Plan{Start: 5, Stride: 7, Count: 60}
	whole := t.TempDir()
	fill(t, whole, r, 60)
	var parts [3][]int
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(60) {
		parts[i*i%3] = append(parts[i*i%3], r.Examples.At(i))
	}
	var byRows, byPlans, byRanges []string
	for k := range 3 {
		byRows = append(byRows, shard(t, r, parts[k]...))
		own := planOf(r, Plan{Start: 5 + 7*k, Stride: 21, Count: 20})
		byPlans = append([]string{shard(t, own)}, byPlans...)
		fill(t, byPlans[0], own, 20)
		own = planOf(r, Plan{Start: 5 + 7*20*k, Stride: 7, Count: 20})
		byRanges = append(byRanges, shard(t, own))
		fill(t, byRanges[k], own, 20)
	}
	for name, shards := range map[string][]string{"rows": byRows, "plans": byPlans,
		"ranges": byRanges, "one": {whole}} {
		dir := filepath.Join(t.TempDir(), "made", "run")
		if _, n, err := Merge(t.Context(), dir, false, shards...); n != 60 || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
			continue
		}
		if !bytes.Equal(counts(t, dir), counts(t, whole)) {
			t.Errorf("%s: other rows", name)
		}
		one, _ := os.ReadFile(filepath.Join(whole, RunFile))
		merged, _ := os.ReadFile(filepath.Join(dir, RunFile))
		if !bytes.Equal(one, merged) {
			t.Errorf("%s: another run.json:\n%s", name, merged)
		}
	}
}

func TestMergePlansOfOne(t *testing.T) {
	r := testRun()
	a := shard(t, planOf(r, Plan{Start: 30, Stride: 1, Count: 1}), 30)
	b := shard(t, planOf(r, Plan{Start: 10, Stride: 1, Count: 1}), 10)
	dir := filepath.Join(t.TempDir(), "run")
	if run, n, err := Merge(t.Context(), dir, false, a, b); err != nil || n != 2 ||
		run.Examples != (Plan{Start: 10, Stride: 20, Count: 2}) {
		t.Error(run.Examples, n, err)
	}
}

func TestMergeRefuses(t *testing.T) {
	r := testRun()
	first := shard(t, r, 0, 50, 100)
	second := shard(t, r, 200, 150)
	check := func(want string, partial bool, shards ...string) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "run")
		if _, _, err := Merge(t.Context(), dir, partial, shards...); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("a refused merge left a folder")
		}
	}
	check("example 250 is in no shard; 195 of 200 examples are missing", false, first, second)
	check(":3: index: 50 is in "+filepath.Join(first, CountsFile)+":3 too", true, first,
		shard(t, r, 150, 50))
	for want, alter := range map[string]func(*Run){
		"sigma is 0.25 there, 0.5 here":           func(r *Run) { r.Sigma = 0.5 },
		"n is 100 there, 200 here":                func(r *Run) { r.N = 200 },
		"seed is ":                                func(r *Run) { r.Seed = 2 },
		"backend is xla:cpu there, go here":       func(r *Run) { r.Backend = "go" },
		"model.hash is sha256:ab there, other":    func(r *Run) { r.Model.Hash = "other" },
		"dataset.split is test there, train here": func(r *Run) { r.Dataset.Split = "train" },
		"block is 50 there, 100 here":             func(r *Run) { r.Block = 100 },
		"margin_max is 20 there, 30 here":         func(r *Run) { r.MarginMax = 30 },
	} {
		other := testRun()
		alter(&other)
		check(want, true, first, shard(t, other, 150))
	}
	check("no run to read", true, first, t.TempDir())
	check("no rows", true, shard(t, r), shard(t, r))
	far := planOf(r, Plan{Start: 1, Stride: 1, Count: 1})
	far.Dataset.Size = 1 << 30
	farther := planOf(far, Plan{Start: 1<<30 - 1, Stride: 1, Count: 1})
	third := planOf(far, Plan{Start: 2, Stride: 1, Count: 1})
	check("evenly spaced", true, shard(t, far, 1), shard(t, farther, 1<<30-1), shard(t, third, 2))
	path := filepath.Join(second, CountsFile)
	text := counts(t, second)
	os.WriteFile(path, text[:len(text)-1], 0o644)
	check(path+":3: torn last line", true, first, second)
	os.WriteFile(path, text, 0o644)

	dir := filepath.Join(t.TempDir(), "run")
	if _, n, err := Merge(t.Context(), dir, true, second, first); n != 5 || err != nil {
		t.Error(n, err)
	}
	want := t.TempDir()
	fill(t, want, r, 5)
	if !bytes.Equal(counts(t, dir), counts(t, want)) {
		t.Error("a partial merge has other rows")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, _, err := Merge(stopped, filepath.Join(t.TempDir(), "run"), true, second,
		first); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, _, err := Merge(t.Context(), dir, true, second, first); err == nil ||
		!strings.Contains(err.Error(), "not empty") {
		t.Error(err)
	}
}
