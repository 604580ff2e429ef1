package countlog

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lipsmooth/lipsmooth/internal/proof"
	"github.com/lipsmooth/lipsmooth/rs"
)

// testRun is a small valid run with margins.
func testRun() Run {
	return Run{
		Format: Format,
		Model: Model{Name: "dense4", Hash: "sha256:ab",
			Lambda: rs.Proved(proof.Of(math.Sqrt2))},
		Dataset: Dataset{Name: "mnist", Hash: "sha256:cd", Split: "test", Classes: 10,
			Size: 10000},
		Examples: Spread(10000, 200),
		Sigma:    0.25, N0: 10, N: 100, Seed: math.MaxUint64, Block: 50,
		MarginMax: 20, MarginBins: 8,
		Backend:  "xla:cpu",
		Versions: map[string]string{"go": "1.26"},
		Created:  time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
	}
}

func ExampleEdges() {
	fmt.Printf("%.3g\n", Edges(20, 8))
	// Output: [-20 -7.34 -2.66 -0.861 0 0.861 2.66 7.34 20]
}

func TestEdges(t *testing.T) {
	for _, maximum := range []float64{1e-3, 0.1, 20, 1e6} {
		edges := Edges(maximum, DefaultMarginBins)
		if len(edges) != DefaultMarginBins+1 || edges[256] != 0 ||
			edges[512] != float64(float32(maximum)) {
			t.Fatalf("Edges(%g): %d edges, middle %g, last %g", maximum, len(edges), edges[256],
				edges[512])
		}
		for j, e := range edges {
			if e != float64(float32(e)) || e != -edges[512-j] {
				t.Errorf("Edges(%g)[%d] = %v is no float32 or not symmetric", maximum, j, e)
			}
		}
		if !slices.IsSorted(edges) || len(slices.Compact(slices.Clone(edges))) != len(edges) {
			t.Errorf("Edges(%g) do not rise", maximum)
		}
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		plan  Plan
		first []int
		last  int
	}{
		{Every(10), []int{0, 1, 2}, 9},
		{Spread(10000, 200), []int{0, 50, 100}, 9950},
		{Spread(10, 3), []int{0, 3, 6}, 6},
		{Spread(10, 4), []int{0, 2, 5}, 7},
		{Spread(1005, 500), []int{0, 2, 4}, 1002},
		{Spread(299, 200), []int{0, 1, 2}, 297},
		{Others(10, 4), []int{1, 3, 4}, 9},
		{Spread(299, 200).Thin(5), []int{0, 73, 146}, 293},
		{Spread(1005, 500).Shard(1, 3), []int{2, 8, 14}, 1002},
		{Spread(5, 50), []int{0, 1, 2}, 4},
		{Plan{Start: 7, Stride: 20, Count: 3}, []int{7, 27, 47}, 47},
	} {
		all := slices.Collect(c.plan.Indices())
		if len(all) != c.plan.Count || !slices.Equal(all[:3], c.first) ||
			all[len(all)-1] != c.last {
			t.Errorf("%+v: %v", c.plan, all)
		}
		for i := -1; i <= c.last+c.plan.Stride; i++ {
			if got := c.plan.Position(i); got != slices.Index(all, i) {
				t.Errorf("%+v.Position(%d) = %d", c.plan, i, got)
			}
		}
	}
}

