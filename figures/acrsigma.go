package figures

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/plot"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Noise is a standard deviation sampled with, and what the methods certify under it.
type Noise struct {
	Sigma  float64
	Curves []certify.Curve
}

func drawACRSigma(in Input) (*Figure, error) {
	if _, err := in.first("acr-sigma"); err != nil {
		return nil, err
	}
	in.Runs = equalDraws(in.Runs)
	if err := in.checkAlpha("acr-sigma"); err != nil {
		return nil, err
	}
	var levels []Noise
	for _, r := range in.Runs {
		names := in.Methods
		if names == nil {
			names = in.able(r, "mono", "paper", "isoperimetric", "adaptive", "margin")
			in.Methods = names
		}
		c, err := r.Certify(in.config(names...))
		if err != nil {
			return nil, fmt.Errorf("figure acr-sigma: σ = %g: %w", r.Run.Sigma, err)
		}
		levels = append(levels, Noise{r.Sigma, c.Curves})
	}
	settings := in.Runs[0].Settings(in.config())
	settings.Sigma, settings.Tau = 0, 0
	return ACRSigma(settings, levels)
}

// equalDraws returns the runs of one number of draws n. It takes the n that most runs have, and of
// equally common ones the larger. Radii of unequal n don't compare.
func equalDraws(runs []*certify.Run) []*certify.Run {
	count := map[int]int{}
	for _, r := range runs {
		count[r.Run.N]++
	}
	n := slices.MaxFunc(slices.Collect(maps.Keys(count)), func(a, b int) int {
		return cmp.Or(cmp.Compare(count[a], count[b]), cmp.Compare(a, b))
	})
	return slices.DeleteFunc(slices.Clone(runs), func(r *certify.Run) bool { return r.Run.N != n })
}

// ACRSigma answers the question: which noise level σ gives each method its largest average
// certified radius? It needs two σ at least. Bars and table give ± 1.96 standard errors over the
// choice of examples. These radii are an estimate, not a bound.
func ACRSigma(s certify.Settings, levels []Noise) (*Figure, error) {
	levels = slices.SortedFunc(slices.Values(levels),
		func(a, b Noise) int { return cmp.Compare(a.Sigma, b.Sigma) })
	if len(levels) < 2 {
		return nil, lacks("acr-sigma", fmt.Sprintf("runs of %d noise level, want two or more",
			len(levels)), needsJob)
	}
	p := newPlot("σ of the noise sampled with", "average certified ℓ_{2} radius")
	numbers := &table.Table{Columns: []string{"sigma"}}
	for i, l := range levels {
		if i > 0 && l.Sigma == levels[i-1].Sigma {
			return nil, fmt.Errorf("figure acr-sigma: two runs of σ = %g", l.Sigma)
		}
		if len(l.Curves) != len(levels[0].Curves) {
			return nil, fmt.Errorf("figure acr-sigma: other methods at σ = %g than at %g", l.Sigma,
				levels[0].Sigma)
		}
		numbers.Add(l.Sigma)
	}
	var names []string
	var thumbs [][]plot.Thumbnailer
	top := 0.0
	for k, c := range levels[0].Curves {
		var e estimates
		for i, l := range levels {
			here := l.Curves[k]
			if here.Method != c.Method || len(here.Results) == 0 {
				return nil, fmt.Errorf("figure acr-sigma: nothing certified by %s at σ = %g",
					c.Method, l.Sigma)
			}
			mean, half := rs.AverageRadius(here.Results), 1.96*standardError(here.Results)
			e.add(l.Sigma, mean, half)
			numbers.Extend(i, mean, half)
			top = max(top, mean+half)
		}
		numbers.Columns = append(numbers.Columns, c.Method, c.Method+"_halfwidth")
		thumb, err := e.draw(p, k, 4)
		if err != nil {
			return nil, fmt.Errorf("figure acr-sigma: %s: %w", c.Method, err)
		}
		name := c.Method
		if name == "margin" {
			name = "margin (no noise)"
		}
		names, thumbs = append(names, name), append(thumbs, thumb)
	}
	rows := addLegend(p, names, thumbs, 0)
	if top == 0 {
		top = 1
	}
	room := 0.04 * (levels[len(levels)-1].Sigma - levels[0].Sigma)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = levels[0].Sigma-room, levels[len(levels)-1].Sigma+room, 0,
		1.04*top
	return &Figure{Name: "acr-sigma", Title: title("Average certified radius", s),
		Caption: s.Caption() + "; bars: ± 1.96 standard errors over the images",
		Plot:    p, Table: numbers, Width: width, Height: height + rows}, nil
}

// standardError estimates that of the average certified radius.
func standardError(results []rs.Result) float64 {
	results = rs.Labelled(results)
	n, mean, sum := float64(len(results)), rs.AverageRadius(results), 0.0
	for _, r := range results {
		x := -mean
		if r.Right() {
			x += r.Radius
		}
		sum += x * x
	}
	return math.Sqrt(sum / n / max(1, n-1))
}
