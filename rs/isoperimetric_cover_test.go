package rs

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Linear margins are the tight case: every level's radius is the true one in expectation, so the
// certificate is wrong as often as its bound is. With Rounding and Float32 every logged margin is
// higher than it should be by all that they allow, and votes of rounded inputs are fewer.
func TestIsoperimetricCovers(t *testing.T) {
	runs := 100000
	if testing.Short() {
		runs = 10000
	}
	for _, n := range []int{100, 1000} {
		for name, c := range map[string]struct {
			stops         bool
			rounding, off float64
		}{"plain": {}, "stops": {stops: true}, "rounding": {rounding: 0.03}, "float32": {off: 0.03}} {
			t.Run(fmt.Sprintf("n=%d/%s", n, name), func(t *testing.T) {
				t.Parallel()
				s := lineSimulation{n: n, rounding: c.rounding, off: c.off}
				if c.stops {
					s.stops = Stops(50, 10, n, 2.5)
				}
				wrong, mean := s.run(t, runs)
				for _, k := range s.kinds() {
					limit := excess(runs, k.alpha)
					t.Logf("%s, α = %g: wrong %d times of %d, at most %d; mean radius %.3f of %g",
						k.name, k.alpha, wrong[k], runs, limit, mean[k]/float64(runs), lineRadius)
					if wrong[k] > limit {
						t.Errorf("%s, α = %g: wrong %d times of %d", k.name, k.alpha, wrong[k], runs)
					}
				}
			})
		}
	}
}

const lineRadius = 0.9

// lineSimulation certifies a linear margin whose zero lies at lineRadius, with Λ = 1 and σ = ½.
type lineSimulation struct {
	n             int
	stops         []int
	rounding, off float64
}

type lineKind struct {
	name  string
	alpha float64
}

func (s lineSimulation) kinds() (kinds []lineKind) {
	for _, alpha := range []float64{0.05, 0.001} {
		kinds = append(kinds, lineKind{"isoperimetric", alpha}, lineKind{"adaptive", alpha})
	}
	return kinds
}

// truth is the radius of the classifier that a method certifies: adaptive's has rounded inputs.
func (s lineSimulation) truth(k lineKind) float64 {
	if k.name == "adaptive" {
		return lineRadius - s.rounding
	}
	return lineRadius
}

// run counts the runs in which a certificate, at any stop, exceeds the true radius.
func (s lineSimulation) run(t *testing.T, runs int) (
	wrong map[lineKind]int, mean map[lineKind]float64) {

	r := rand.New(rand.NewPCG(uint64(s.n), uint64(len(s.stops))))
	wrong, mean = map[lineKind]int{}, map[lineKind]float64{}
	const n0 = 50
	shift := s.rounding + s.off
	e := &Evidence{Sigma: 0.5, Selection: Votes{0, 0}, Estimation: Votes{0, 0}, Stops: s.stops,
		Rounding: s.rounding, MarginError: s.off,
		SelectionMargins: Histogram{Edges: lineEdges, Counts: make([]int, 514)},
		Margins:          Histogram{Edges: lineEdges, Counts: make([]int, 514)}}
	draw := func(h Histogram, v Votes, n int) {
		for range n {
			m := lineRadius + 0.5*r.NormFloat64()
			v[b2i(m <= s.rounding)]++ // rounding takes from the margin near its zero
			h.Counts[lineBin(m+shift)]++
		}
	}
	ends := s.stops
	if ends == nil {
		ends = []int{s.n}
	}
	for range runs {
		clear(e.Selection)
		clear(e.Estimation)
		clear(e.SelectionMargins.Counts)
		clear(e.Margins.Counts)
		draw(e.SelectionMargins, e.Selection, n0)
		failed := map[lineKind]bool{}
		for i, end := range ends {
			draw(e.Margins, e.Estimation, end-e.Estimation.Total())
			for _, k := range s.kinds() {
				var m Method = Isoperimetric{Lambda: Claim(1), Float32: s.off > 0}
				if k.name == "adaptive" {
					m = Adaptive{Lambda: Claim(1), Float32: s.off > 0}
				}
				c, err := m.Certify(e, k.alpha)
				if err != nil {
					t.Fatal(err)
				}
				failed[k] = failed[k] || c.Class == 0 && c.Radius > s.truth(k)
				if i == len(ends)-1 {
					mean[k] += c.Radius
				}
			}
		}
		for k, f := range failed {
			wrong[k] += b2i(f)
		}
	}
	return wrong, mean
}

// A level chosen on the estimation draw itself is wrong far more often than α: the reason why it is
// chosen on the selection draw.
func TestLevelOfTheEstimationDrawFails(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const runs, alpha = 2000, 0.05
	wrong := 0
	for range runs {
		e := linear(r, lineRadius, 50, 1000)
		l, err := e.levels("test", Claim(1), false)
		if err != nil {
			t.Fatal(err)
		}
		best := math.Inf(-1)
		for at := l.first; at < len(lineEdges); at++ {
			radius, _ := l.lower(at, ClopperPearson{}, alpha)
			best = max(best, radius)
		}
		wrong += b2i(best > lineRadius)
	}
	if wrong < 2*excess(runs, alpha) {
		t.Errorf("wrong %d times of %d only", wrong, runs)
	}
}

// Two bounds at levels of the class and of its rival, from ramp scores: two classes with linear
// margins are the tight case.
func TestTwoLevelsCover(t *testing.T) {
	const runs, n, alpha = 1000, 200, 0.05
	for _, off := range []float64{0, 0.02} {
		r := rand.New(rand.NewPCG(21, 22))
		ramp := ScoreMap{Name: "ramp", T: 0.8}
		wrong, mean, levelled := 0, 0.0, 0
		for range runs {
			e := linear(r, lineRadius, 50, 0)
			e.MarginError = off
			e.Scores = []Scores{emptyScores(ramp, 2)}
			for range n {
				m := lineRadius + 0.5*r.NormFloat64() + off
				e.Estimation[b2i(m <= 0)]++
				e.Margins.Counts[lineBin(m)]++
				addScores(&e.Scores[0], ramp.Scores([]float64{m, 0}))
			}
			l, err := e.levels("test", Claim(1), off > 0)
			if err != nil {
				t.Fatal(err)
			}
			p := plan{share: 0.5, top: l.choose(alpha/2, n)}
			p.rival = l.rivalLevel(p.top)
			if p.top == votes || p.rival == votes {
				continue
			}
			levelled++
			_, top := l.lower(p.top, ClopperPearson{}, alpha/2)
			radius, _ := l.against(p, ClopperPearson{}, alpha/2, top.Value)
			wrong += b2i(radius > lineRadius)
			mean += radius
		}
		mean /= float64(levelled)
		t.Logf("off by %g: wrong %d times of %d, mean radius %.3f", off, wrong, levelled, mean)
		if levelled < runs/2 || wrong > excess(levelled, alpha) || mean < 0.7 {
			t.Errorf("off by %g: wrong %d times of %d, mean radius %.3f", off, wrong, levelled, mean)
		}
	}
}
