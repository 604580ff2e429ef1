package prove

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// A family is a file of testdata/make.py, with what Python found.
type family struct {
	Shape   []int
	Product float64 // of the layers' largest singular values, in float64
	Image   []float64
	Logits  []float64
}

func families(t *testing.T) map[string]family {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "families.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]family
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// The files of PyTorch's libraries have a bound within 5% of the product of the layers' singular
// values, above the steepest slope, and the logits that ONNX Runtime has.
func TestFamilies(t *testing.T) {
	for name, want := range families(t) {
		t.Run(name, func(t *testing.T) {
			m, err := onnxfile.Read(filepath.Join("testdata", name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			g, _, _, err := read(m, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range want.Image {
				want.Image[i] /= 256
			}
			for i, y := range g.evaluate(want.Image)[g.logits.id] {
				if math.Abs(y-want.Logits[i]) > 2e-5 {
					t.Errorf("logit %d is %g, not %g", i, y, want.Logits[i])
				}
			}
			start := time.Now()
			p, err := Model(m, Options{})
			if err != nil {
				t.Fatal(err)
			}
			lambda, steepest := p.Lambda.Value(), steepestPair(g, want.Image)
			t.Logf("Λ %.5f, product of singular values %.5f, steepest slope %.5f, %.2f s", lambda,
				want.Product, steepest, time.Since(start).Seconds())
			if lambda > 1.05*want.Product || lambda < steepest {
				t.Errorf("Λ = %g, with a product of %g and a slope of %g", lambda, want.Product,
					steepest)
			}
		})
	}
}

// steepestPair is the largest slope of a difference of two logits that some steps of ascent find.
func steepestPair(g *graph, x []float64) float64 {
	most, n := 0.0, len(x)
	f := func(x []float64) []float64 { return g.evaluate(x)[g.logits.id] }
	const h = 1e-6
	j := make([][]float64, n)
	at := f(x)
	for i := range x {
		v := append([]float64(nil), x...)
		v[i] += h
		y := f(v)
		for k := range y {
			y[k] = (y[k] - at[k]) / h
		}
		j[i] = y
	}
	for a := range at {
		for b := range a {
			direction, s := make([]float64, n), 0.0
			for i := range x {
				direction[i] = j[i][a] - j[i][b]
				s += direction[i] * direction[i]
			}
			if s == 0 {
				continue
			}
			moved := append([]float64(nil), x...)
			for i, d := range direction {
				moved[i] += h * d / math.Sqrt(s)
			}
			y := f(moved)
			most = max(most, math.Abs((y[a]-y[b])-(at[a]-at[b]))/h)
		}
	}
	return most * (1 - 1e-6)
}
