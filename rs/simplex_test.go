package rs

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestGoldenSimplex(t *testing.T) {
	var cases []struct {
		Z                  []float64
		T                  float64
		Softmax, Sparsemax []float64
		Support            int
	}
	goldenJSON(t, "simplex.json", &cases)
	for _, c := range cases {
		soft, sparse, support := Softmax(c.Z, c.T), Sparsemax(c.Z, c.T), 0
		for i := range c.Z {
			support += b2i(sparse[i] > 0)
			if !near(soft[i], c.Softmax[i], 1e-12) || !near(sparse[i], c.Sparsemax[i], 1e-12) {
				t.Errorf("%v times %g: %v, %v", c.Z, c.T, soft, sparse)
				break
			}
		}
		if support != c.Support {
			t.Errorf("%v times %g: support of %d, want %d", c.Z, c.T, support, c.Support)
		}
	}
	panics(t, "no logits", func() { Softmax(nil, 1) })
	panics(t, "t = 0", func() { Sparsemax([]float64{1}, 0) })
}

func TestGoldenSimplexLipschitz(t *testing.T) {
	text, err := os.ReadFile("testdata/simplex_lipschitz.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Fields(line)
		if cells[0] == "map" {
			continue
		}
		var x [5]float64
		for i, cell := range cells[1:] {
			if x[i], err = strconv.ParseFloat(cell, 64); err != nil {
				t.Fatal(err)
			}
		}
		l := SoftmaxLipschitz(x[1])
		if cells[0] == "sparsemax" {
			l = SparsemaxLipschitz(x[1], int(x[0]))
		}
		for i, got := range []float64{l.Vector, l.Class, l.Margin} {
			if want := x[2+i]; got < want || !near(got, want, 1e-14*math.Abs(want)) {
				t.Errorf("%s: %.17g, want %.17g", line, got, want)
			}
		}
	}
}
