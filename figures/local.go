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

func drawLocal(Input) (*Figure, error) { return Local(0.05, 0.15, 0.5) }

// Local answers the question: why is the published radius smaller than the exact one? It draws two
// constants against the smoothed score p, for each Lσ, in units of 1/σ, the constant of Cohen's
// radius. The first is the local Lipschitz constant of Φ⁻¹∘f̃ at p, F'(F⁻¹(p))/φ(Φ⁻¹(p)). The
// published radius uses this constant on the whole way to 1/2. The second is the mean slope on that
// way, Φ⁻¹(p)/F⁻¹(p), which gives the exact radius. Φ⁻¹ scales the axis of p.
func Local(lipschitzSigmas ...float64) (*Figure, error) {
	if len(lipschitzSigmas) == 0 {
		return nil, fmt.Errorf("figure local: no Lσ to draw for")
	}
	normal := distuv.UnitNormal
	const points, last = 240, 0.9999
	p := newPlot("smoothed score p", "slope of Φ^{−1}, in units of 1/σ")
	numbers := &table.Table{Columns: []string{"p"}}
	ps := make([]float64, points+1)
	for i := range ps {
		ps[i] = normal.CDF(normal.Quantile(last) * float64(i) / points)
		numbers.Add(ps[i])
	}
	stroke := func(xy plotter.XYs, c color.Color, dashes []vg.Length) *plotter.Line {
		return newLine(xy, draw.LineStyle{Color: c, Width: 1.1, Dashes: dashes}, false)
	}
	cohen := stroke(plotter.XYs{{X: 0.5, Y: 1}, {X: last, Y: 1}}, black, dashes[2])
	addLegend(p, []string{"local, at p", "mean, p to ½ (exact)", "Cohen"},
		[][]plot.Thumbnailer{{stroke(nil, black, dashes[1])}, {stroke(nil, black, nil)}, {cohen}},
		0)

	var labels tags
	for i, ls := range lipschitzSigmas {
		if !(ls > 0) || math.IsInf(ls, 1) {
			return nil, fmt.Errorf("figure local: Lσ = %g, want it positive and finite", ls)
		}
		c := rs.Smoothed{Sigma: 1, L: ls}
		local, mean := make(plotter.XYs, len(ps)), make(plotter.XYs, len(ps))
		for j, q := range ps {
			local[j] = plotter.XY{X: q, Y: c.QuantileLipschitz(q)}
			mean[j] = local[j] // the limit at 1/2
			if j > 0 {
				mean[j].Y = normal.Quantile(q) / c.Inverse(q)
			}
			numbers.Extend(j, local[j].Y, mean[j].Y)
		}
		numbers.Columns = append(numbers.Columns, fmt.Sprintf("local_%g", ls),
			fmt.Sprintf("mean_%g", ls))
		col := colorAt(i)
		p.Add(stroke(local, col, dashes[1]), stroke(mean, col, nil))
		labels.y, labels.text, labels.colors = append(labels.y, mean[points].Y),
			append(labels.text, fmt.Sprintf("Lσ = %g", ls)), append(labels.colors, col)
	}
	p.Add(cohen, labels)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0.5, last, 0, 1.04
	p.X.Scale = normalScale{}
	p.X.Tick.Marker = plot.ConstantTicks{{Value: 0.5, Label: "0.5"}, {Value: 0.7, Label: "0.7"},
		{Value: 0.9, Label: "0.9"},
		{Value: 0.99, Label: "0.99"}, {Value: 0.999, Label: "0.999"},
		{Value: 0.9999, Label: "0.9999"}}
	return &Figure{Name: "local", Title: "How steep Φ^{−1} of a smoothed Lipschitz score can be",
		Caption: "largest slope of Φ⁻¹ of an L-Lipschitz score in [0, 1] averaged over noise of " +
			"standard deviation σ, times σ; Cohen's radius takes 1",
		Plot: p, Table: numbers, Width: width, Height: height}, nil
}
