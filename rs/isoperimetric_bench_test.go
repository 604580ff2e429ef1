package rs

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkIsoperimetric certifies one example of 512 margin bins.
func BenchmarkIsoperimetric(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	edges := make([]float64, 513)
	for i := range edges {
		edges[i] = float64(i-256) * 0.022
	}
	for _, n := range []int{100, 10000} {
		e := &Evidence{Sigma: 0.5, Selection: Votes{100, 0}, Estimation: Votes{n, 0},
			Margins:          Histogram{Edges: edges, Counts: make([]int, 514)},
			SelectionMargins: Histogram{Edges: edges, Counts: make([]int, 514)}}
		for range 100 {
			e.SelectionMargins.Counts[int(256+(2.2+0.44*r.NormFloat64())/0.022)]++
		}
		for range n {
			e.Margins.Counts[int(256+(2.2+0.44*r.NormFloat64())/0.022)]++
		}
		b.Run(map[int]string{100: "n=100", 10000: "n=10000"}[n], func(b *testing.B) {
			for b.Loop() {
				if _, err := (Isoperimetric{Lambda: Claim(1.41)}).Certify(e, 0.001); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
