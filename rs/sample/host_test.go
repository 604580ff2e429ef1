package sample_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// plain is a predictor in Go: a matrix of absolute values times another.
type plain struct {
	a [values][16]float32
	b [16][classes]float32
}

func newPlain() *plain {
	r := rand.New(rand.NewPCG(3, 4))
	p := &plain{}
	for i := range p.a {
		for j := range p.a[i] {
			p.a[i][j] = float32(r.NormFloat64() / 8)
		}
	}
	for i := range p.b {
		for j := range p.b[i] {
			p.b[i][j] = float32(r.NormFloat64() / 4)
		}
	}
	return p
}

func (p *plain) Logits(images []float32, n int) ([]float32, error) {
	z := make([]float32, 0, n*classes)
	for x := range slices.Chunk(images, values) {
		var h [16]float32
		for i, v := range x {
			for j := range h {
				h[j] += (v - 0.5) * p.a[i][j]
			}
		}
		var out [classes]float32
		for i, v := range h {
			for j := range out {
				out[j] += float32(math.Abs(float64(v))) * p.b[i][j]
			}
		}
		z = append(z, out[:]...)
	}
	return z, nil
}

func onHost(t *testing.T, c sample.Predictor, s sample.Settings) *sample.Sampler {
	t.Helper()
	p, err := sample.NewOnHost(c, size, classes, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// centred answers runs of a few images at once, less their mean logits, whatever it is given.
type centred struct {
	*plain
	run int
}

func (c centred) Logits(images []float32, n int) ([]float32, error) {
	var all []float32
	for part := range slices.Chunk(images, c.run*values) {
		in := make([]float32, c.run*values)
		copy(in, part)
		z, err := c.plain.Logits(in, c.run)
		if err != nil {
			return nil, err
		}
		for i := range classes {
			mean := float32(0)
			for j := range c.run {
				mean += z[j*classes+i] / float32(c.run)
			}
			for j := range c.run {
				z[j*classes+i] -= mean
			}
		}
		all = append(all, z[:len(part)/values*classes]...)
	}
	return all, nil
}

// A predictor that cuts batches of its own is found out, also where they divide a block, so that a
// draw has the same neighbours each time.
func TestAnswersOfItsOwnBatches(t *testing.T) {
	for _, run := range []int{2, 5, 7, 20} {
		for _, batch := range []int{0, 1, 3} {
			_, err := onHost(t, centred{newPlain(), run}, sample.Settings{Block: 20,
				Batch: batch}).Evidence(example(picture(6), 6, 0), ask(0.5, 20, 40, 1))
			refused(t, err, "example 6", "depend on the other images of a batch")
		}
	}
	if _, err := onHost(t, centred{newPlain(), 1},
		sample.Settings{Block: 20}).Evidence(example(picture(6), 6, 0), ask(0.5, 20, 40, 1)); err != nil {
		t.Error(err) // all logits are 0, which is an answer to one image
	}
}

// A classifier whose answers are random and depend on the other images as well isn't said to be
// random, which a user might declare.
func TestRandomAnswersOfBatches(t *testing.T) {
	for name, c := range map[string]struct {
		of   sample.Predictor
		want error
	}{
		"random":              {shaky{newPlain()}, sample.ErrRandom},
		"random, and batches": {shaky{centred{newPlain(), 5}}, sample.ErrBatch},
	} {
		_, err := onHost(t, c.of, sample.Settings{Block: 20}).Evidence(example(picture(6), 6, 0),
			ask(0.5, 20, 40, 1))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// shaky adds a little noise to each logit, other noise each time.
type shaky struct{ of sample.Predictor }

func (s shaky) Logits(images []float32, n int) ([]float32, error) {
	z, err := s.of.Logits(images, n)
	for i := range z {
		z[i] += 1e-3 * rand.Float32()
	}
	return z, err
}

// What is counted on the host is what a predictor says of the draws, for any number of blocks at
// once, and noise on a grid.
func TestOnHost(t *testing.T) {
	const block, sigma, index, n0, n, seed = 20, 0.3, 4, 37, 110, 9
	maps := []rs.ScoreMap{{Name: "softmax", T: 3}, {Name: "ramp", T: 0.75}}
	grid, err := sample.NewGrid(sample.GridSteps(sigma), sigma)
	if err != nil {
		t.Fatal(err)
	}
	levels := make([]float32, values)
	for i := range levels {
		levels[i] = float32(i%256) / 255
	}
	c := newPlain()
	for name, g := range map[string]*sample.Grid{"gaussian": nil, "discrete": grid} {
		var all []*rs.Evidence
		for _, batch := range []int{1, 2, 5, 0} {
			p := onHost(t, c, sample.Settings{Block: block, Edges: edges, Maps: maps, Grid: g, Batch: batch})
			e, err := p.Evidence(example(levels, index, 2), ask(sigma, n0, n, seed))
			if err != nil {
				t.Fatal(err)
			}
			if all = append(all, e); batch != 1 {
				continue
			}
			logits := func(phase sample.Phase, n int) (z [][]float32) {
				for b := 0; b*block < n; b++ {
					x, err := p.Draws(example(levels, index, 0), ask(sigma, 0, 0, seed), phase, b)
					if err != nil {
						t.Fatal(err)
					}
					out, _ := c.Logits(x, block)
					z = slices.AppendSeq(z, slices.Chunk(out, classes))
				}
				return z[:n]
			}
			votes, histogram := make(rs.Votes, classes), make([]int, len(edges)+1)
			scores := make([]int, len(rs.ScoreEdges())+1)
			for _, z := range logits(sample.Estimation, n) {
				wide := make([]float64, classes)
				for c, v := range z {
					wide[c] = float64(v)
				}
				votes[slices.Index(z, slices.Max(z))]++
				other := slices.Max(slices.Concat(wide[:e.Class], wide[e.Class+1:]))
				count := func(counts []int, edges []float64, v float64) {
					bin := 0
					for bin < len(edges) && v >= edges[bin] {
						bin++
					}
					counts[bin]++
				}
				count(histogram, edges, wide[e.Class]-other)
				count(scores, rs.ScoreEdges(), maps[0].Scores(wide)[3])
			}
			selection := make(rs.Votes, classes)
			for _, z := range logits(sample.Selection, n0) {
				selection[slices.Index(z, slices.Max(z))]++
			}
			if !reflect.DeepEqual(e.Estimation, votes) || !reflect.DeepEqual(e.Selection, selection) ||
				e.Class != selection.Top() ||
				!slices.Equal(e.Margins.Counts, histogram) || e.SelectionMargins.Total() != n0 ||
				!slices.Equal(e.Scores[0].Classes[3].Counts, scores) {
				t.Errorf("%s: %+v, and counted one by one: %v, %v, %v", name, e, selection, votes, histogram)
			}
		}
		for _, e := range all[1:] {
			if !reflect.DeepEqual(e, all[0]) {
				t.Errorf("%s: %+v with more blocks at once, %+v with one", name, e, all[0])
			}
		}
	}
}

// Noise of the host has the moments of a normal distribution, and a stream for each block.
func TestNoiseOnHost(t *testing.T) {
	const block = 1000
	p := onHost(t, newPlain(), sample.Settings{Block: block})
	sums := [5]float64{}
	first := map[float32]bool{}
	for b := range 8 {
		x, err := p.Draws(example(make([]float32, values), 3, 0), ask(1, 0, 0, 1), sample.Estimation, b)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range x {
			for k := range sums {
				sums[k] += math.Pow(float64(v), float64(k))
			}
			if i%997 == 0 {
				if first[v] {
					t.Errorf("%v comes again in block %d", v, b)
				}
				first[v] = true
			}
		}
	}
	n := sums[0]
	within(t, "mean", sums[1]/n, 0, math.Sqrt(1/n))
	within(t, "mean square", sums[2]/n, 1, math.Sqrt(2/n))
	within(t, "mean cube", sums[3]/n, 0, math.Sqrt(15/n))
	within(t, "mean fourth power", sums[4]/n, 3, math.Sqrt(96/n))
}

// wrong spoils the logits of a predictor.
type wrong struct {
	sample.Predictor
	spoil func(z []float32) ([]float32, error)
}

func (w wrong) Logits(images []float32, n int) ([]float32, error) {
	z, err := w.Predictor.Logits(images, n)
	if err != nil {
		return nil, err
	}
	return w.spoil(z)
}

func TestRefusedOnHost(t *testing.T) {
	calls := 0
	for says, spoil := range map[string]func(z []float32) ([]float32, error){
		"no device left": func(z []float32) ([]float32, error) {
			return nil, errors.New("no device left")
		},
		"not [1, 5]": func(z []float32) ([]float32, error) { return z[1:], nil },
		"NaN or infinite": func(z []float32) ([]float32, error) {
			z[3] = float32(math.Inf(1))
			return z, nil
		},
		"isn't deterministic": func(z []float32) ([]float32, error) {
			calls++
			z[0] += float32(calls) * 1e-4
			return z, nil
		},
		"other images of a batch": func(z []float32) ([]float32, error) {
			z[0] += float32(len(z))
			return z, nil
		},
	} {
		_, err := onHost(t, wrong{newPlain(), spoil}, sample.Settings{Block: 10,
			Batch: 2}).Evidence(example(picture(1), 1, 0), ask(0.5, 20, 20, 1))
		refused(t, err, "example 1", says)
	}
	r := plan()
	s, err := sample.SettingsOf(r)
	if err != nil {
		t.Fatal(err)
	}
	var want string
	for range 2 {
		dir := t.TempDir()
		if err := sampleInto(context.Background(), onHost(t, newPlain(), s), dir, r, nil); err != nil {
			t.Fatal(err)
		}
		got := string(counts(t, dir))
		if _, err := countlog.Open(dir); err != nil || want != "" && got != want {
			t.Errorf("a run again gave\n%s\n%v, first\n%s", got, err, want)
		}
		want = got
	}
}
