package figures

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

func drawRadiusSigma(in Input) (*Figure, error) {
	if _, err := in.first("radius-sigma"); err != nil {
		return nil, err
	}
	if err := in.checkAlpha("radius-sigma"); err != nil {
		return nil, err
	}
	runs, names := equalDraws(in.Runs), in.Methods
	if names == nil {
		names = in.able(runs[0], "twobound", "isoperimetric")
	}
	var levels []Noise
	for _, r := range runs {
		c, err := r.Certify(in.config(names[:min(2, len(names))]...))
		if err != nil {
			return nil, fmt.Errorf("figure radius-sigma: σ = %g: %w", r.Run.Sigma, err)
		}
		levels = append(levels, Noise{r.Sigma, c.Curves})
	}
	settings := runs[0].Settings(in.config())
	settings.Sigma, settings.Tau = 0, 0
	return RadiusSigma(settings, levels)
}

// RadiusSigma answers the question: which noise level σ certifies most at each radius? It draws
// certified accuracy against the radius, with a step curve for each σ. It needs two σ at least. A
// second method gets a second panel below.
func RadiusSigma(s certify.Settings, levels []Noise) (*Figure, error) {
	levels = slices.SortedFunc(slices.Values(levels),
		func(a, b Noise) int { return cmp.Compare(a.Sigma, b.Sigma) })
	if len(levels) < 2 {
		return nil, lacks("radius-sigma", fmt.Sprintf("runs of %d noise level, want two or more",
			len(levels)), needsJob)
	}
	far := 0.0
	for i, l := range levels {
		if i > 0 && l.Sigma == levels[i-1].Sigma {
			return nil, fmt.Errorf("figure radius-sigma: two runs of σ = %g", l.Sigma)
		}
		if n := len(l.Curves); n != len(levels[0].Curves) || n < 1 || n > 2 {
			return nil, fmt.Errorf("figure radius-sigma: %d methods at σ = %g, want one or two, "+
				"as many as at %g", n, l.Sigma, levels[0].Sigma)
		}
		for k, c := range l.Curves {
			if c.Method != levels[0].Curves[k].Method || len(c.Results) == 0 {
				return nil, fmt.Errorf("figure radius-sigma: nothing certified by %s at σ = %g",
					levels[0].Curves[k].Method, l.Sigma)
			}
			for _, r := range c.Results {
				if r.Right() && finite(r.Radius) {
					far = max(far, r.Radius)
				}
			}
		}
	}
	far = cmp.Or(far, 1)
	step := niceStep(far, 400)
	grid := make([]float64, int(math.Ceil(far/step))+2)
	numbers := &table.Table{Columns: []string{"radius"}}
	for i := range grid {
		grid[i] = float64(i) * step
		numbers.Add(grid[i])
	}
	var panels []*plot.Plot
	var names []string
	var thumbs [][]plot.Thumbnailer
	for k, first := range levels[0].Curves {
		p := newPlot("ℓ_{2} radius", "accuracy, "+methodLabel(first.Method))
		for i, l := range levels {
			var xy plotter.XYs
			for j, r := range grid {
				y := rs.CertifiedAccuracy(l.Curves[k].Results, r)
				numbers.Extend(j, y)
				xy = append(xy, plotter.XY{X: r, Y: y})
			}
			numbers.Columns = append(numbers.Columns, fmt.Sprintf("%s_%g", first.Method, l.Sigma))
			line := newLine(toAxis(xy), lineAt(i), true)
			p.Add(line)
			if k == 0 {
				names, thumbs = append(names, fmt.Sprintf("σ = %g", l.Sigma)),
					append(thumbs, []plot.Thumbnailer{line})
			}
		}
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1.03*far, 0, 1
		panels = append(panels, p)
	}
	rows := addLegend(panels[0], names, thumbs, 0)
	f := &Figure{Name: "radius-sigma", Title: title("Certified accuracy by noise", s),
		Caption: s.Caption(),
		Plot:    panels[0], Table: numbers, Width: width, Height: height + rows}
	if len(panels) == 2 {
		f.Lower, f.Height = panels[1], 1.7*height+rows
		panels[0].X.Label.Text = ""
	}
	return f, nil
}
