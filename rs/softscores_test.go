package rs

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
)

// hardScores are the votes as scores of 0 and 1.
func hardScores(e *Evidence) Scores {
	s := Scores{Map: ScoreMap{"softmax", 1}}
	edges := ScoreEdges()
	for _, k := range e.Estimation {
		h := Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
		h.Counts[1], h.Counts[len(edges)] = e.Estimation.Total()-k, k
		s.Classes = append(s.Classes, h)
	}
	return s
}

// addScores counts the scores of logits.
func addScores(s *Scores, z []float64) {
	for c, v := range s.Map.Scores(z) {
		at, exact := slices.BinarySearch(s.Classes[c].Edges, v)
		s.Classes[c].Counts[at+b2i(exact)]++
	}
}

func emptyScores(m ScoreMap, classes int) Scores {
	s, edges := Scores{Map: m}, ScoreEdges()
	for range classes {
		s.Classes = append(s.Classes, Histogram{Edges: edges, Counts: make([]int, len(edges)+1)})
	}
	return s
}

// Of scores that are votes, LVM-RS is two bounds, but for the ends of a bin.
func TestSoftScoresOfHardVotes(t *testing.T) {
	r := rand.New(rand.NewPCG(61, 62))
	for range 30 {
		e := randomVotes(r)
		e.Scores = []Scores{hardScores(e)}
		soft, hard := certify(t, SoftScores{Bound: ClopperPearson{}}, e, 0.01),
			certify(t, TwoBound{Clip: true}, e, 0.01)
		bettered := certify(t, SoftScores{Bound: Betting{}}, e, 0.01)
		betted := certify(t, TwoBound{Clip: true, Bound: Betting{}}, e, 0.01)
		if soft.Radius > hard.Radius || !near(bettered.Radius, betted.Radius, 1e-9) ||
			bettered.Class != betted.Class {
			t.Errorf("%v: %v, two bounds %v; betting %v, %v", e.Estimation, soft, hard, bettered,
				betted)
		}
	}
}

func TestScoreMapLipschitz(t *testing.T) {
	for _, name := range ScoreMapNames() {
		checkScoreMap(t, name)
	}
	checkVectorMaps(t)
}

// checkScoreMap: the constants of a score hold for a linear network with known differences of
// logits, and some input nearly meets them.
func checkScoreMap(t *testing.T, name string) {
	t.Helper()
	r := rand.New(rand.NewPCG(63, 64))
	for _, classes := range []int{2, 3, 10} {
		one, two := 0.0, 0.0
		for trial := range 4000 {
			// Logits of unit steps in orthogonal directions, √½ each: every difference is
			// 1-Lipschitz.
			m := ScoreMap{name, math.Exp(r.NormFloat64())}
			z := make([]float64, classes)
			for c := range z {
				z[c] = r.NormFloat64() * math.Exp(-float64(trial%6)) / m.T
			}
			jacobian := scoreJacobian(m, z)
			boundOne, boundTwo := m.Lipschitz(1, classes)
			for a := range jacobian {
				one = max(one, floats.Norm(jacobian[a], 2)/boundOne)
				for b := range a {
					two = max(two, floats.Distance(jacobian[a], jacobian[b], 2)/boundTwo)
				}
			}
		}
		// Orthogonal logits meet softmax's constant with two classes only. They always meet the
		// ramp's, and the constant of a difference.
		least := map[bool]float64{true: 0.98, false: 0.6}[classes == 2 || name == "ramp"]
		if one > 1+1e-4 || two > 1+1e-4 || one < least || two < 0.75 {
			t.Errorf("%s of %d classes: %.4f and %.4f of the constants", name, classes, one, two)
		}
	}
}

// scoreJacobian returns the derivative of each score, by steps along each logit of √½,
// [classes, classes].
func scoreJacobian(m ScoreMap, z []float64) [][]float64 {
	const step = 1e-6
	jacobian := make([][]float64, len(z))
	for a := range jacobian {
		jacobian[a] = make([]float64, len(z))
	}
	for j := range z {
		up, down := slices.Clone(z), slices.Clone(z)
		up[j], down[j] = up[j]+step, down[j]-step
		hi, lo := m.Scores(up), m.Scores(down)
		for a := range jacobian {
			jacobian[a][j] = (hi[a] - lo[a]) / (2 * step) * math.Sqrt(0.5)
		}
	}
	return jacobian
}

// checkVectorMaps: with logits that are √½-Lipschitz, the constants of the vector maps
// (SoftmaxLipschitz, SparsemaxLipschitz) agree with those of the score maps.
func checkVectorMaps(t *testing.T) {
	t.Helper()
	soft, _ := ScoreMap{"softmax", 3}.Lipschitz(1, 10)
	if want := SoftmaxLipschitz(3).Class * math.Sqrt(0.5); !near(soft, want, 1e-12) {
		t.Errorf("softmax: %g, want %g", soft, want)
	}
	if one, two := (ScoreMap{"sparsemax", 2}).Lipschitz(0, 5); !math.IsInf(one, 1) ||
		!math.IsInf(two, 1) {
		t.Errorf("no Λ gives constants of %g and %g", one, two)
	}
}

