package figures

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

func drawExact(Input) (*Figure, error) { return Exact(0.05, 0.15, 0.5) }

// Exact answers the question: how much larger is the exact radius of a Lipschitz score than Cohen's
// and the published one? It draws radii against the mean score p of the class, in units of σ. For
// each Lσ it draws the exact radius F⁻¹(p) of an L-Lipschitz score, and the radius published by
// Delattre et al. 2025 (at ρ = 0). It also draws Cohen's radius σΦ⁻¹(p). Φ⁻¹ scales the axis of p,
// so Cohen's radius is a straight line.
func Exact(lipschitzSigmas ...float64) (*Figure, error) {
	if len(lipschitzSigmas) == 0 {
		return nil, fmt.Errorf("figure exact: no Lσ to draw for")
	}
	normal := distuv.UnitNormal
	const points, last = 240, 0.9999
	p := newPlot("lower bound p on the mean score", "radius R / σ")
	numbers := &table.Table{Columns: []string{"p", "cohen"}}
	ps := make([]float64, points+1)
	cohen := make(plotter.XYs, len(ps))
	for i := range ps {
		ps[i] = normal.CDF(normal.Quantile(last) * float64(i) / points)
		cohen[i] = plotter.XY{X: ps[i], Y: max(0, rs.CohenRadius(1, max(0.5, ps[i])))}
		numbers.Add(ps[i], cohen[i].Y)
	}
	top := cohen[points].Y
	stroke := func(xy plotter.XYs, c color.Color, dashes []vg.Length) *plotter.Line {
		return newLine(xy, draw.LineStyle{Color: c, Width: 1.1, Dashes: dashes}, false)
	}
	line := stroke(cohen, black, dashes[2])
	addLegend(p, []string{"exact", "published", "Cohen (L = ∞)"},
		[][]plot.Thumbnailer{{stroke(nil, black, nil)}, {stroke(nil, black, dashes[1])}, {line}}, 0)

	var labels tags
	for i, ls := range lipschitzSigmas {
		if !(ls > 0) || math.IsInf(ls, 1) {
			return nil, fmt.Errorf("figure exact: Lσ = %g, want it positive and finite", ls)
		}
		c := rs.Smoothed{Sigma: 1, L: ls}
		exact, paper := make(plotter.XYs, len(ps)), make(plotter.XYs, len(ps))
		for j, q := range ps {
			exact[j] = plotter.XY{X: q, Y: c.Radius(max(0.5, q))}
			paper[j] = plotter.XY{X: q, Y: c.PaperRadius(max(0.5, q))}
			numbers.Extend(j, exact[j].Y, paper[j].Y)
		}
		numbers.Columns = append(numbers.Columns, fmt.Sprintf("exact_%g", ls),
			fmt.Sprintf("published_%g", ls))
		col := colorAt(i)
		p.Add(stroke(exact, col, nil), stroke(paper, col, dashes[1]))
		labels.y, labels.text, labels.colors = append(labels.y, exact[points].Y),
			append(labels.text, fmt.Sprintf("Lσ = %g", ls)), append(labels.colors, col)
		top = max(top, exact[points].Y)
	}
	p.Add(line, labels)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0.5, last, 0, 1.03*top
	p.X.Scale = normalScale{}
	p.X.Tick.Marker = plot.ConstantTicks{{Value: 0.5, Label: "0.5"}, {Value: 0.7, Label: "0.7"},
		{Value: 0.9, Label: "0.9"},
		{Value: 0.99, Label: "0.99"}, {Value: 0.999, Label: "0.999"},
		{Value: 0.9999, Label: "0.9999"}}
	return &Figure{Name: "exact", Title: "Radius certified by the mean of a Lipschitz score",
		Caption: "score in [0, 1], L-Lipschitz in l2, averaged over noise of standard deviation " +
			"σ; radii in units of σ; published: by Delattre et al. 2025, at ρ = 0",
		Plot: p, Table: numbers, Width: width, Height: height}, nil
}

// normalScale scales an axis of probabilities by Φ⁻¹.
type normalScale struct{}

func (normalScale) Normalize(low, high, x float64) float64 {
	q := distuv.UnitNormal.Quantile
	return (q(x) - q(low)) / (q(high) - q(low))
}
