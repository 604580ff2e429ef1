package figures

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// bandLevel is the confidence of the bands of certified accuracy.
const bandLevel = 0.95

func drawRadius(in Input) (*Figure, error) {
	s, err := in.first("radius")
	if err != nil {
		return nil, err
	}
	if err := in.checkAlpha("radius"); err != nil {
		return nil, err
	}
	names := in.Methods
	if names == nil {
		names = in.able(s, "mono", "paper", "adaptive", "margin", "distance")
	}
	c, err := s.Certify(in.config(names...))
	if err != nil {
		return nil, fmt.Errorf("figure radius: %w", err)
	}
	return Curves(c.Settings(), c.Curves, in.Bands)
}

// Radius answers the question: which part of a run's images does each method certify at each
// radius? It draws as [Curves] does.
func Radius(c *certify.Result) (*Figure, error) { return Curves(c.Settings(), c.Curves, nil) }

// Curves answers the question: which method certifies most, at which radius? It draws certified
// accuracy against the l2 radius r: the fraction of the examples that are predicted right with R >=
// r. Each method has a step curve. The table has a row for each radius in the plot, with the 95%
// Clopper–Pearson interval over the choice of examples. The argument bands names the methods whose
// interval is shaded. Nil shades the method of the largest average certified radius. With σ, n and
// α set, a line marks the largest radius that votes alone can certify, σΦ⁻¹(α^(1/n)).
func Curves(s certify.Settings, curves []certify.Curve, bands []string) (*Figure, error) {
	if len(curves) == 0 {
		return nil, fmt.Errorf("figure radius: no curve to draw")
	}
	best, far, err := extent(curves)
	if err != nil {
		return nil, err
	}
	if bands == nil {
		bands = []string{curves[best].Method}
	}
	for _, name := range bands {
		if !slices.ContainsFunc(curves, func(c certify.Curve) bool { return c.Method == name }) {
			return nil, fmt.Errorf("figure radius: a band of %q, which is not drawn", name)
		}
	}
	ceiling := 0.0
	if s.Sigma > 0 && s.N > 0 && s.Alpha > 0 && s.Until == "" {
		ceiling = rs.CohenRadius(s.Sigma, math.Pow(s.Alpha, 1/float64(s.N)))
	}
	far = max(far, ceiling)
	if far == 0 {
		far = 1
	}

	// A point of the grid has the exact value there. The step before it keeps that value, which is
	// never too high.
	step := niceStep(far, 400)
	grid := make([]float64, int(math.Ceil(far/step))+2)
	for i := range grid {
		grid[i] = float64(i) * step
	}
	numbers := &table.Table{Columns: []string{"radius"}}
	for _, r := range grid {
		numbers.Add(r)
	}

	p := newPlot("ℓ_{2} radius", "certified accuracy")
	var names []string
	var thumbs [][]plot.Thumbnailer
	var lines, areas []plot.Plotter
	for i, c := range curves {
		xy := make(plotter.XYs, len(grid))
		b := band{x: grid, low: make([]float64, len(grid)), high: make([]float64, len(grid)),
			color: shade(colorAt(i), 45)}
		for j, r := range grid {
			xy[j] = plotter.XY{X: r, Y: rs.CertifiedAccuracy(c.Results, r)}
			b.low[j], b.high[j] = rs.AccuracyBand(c.Results, r, bandLevel)
			numbers.Extend(j, xy[j].Y, b.low[j], b.high[j])
		}
		numbers.Columns = append(numbers.Columns, c.Method, c.Method+"_low", c.Method+"_high")
		line := newLine(toAxis(xy), lineAt(i), true)
		thumb := []plot.Thumbnailer{line}
		if slices.Contains(bands, c.Method) {
			areas = append(areas, b)
			thumb = []plot.Thumbnailer{patch{fill: b.color}, line}
		}
		lines = append(lines, line)
		names = append(names, fmt.Sprintf("%s, ACR %.3f", c.Method, rs.AverageRadius(c.Results)))
		thumbs = append(thumbs, thumb)
	}
	p.Add(areas...)
	var lift vg.Length
	if ceiling > 0 {
		mark := upright{ceiling, fmt.Sprintf("Cohen’s ceiling σΦ^{−1}(α^{1/n}) = %.3f", ceiling),
			draw.LineStyle{Color: black, Width: 0.8, Dashes: []vg.Length{0.8, 1.6}}}
		p.Add(mark)
		lift = mark.height()
	}
	p.Add(lines...)
	lift += addLegend(p, names, thumbs, lift)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1.03*far, 0, 1

	caption := s.Caption() + fmt.Sprintf("; bands: %g%% Clopper–Pearson intervals over the images",
		100*bandLevel)
	return &Figure{Name: "radius", Title: title("Certified accuracy", s), Caption: caption,
		Plot: p, Table: numbers, Width: width, Height: height + lift}, nil
}

// extent returns the curve of the largest average certified radius, and the largest radius of all.
func extent(curves []certify.Curve) (best int, far float64, err error) {
	for i, c := range curves {
		if len(c.Results) == 0 {
			return 0, 0, fmt.Errorf("figure radius: %s certified no example", c.Method)
		}
		if rs.AverageRadius(c.Results) > rs.AverageRadius(curves[best].Results) {
			best = i
		}
		for _, r := range c.Results {
			if r.Right() && finite(r.Radius) {
				far = max(far, r.Radius)
			}
		}
	}
	return best, far, nil
}

// title puts what was classified behind the subject of a figure.
func title(subject string, s certify.Settings) string {
	if place := s.Place(); place != "" {
		subject += ": " + place
	}
	if s.Sigma > 0 {
		subject += fmt.Sprintf(", σ = %g", s.Sigma)
	}
	return subject
}

// toAxis cuts a falling curve where it comes down to the axis, which it doesn't go along.
func toAxis(xy plotter.XYs) plotter.XYs {
	if end := slices.IndexFunc(xy, func(at plotter.XY) bool { return at.Y == 0 }); end >= 0 {
		return xy[:end+1]
	}
	return xy
}
