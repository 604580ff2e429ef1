package sample_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// logitsOf returns the logits of images, [n, 8, 8, 1], as numbers.
func logitsOf(t *testing.T, backend compute.Backend, c network, images []float32) [][]float64 {
	t.Helper()
	exec, err := model.NewExec(backend, c.store, c.logits)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	n := len(images) / values
	flat := tensors.MustCopyFlatData[float32](exec.MustCall(tensors.FromFlatDataAndDimensions(images,
		n, 8, 8, 1))[0])
	rows := make([][]float64, n)
	for i, v := range flat {
		rows[i/classes] = append(rows[i/classes], float64(v))
	}
	return rows
}

// The scores that Evidence counts are those of the draws' logits by rs.ScoreMap, in bins that
// float32 may miss by one.
func TestScores(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		const block, n, sigma = 40, 100, 0.5
		maps := []rs.ScoreMap{{Name: "softmax", T: 3}, {Name: "sparsemax", T: 1.5},
			{Name: "ramp", T: 0.75}, {Name: "ramp", T: 40}}
		c := dense(nil)
		p := newSampler(t, backend, c, sample.Settings{Block: block, Maps: maps})
		for _, index := range []int{1, 2} {
			e, err := p.Evidence(example(picture(index), index, 0), ask(sigma, 10, n, 9))
			if err != nil {
				t.Fatal(err)
			}
			var images []float32
			for b := range 3 {
				draws, err := p.Draws(example(picture(index), index, 0), ask(sigma, 0, 0, 9), sample.Estimation,
					b)
				if err != nil {
					t.Fatal(err)
				}
				images = append(images, draws...)
			}
			rows := logitsOf(t, backend, c, images[:n*values])
			for i, m := range maps {
				s := e.Scores[i]
				if s.Map != m || len(s.Classes) != classes {
					t.Fatalf("%+v", s)
				}
				for class, h := range s.Classes {
					if h.Total() != n {
						t.Errorf("%v of class %d: %d draws", m, class, h.Total())
					}
					for j, edge := range h.Edges {
						above, least, most := 0, 0, 0
						for _, k := range h.Counts[j+1:] {
							above += k
						}
						for _, z := range rows {
							v := m.Scores(z)[class]
							if v >= edge+1e-6 {
								least++
							}
							if v >= edge-1e-6 {
								most++
							}
						}
						if edge > 0 && edge < 1 && (above < least || above > most) {
							t.Errorf("%v of class %d: %d at %g or over, want %d to %d", m, class, above, edge, least,
								most)
						}
					}
				}
			}
		}
	})
}

// Draws that end because the question is settled are the first of those that go on, and the log of
// both kinds resumes.
func TestUntil(t *testing.T) {
	onEach(t, func(t *testing.T, backend compute.Backend) {
		full := plan()
		full.N, full.Scores = 500, []string{"sparsemax,t=2"}
		full.Until = countlog.Until{Rule: "radius>=0.1", Method: "mono", Alpha: 0.05,
			Stops: rs.Stops(50, 50, 500, 2)}
		p := samplerOf(t, backend, full)
		dir := t.TempDir()
		if err := sampleInto(context.Background(), p, dir, full, nil); err != nil {
			t.Fatal(err)
		}
		log, err := countlog.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := log.All()
		if err != nil {
			t.Fatal(err)
		}
		ends := map[int]int{}
		for _, e := range rows {
			n := e.Estimation.Total()
			ends[n]++
			whole, err := p.Evidence(example(picture(e.Index), e.Index, e.Label),
				ask(e.Sigma, full.N0, n, full.Seed))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(whole.Estimation, e.Estimation) || !slices.Equal(whole.Margins.Counts,
				e.Margins.Counts) ||
				!slices.Equal(whole.Scores[0].Classes[2].Counts, e.Scores[0].Classes[2].Counts) {
				t.Errorf("example %d: %v, of %d draws at once %v", e.Index, e.Estimation, n, whole.Estimation)
			}
			rule, m, err := full.Ranger()
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := rule.Settled(&e, m, 0.05); err != nil || !ok && n < 500 {
				t.Errorf("example %d ends at %d: %v, %v", e.Index, n, ok, err)
			}
		}
		if len(ends) < 2 {
			t.Errorf("all end alike: %v", ends)
		}
		other := full
		other.Until.Rule = "radius>=0.2"
		if err := sampleInto(context.Background(), p, dir, other, nil); err == nil ||
			!strings.Contains(err.Error(), "until.rule is radius>=0.1 there, radius>=0.2 here") {
			t.Errorf("another rule: %v", err)
		}
	})
}

// level is a picture of 8 bits.
func level(i int) []float32 {
	x := picture(i)
	for j, v := range x {
		x[j] = float32(math.Round(255*float64(v))) / 255
	}
	return x
}

// Noise on a grid: every draw is on it, votes are those of the draws, on either backend the same
// draws.
func TestGridEvidence(t *testing.T) {
	var first []float32
	onEach(t, func(t *testing.T, backend compute.Backend) {
		const sigma, block = 0.3, 50
		steps := sample.GridSteps(sigma)
		grid, err := sample.NewGrid(steps, sigma)
		if err != nil {
			t.Fatal(err)
		}
		c := dense(nil)
		p := newSampler(t, backend, c, sample.Settings{Block: block, Edges: edges, Grid: grid})
		e, err := p.Evidence(example(level(1), 1, 0), ask(sigma, block, block, 5))
		if err != nil {
			t.Fatal(err)
		}
		// Half a step, and float32's part, which is small on such a grid.
		if want := math.Sqrt(values) / 2 / float64(steps); e.Rounding <= want ||
			e.Rounding > 1.01*want {
			t.Errorf("rounding %g, want %g", e.Rounding, want)
		}
		draws, err := p.Draws(example(level(1), 1, 0), ask(sigma, 0, 0, 5), sample.Estimation, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range draws {
			if at := float64(v) * float64(steps); math.Abs(at-math.Round(at)) > 1e-3 {
				t.Fatalf("%v isn't on a grid of %d", v, steps)
			}
		}
		votes := make(rs.Votes, classes)
		for _, z := range logitsOf(t, backend, c, draws) {
			top := 0
			for k, v := range z {
				if v > z[top] {
					top = k
				}
			}
			votes[top]++
		}
		if !slices.Equal(votes, e.Estimation) {
			t.Errorf("votes %v, counted here %v", e.Estimation, votes)
		}
		if first == nil {
			first = draws
		}
		if !slices.Equal(draws, first) {
			t.Error("the backends draw differently")
		}
		_, err = p.Evidence(example(picture(1), 1, 0), ask(sigma, block, block, 5))
		refused(t, err, "8-bit images")
		_, err = p.Evidence(example(level(1), 1, 0), ask(2*sigma, block, block, 5))
		refused(t, err, "the grid's is 0.3")
	})
}
