package rs

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A linear margin shows most of its constant and never more. So does a margin that only falls with
// the noise's norm, by its clean value alone.
func TestLeastLipschitz(t *testing.T) {
	const lambda, sigma, dimension, runs, alpha = 1.7, 0.5, 200, 300, 0.05
	edges := make([]float64, 257)
	for j := range edges {
		edges[j] = 8 * float64(j-128) / 128
	}
	r := rand.New(rand.NewPCG(1, 2))
	margins := map[string]func(norm, along float64) float64{
		"linear": func(_, along float64) float64 { return 1 + lambda*along },
		"norm":   func(norm, _ float64) float64 { return 7 - lambda/2*norm },
		"rising": func(norm, _ float64) float64 { return 0.1 + lambda/2*norm },
	}
	for name, margin := range margins {
		above, most := 0, 0.0
		for range runs {
			e := &Evidence{Sigma: sigma, Class: 0, Clean: Clean{Margin: margin(0, 0)}}
			draw := func(n int) (Votes, Histogram) {
				v, h := make(Votes, 2), Histogram{edges, make([]int, len(edges)+1)}
				for range n {
					square := 0.0
					first := sigma * r.NormFloat64()
					for range dimension - 1 {
						x := sigma * r.NormFloat64()
						square += x * x
					}
					m := margin(math.Sqrt(square+first*first), first)
					h.Add(m)
					v[b2i(m < 0)]++
				}
				return v, h
			}
			e.Selection, e.SelectionMargins = draw(50)
			e.Estimation, e.Margins = draw(500)
			least, err := e.LeastLipschitz(dimension, alpha)
			if err != nil {
				t.Fatal(err)
			}
			above += b2i(least > lambda)
			most = max(most, least)
		}
		if above > 25 || most < 0.45*lambda {
			t.Errorf("%s: above Λ = %g in %d of %d runs, at most %g", name, lambda, above, runs, most)
		}
	}
	if least, err := (&Evidence{}).LeastLipschitz(dimension, alpha); least != 0 || err != nil {
		t.Errorf("without margins: %g, %v", least, err)
	}
}
