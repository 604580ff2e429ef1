package prove

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// h is the step of differences, secant that of slopes: a longer one rounds less.
const h, secant = 1e-6, 1e-4

// A tangent is a graph at one image, with the Jacobian of every value: [entries][entries of x].
type tangent struct {
	g  *graph
	x  []float64
	at [][]float64
	j  [][][]float64
}

// tangentOf finds the Jacobians of linear values from their maps, those of activations by
// differences.
func tangentOf(g *graph, x []float64) *tangent {
	t := &tangent{g, x, g.evaluate(x), make([][][]float64, len(g.values))}
	for _, v := range g.values {
		j := make([][]float64, v.n)
		flat := make([]float64, v.n*len(x))
		for i := range j {
			j[i] = flat[i*len(x):][:len(x)]
		}
		t.j[v.id] = j
		switch {
		case v.id == 0:
			for i := range j {
				j[i][i] = 1
			}
		case v.act != nil:
			y, moved := t.at[v.arg.id], make([]float64, v.arg.n)
			for c := range x {
				for i := range moved {
					moved[i] = y[i] + h*t.j[v.arg.id][i][c]
				}
				for i, z := range v.act.eval(moved) {
					j[i][c] = (z - t.at[v.id][i]) / h
				}
			}
		}
		for _, term := range v.terms {
			of := t.j[term.of.id]
			term.by.each(func(row, column int, w float64) {
				for c, d := range of[column] {
					j[row][c] += w * d
				}
			})
		}
	}
	return t
}

// stretch is about the largest singular value of a value's Jacobian, and x's direction.
func (t *tangent) stretch(v *value, steps int) (norm float64, x []float64) {
	x, y := make([]float64, len(t.x)), 0.0
	for i := range x {
		x[i] = 1 + 0.1*float64(i%7)
	}
	for range steps {
		s := size(x)
		if s == 0 {
			return 0, x
		}
		next := make([]float64, len(x))
		y = 0
		for _, row := range t.j[v.id] {
			dot := 0.0
			for i, w := range row {
				dot += w * x[i]
			}
			dot /= s
			y += dot * dot
			for i, w := range row {
				next[i] += dot * w
			}
		}
		norm, x = max(norm, math.Sqrt(y)), next
	}
	return norm, x
}

func size(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v * v
	}
	return math.Sqrt(s)
}

// secants are what all values change by a step in a direction, a unit of it.
func (t *tangent) secants(d []float64) [][]float64 {
	moved, s := slices.Clone(t.x), max(size(d), 1e-300)
	for i := range d {
		moved[i] += secant * d[i] / s
	}
	y := t.g.evaluate(moved)
	for v := range y {
		y[v] = slices.Clone(y[v])
		for i := range y[v] {
			y[v][i] = (y[v][i] - t.at[v][i]) / secant
		}
	}
	return y
}

// check compares the bounds of a model, those of every value and of every pair of logits, with
// slopes at some points. It returns the largest ratio of a pair's slope to its bound. A Jacobian of
// differences may mix two sides of a kink, so what it finds above a bound has to be a slope too.
func check(t *testing.T, m *onnxfile.Model, seed uint64, points int) (tightness float64) {
	t.Helper()
	g, _, err := lower(m, Options{Output: m.Outputs[0].Name}, 1, map[string]*tensor{})
	if err == nil && seed%16 == 0 {
		_, _, _, err = read(m, Options{})
	}
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	p, err := proven(g, 1e9)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	pairs, err := p.pairs(g.logits, p.bound(g.logits))
	if err != nil {
		t.Fatal(err)
	}
	above := func(slope, bound float64) bool { return slope > bound*(1+1e-9)+1e-10 }
	r := rand.New(rand.NewPCG(seed, 3))
	x := make([]float64, g.image().n)
	for range points {
		for i := range x {
			x[i] = r.NormFloat64()
		}
		at := tangentOf(g, x)
		for _, v := range g.values {
			bound := p.bounds[v.id]
			if math.IsNaN(bound) {
				continue
			}
			if s, d := at.stretch(v, 8); s > bound {
				if s = size(at.secants(d)[v.id]); above(s, bound) {
					t.Errorf("seed %d: value %d (%s) has the bound %g by %q and the slope %g", seed,
						v.id, v.node, bound, p.rules[v.id], s)
				}
			}
		}
		j, d := at.j[g.logits.id], make([]float64, len(x))
		for a := range g.logits.n {
			for b := range a {
				for i := range d {
					d[i] = j[a][i] - j[b][i]
				}
				slope := size(d)
				if slope > pairs[a][b] {
					y := at.secants(d)[g.logits.id]
					if slope = math.Abs(y[a] - y[b]); above(slope, pairs[a][b]) {
						t.Errorf("seed %d: logits %d and %d: bound %g, slope %g", seed, a, b,
							pairs[a][b], slope)
					}
				}
				if slope > 0 {
					tightness = max(tightness, slope/pairs[a][b])
				}
			}
		}
	}
	return tightness
}

var (
	graphs = flag.Uint64("graphs", 3000, "random graphs of TestRandom")
	first  = flag.Uint64("first", 0, "seed of the first of them")
)

// No bound is below a slope, for random graphs of the operations.
func TestRandom(t *testing.T) {
	sum, most := 0.0, 0.0
	for seed := *first; seed < *first+*graphs; seed++ {
		ratio := check(t, randomModel(seed), seed, 2)
		if sum, most = sum+ratio, max(most, ratio); (seed+1)%50_000 == 0 {
			t.Logf("%d graphs: slope over bound is %.8f at most", seed+1-*first, most)
		}
	}
	t.Logf("slope over bound: mean %.3f, largest %.8f", sum/float64(*graphs), most)
}

func FuzzProve(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { check(t, randomModel(seed), seed, 2) })
}