// TestSoftScoresCover smooths a linear classifier of three classes in the plane. Its mean scores
// meet at a distance, which by symmetry is the distance at which the logits meet. No map's
// certificates exceed that distance more often than α.
func TestSoftScoresCover(t *testing.T) {
	const runs, n, alpha = 250, 80, 0.1
	maps := []ScoreMap{{"softmax", 2}, {"sparsemax", 1}, {"ramp", 1}}
	for _, x := range []float64{0.05, 0.4, 1.2} {
		wrong, sum := map[string]int{}, map[string]float64{}
		r := rand.New(rand.NewPCG(65, 66))
		for range runs {
			e := &Evidence{Sigma: 0.5, Selection: make(Votes, 2), Estimation: make(Votes, 2)}
			for range 10 {
				e.Selection[b2i(x+0.5*r.NormFloat64() < 0)]++
			}
			e.Class = e.Selection.Top()
			for _, m := range maps {
				e.Scores = append(e.Scores, emptyScores(m, 2))
			}
			for range n {
				v := x + 0.5*r.NormFloat64()
				z := []float64{v / 2, -v / 2} // Λ = 1
				e.Estimation[b2i(v < 0)]++
				for i := range e.Scores {
					addScores(&e.Scores[i], z)
				}
			}
			truth := x
			if e.Class == 1 {
				truth = -x
			}
			for _, m := range []struct {
				name string
				SoftScores
			}{
				{"lvm", SoftScores{}}, {"two", SoftScores{Lambda: Claim(1), TwoClass: true}},
				{"difference", SoftScores{Lambda: Claim(1), Difference: true}},
				{"softmax", SoftScores{Lambda: Claim(1), TwoClass: true, Map: "softmax,t=2"}},
			} {
				c := certify(t, m.SoftScores, e, alpha)
				if a := c.Alpha(); a > alpha*(1+1e-12) || len(c.Ledger) == 0 {
					t.Fatalf("%s spends %g", m.name, a)
				}
				wrong[m.name] += b2i(c.Class != Abstain && c.Radius > truth)
				sum[m.name] += c.Radius
			}
		}
		for name, k := range wrong {
			if k > excess(runs, alpha) {
				t.Errorf("x = %g, %s: wrong %d times of %d", x, name, k, runs)
			}
		}
		if x > 1 && !(sum["two"] > 1.2*sum["lvm"]) {
			t.Errorf("x = %g: mean radii %v", x, sum)
		}
	}
}

func TestScoreMaps(t *testing.T) {
	for text, want := range map[string]string{
		"softmax": "softmax,t=1", "sparsemax,t=0.5": "sparsemax,t=0.5", "ramp, t=2": "ramp,t=2",
		"max":         `no map of scores "max"; known: ramp, softmax, sparsemax`,
		"softmax,t=0": "t = 0, want a positive number",
		"softmax,u=1": "no map of scores: want", "softmax,t=": "no map of scores: want",
		"softmax,t=NaN": "t = NaN", "": `no map of scores ""`,
	} {
		got := ""
		if m, err := ParseScoreMap(text); err != nil {
			got = err.Error()
		} else {
			got = m.String()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	edges := ScoreEdges()
	for i, e := range edges {
		if float64(float32(e)) != e || i > 0 && !(e > edges[i-1]) {
			t.Errorf("edge %d, %g", i, e)
		}
	}
	if edges[0] != 0 || edges[len(edges)-1] != 1 {
		t.Errorf("edges from %g to %g", edges[0], edges[len(edges)-1])
	}
	h := ScoreMap{"ramp", 2}.Scores([]float64{0.25, 0, -3})
	if !near(h[0], 0.75, 1e-15) || !near(h[1], 0.25, 1e-15) || h[2] != 0 {
		t.Errorf("ramp: %v", h)
	}
	e := &Evidence{Sigma: 1, Selection: Votes{5, 0}, Estimation: Votes{9, 1}}
	for want, change := range map[string]func(){
		"no scores of all classes":                   func() { e.Scores = nil },
		"no scores softmax,t=9; logged: softmax,t=1": func() { e.Scores = []Scores{hardScores(e)} },
		"scores softmax,t=1 of class 1: 10 draws in": func() {
			e.Scores[0].Classes[1].Edges = e.Scores[0].Classes[1].Edges[1:]
		},
		"of 1 classes, votes of 2": func() { e.Scores[0].Classes = e.Scores[0].Classes[:1] },
	} {
		e.Scores = []Scores{hardScores(e)}
		change()
		m := SoftScores{}
		if strings.Contains(want, "t=9") {
			m.Map = "softmax,t=9"
		}
		if _, err := m.Certify(e, 0.1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