// An even spread and the others are all examples, each once; where the count divides the size, the
// plan is that of a whole stride.
func TestSpreadAndOthers(t *testing.T) {
	for size := 1; size < 60; size++ {
		for count := 1; count <= size; count++ {
			p, others := Spread(size, count), Others(size, count)
			all := slices.Sorted(func(yield func(int) bool) {
				p.Indices()(yield)
				others.Indices()(yield)
			})
			if p.Count != count || !slices.Equal(all, slices.Collect(Every(size).Indices())) {
				t.Errorf("%d of %d: %v and %v", count, size, p, others)
			}
			if size%count == 0 && p != (Plan{Stride: size / count, Count: count}) {
				t.Errorf("%d of %d: %+v", count, size, p)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	r := testRun()
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(*Run){
		"format":          func(r *Run) { r.Format = 2 },
		"sigma":           func(r *Run) { r.Sigma = math.NaN() },
		"n0":              func(r *Run) { r.N0 = 0 },
		"n":               func(r *Run) { r.N = -1 },
		"block":           func(r *Run) { r.Block = 0 },
		"dataset.classes": func(r *Run) { r.Dataset.Classes = 1 },
		"dataset.size":    func(r *Run) { r.Dataset.Size = 0 },
		"examples.start":  func(r *Run) { r.Examples.Start = 10000 },
		"examples.stride": func(r *Run) { r.Examples.Stride = 0 },
		"examples.count":  func(r *Run) { r.Examples.Count = 201 },
		"scores": func(r *Run) {
			r.Dataset.Classes, r.Scores = 1<<20, []string{"ramp,t=1"}
		},
		"model.precision": func(r *Run) { r.Model = r.Model.In("fp8") },
		"margin_error": func(r *Run) {
			r.Model, r.MarginError = r.Model.In(BF16), 1e-3
		},
		"margin_bins": func(r *Run) { r.MarginBins = 7 },
		"margin_max":  func(r *Run) { r.MarginMax = 1e39 }, // beyond float32
	} {
		r := testRun()
		spoil(&r)
		if err := r.Validate(); err == nil || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("spoilt %s: %v", field, err)
		}
	}
	beside := testRun()
	beside.Model.Precision = BF16
	if err := beside.Validate(); err == nil || !strings.HasPrefix(err.Error(), "model.precision: ") {
		t.Errorf("a precision beside a lambda: %v", err)
	}
	for name, alter := range map[string]func(*Run){
		"no margins": func(r *Run) { r.MarginMax, r.MarginBins = 0, 0 },
		"no bound":   func(r *Run) { r.Model.Lambda = rs.Constant{} },
		"in tf32":    func(r *Run) { r.Model = r.Model.In(TF32) },
		"no noise":   func(r *Run) { r.Sigma = 0 },
	} {
		r := testRun()
		alter(&r)
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadRun(t *testing.T) {
	dir := t.TempDir()
	want := testRun()
	if err := want.write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(want, got); d != "" || !got.Created.Equal(want.Created) ||
		got.Versions["go"] != "1.26" {
		t.Errorf("read back: %s, %v, %v", d, got.Created, got.Versions)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); left != nil {
		t.Errorf("left behind: %v", left)
	}

	fromFile := testRun()
	fromFile.Model.Lambda = rs.Proved(proof.FromFile(1.5))
	other := t.TempDir()
	if err := fromFile.write(other); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadRun(other); err != nil || got.Model.Lambda != fromFile.Model.Lambda {
		t.Errorf("read back: %v, %v", got.Model.Lambda, err)
	}

	data, _ := os.ReadFile(filepath.Join(dir, RunFile))
	for _, c := range []struct{ old, new, want string }{
		{`"sigma"`, `"sgima"`, `unknown field "sgima"`},
		{`"format": 1`, `"format": 2, "future": 1`, "format: 2, this version reads 1"},
		{`"n0": 10`, `"n0": "ten"`, "line 22: n0: a JSON string, want int"},
		{`"n0": 10,`, `"n0": 10`, "line 23: invalid character"},
		{`"lambda": 1.41`, `"lambda": -1.41`, "model.lambda: -1.41"},
		{`"lambda": 1.4`, `"lambda": "1.4`, "line 7: invalid character"},
		{`"proved"`, `"estimated"`, `model.lambda_source: "estimated", want`},
		{`"proved"`, `7`, "line 7: model.lambda_source: a JSON number, want string"},
		{`"proved"`, `""`, "model.lambda_source"},
		{`"sigma": 0.25`, `"sigma": -1`, "sigma: -1, want finite and >= 0"},
	} {
		text := strings.Replace(string(data), c.old, c.new, 1)
		os.WriteFile(filepath.Join(dir, RunFile), []byte(text), 0o644)
		_, err := ReadRun(dir)
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), filepath.Join(dir, RunFile)) {
			t.Errorf("%s: %v, want %s", c.new, err, c.want)
		}
	}
}

func TestHashFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "abc")
	os.WriteFile(path, []byte("abc"), 0o644)
	// FIPS 180-2, appendix B.1.
	const want = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got, err := HashFile(path); got != want || err != nil {
		t.Error(got, err)
	}
}
