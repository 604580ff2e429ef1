package lab

import (
	"math"
	"math/rand/v2"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/coverage"
)

// A Margin is the margin of a made-up classifier under noise. It is normal, with its Mean in logits
// and a deviation of Kappa·Lambda·Sigma, 0 <= Kappa <= 1. Kappa = 1 is a linear margin.
type Margin struct{ Mean, Kappa, Lambda, Sigma float64 }

// Evidence draws the evidence of one image of class 0: n0 = 100 draws to select, n to estimate.
func (m Margin) Evidence(n int, seed uint64) *rs.Evidence {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	edges := countlog.Edges(4*m.Lambda, countlog.DefaultMarginBins)
	draw := func(n int) (votes rs.Votes, h rs.Histogram) {
		votes, h = rs.Votes{0, 0}, rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
		for range n {
			h.Add(m.Mean + m.Kappa*m.Lambda*m.Sigma*r.NormFloat64())
		}
		for i, k := range h.Counts {
			if i > len(edges)/2 { // a margin of at least 0
				votes[0] += k
			} else {
				votes[1] += k
			}
		}
		return votes, h
	}
	e := &rs.Evidence{Sigma: m.Sigma, Clean: rs.Clean{Margin: m.Mean}}
	e.Selection, e.SelectionMargins = draw(100)
	e.Estimation, e.Margins = draw(n)
	return e
}

// Methods returns the rows of a table: n, and the radius by each method, soft votes at their best
// temperature of a few.
func (m Margin) Methods(alpha float64, ns ...int) (rows [][]any) {
	for _, n := range ns {
		e := m.Evidence(n, 1)
		radius := func(by rs.Method) float64 { return Must(by.Certify(e, alpha)).Radius }
		soft := 0.0
		for tau := 0.25; tau < 8; tau *= 1.25 {
			soft = max(soft, radius(rs.Lipschitz{Lambda: rs.Claim(m.Lambda), Tau: tau}))
		}
		rows = append(rows, []any{n, radius(rs.Mono{}), soft,
			radius(rs.Isoperimetric{Lambda: rs.Claim(m.Lambda)}),
			radius(rs.Margin{Lambda: rs.Claim(m.Lambda)})})
	}
	return rows
}

// Levels returns R(s) of an image at every level.
func (m Margin) Levels(n int, alpha float64) figures.ImageLevels {
	all, chosen, err := rs.Isoperimetric{Lambda: rs.Claim(m.Lambda)}.Levels(m.Evidence(n, 1), alpha)
	return figures.ImageLevels{Levels: Must(all, err), Chosen: chosen}
}

// Settings are the settings of its figure.
func (m Margin) Settings(n int, alpha float64) certify.Settings {
	return certify.Settings{Sigma: m.Sigma, N0: 100, N: n, Alpha: alpha,
		Lambda: rs.Claim(m.Lambda)}
}

// AtDistance moves the dot to the last level whose distance s/Λ is no larger.
func AtDistance(image figures.ImageLevels, distance float64) figures.ImageLevels {
	image.Chosen = 0
	for k, l := range image.Levels {
		if l.Distance <= distance {
			image.Chosen = k
		}
	}
	return image
}

// Parts returns the row of a table: the level's two parts and their sum.
func Parts(image figures.ImageLevels) []any {
	l := image.Levels[image.Chosen]
	return []any{l.Margin, l.Distance, l.Noise, l.Radius()}
}

// Ceilings returns the rows of a table: the largest radius that n votes can certify, in units of σ.
func Ceilings(alpha float64, ns ...int) (rows [][]any) {
	for _, n := range ns {
		rows = append(rows, []any{n, rs.CohenRadius(1, math.Pow(alpha, 1/float64(n)))})
	}
	return rows
}

// Line tries R(s) on random 1-Lipschitz margins of a line, at levels s from 0 to 2, with exact
// probabilities. It returns the number of radii, and the number of radii with half of the votes or
// fewer just within R(s) on either side.
func Line(functions int) (radii, broken int) {
	r := rand.New(rand.NewPCG(3, 5))
	for range functions {
		f, sigma := coverage.RandomLine(r, 12), 0.2+r.Float64()
		for s := 0.0; s < 2; s += 0.1 {
			p := f.Above(0, sigma, s)
			if p < 1e-9 || p > 1-1e-9 || s+rs.CohenRadius(sigma, p) <= 0 {
				continue
			}
			radii++
			near := 0.999 * (s + rs.CohenRadius(sigma, p))
			if f.Above(near, sigma, 0) <= 0.5 || f.Above(-near, sigma, 0) <= 0.5 {
				broken++
			}
		}
	}
	return radii, broken
}

// Linear returns the largest difference between R(s) and the true radius, in units of σ. It takes
// linear margins at some distances, levels s, and exact probabilities.
func Linear() (worst float64) {
	for at := 0.5; at <= 3; at += 0.5 {
		for s := 0.0; s < 3; s += 0.25 {
			p := math.Erfc((s-at)/math.Sqrt2) / 2
			worst = max(worst, math.Abs(s+rs.CohenRadius(1, p)-at))
		}
	}
	return worst
}

// SameDraw returns how often a certificate of linear margins is wrong after n draws. The first
// result is for a level chosen on the estimation draw itself, and the second for one chosen on the
// selection draw.
func SameDraw(m Margin, n, trials int, alpha float64) (same, selection float64) {
	for trial := range trials {
		all, chosen, err := rs.Isoperimetric{Lambda: rs.Claim(m.Lambda)}.Levels(m.Evidence(n,
			uint64(trial)),
			alpha)
		if err != nil {
			panic(err)
		}
		best, truth := 0.0, m.Mean/m.Lambda
		for _, l := range all {
			best = max(best, l.Radius())
		}
		if best > truth {
			same += 1 / float64(trials)
		}
		if all[chosen].Radius() > truth {
			selection += 1 / float64(trials)
		}
	}
	return same, selection
}
