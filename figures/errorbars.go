package figures

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// estimates are points joined in a line, with bars of so much on both sides.
type estimates struct {
	xy   plotter.XYs
	bars plotter.YErrors
}

func (e *estimates) add(x, y, half float64) {
	e.xy = append(e.xy, plotter.XY{X: x, Y: y})
	e.bars = append(e.bars, struct{ Low, High float64 }{half, half})
}

// draw draws the k-th line of a plot, bars with caps of a width, and returns what stands for it in
// the legend.
func (e *estimates) draw(p *plot.Plot, k int, cap vg.Length) ([]plot.Thumbnailer, error) {
	line := newLine(e.xy, lineAt(k), false)
	marks := &plotter.Scatter{XYs: e.xy, GlyphStyle: draw.GlyphStyle{Color: colorAt(k), Radius: 2,
		Shape: glyphs[k%len(glyphs)]}}
	errs, err := plotter.NewYErrorBars(struct {
		plotter.XYs
		plotter.YErrors
	}{e.xy, e.bars})
	if err != nil {
		return nil, fmt.Errorf("error bars: %w", err)
	}
	errs.LineStyle, errs.CapWidth = draw.LineStyle{Color: shade(colorAt(k), 150), Width: 0.7}, cap
	p.Add(errs, line, marks)
	return []plot.Thumbnailer{line, marks}, nil
}
