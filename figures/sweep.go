package figures

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// SweepPoint is a trained classifier of a sweep: the values of what was varied, and what is measured on the test split
// without noise.
type SweepPoint struct {
	Values           []string
	Accuracy, Radius float64 // Radius: the mean of margin/Λ where right, 0 elsewhere
}

// Sweep draws the average verified radius of each point against its accuracy. Points that differ in the last axis alone
// are joined in a line, and their values of it stand above them.
func Sweep(axes []string, points []SweepPoint, settings string) (*Figure, error) {
	if len(points) == 0 || len(axes) == 0 {
		return nil, fmt.Errorf("figure sweep: no point to draw")
	}
	last := len(axes) - 1
	table := &Table{Columns: append(slices.Clone(axes), "accuracy", "average_radius")}
	var names []string
	series := map[string]plotter.XYs{}
	var texts notes
	xlow, xhigh, ylow, yhigh := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, p := range points {
		if len(p.Values) != len(axes) {
			return nil, fmt.Errorf("figure sweep: a point of %d values, and %d axes", len(p.Values), len(axes))
		}
		if math.IsNaN(p.Accuracy+p.Radius) || math.IsInf(p.Accuracy+p.Radius, 0) {
			return nil, fmt.Errorf("figure sweep: accuracy %v and radius %v of %s", p.Accuracy, p.Radius, strings.Join(p.Values, ", "))
		}
		name := strings.Join(slices.DeleteFunc(slices.Clone(p.Values[:last]), func(v string) bool { return v == "" }), ", ")
		if series[name] == nil {
			names = append(names, name)
		}
		xy := plotter.XY{X: p.Accuracy, Y: p.Radius}
		series[name] = append(series[name], xy)
		texts.at, texts.text = append(texts.at, xy), append(texts.text, p.Values[last])
		xlow, xhigh, ylow, yhigh = min(xlow, xy.X), max(xhigh, xy.X), min(ylow, xy.Y), max(yhigh, xy.Y)
		var row []any
		for _, v := range p.Values {
			row = append(row, v)
		}
		table.add(append(row, p.Accuracy, p.Radius)...)
	}
	p := newPlot("accuracy", "average verified ℓ_{2} radius")
	var thumbs [][]plot.Thumbnailer
	for i, name := range names {
		line := newLine(series[name], draw.LineStyle{Color: shade(colorAt(i), 150), Width: 0.8, Dashes: dashes[i%len(dashes)]}, false)
		marks := &plotter.Scatter{XYs: series[name], GlyphStyle: draw.GlyphStyle{Color: colorAt(i), Radius: 2.4, Shape: glyphs[i%len(glyphs)]}}
		p.Add(line, marks)
		thumbs = append(thumbs, []plot.Thumbnailer{line, marks})
	}
	p.Add(texts)
	rows := vg.Length(0)
	if last > 0 {
		rows = addLegend(p, names, thumbs, 0)
	}
	xspan, yspan := max(xhigh-xlow, 1e-3), max(yhigh-ylow, 1e-3)
	p.X.Min, p.X.Max = xlow-0.06*xspan, xhigh+0.06*xspan
	p.Y.Min, p.Y.Max = ylow-0.08*yspan, yhigh+0.12*yspan
	p.X.Tick.Marker = ticks{most: 6}
	return &Figure{Name: "sweep", Title: "Accuracy and radius by " + strings.Join(axes, ", "),
		Caption: settings + "; above each point: " + axes[last], Plot: p, Table: table, Width: width, Height: height + rows}, nil
}

// notes are texts above points.
type notes struct {
	at   plotter.XYs
	text []string
}

func (n notes) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	sty := textStyle(fontSize - 2)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YBottom
	for i, at := range n.at {
		half := sty.Width(n.text[i]) / 2
		c.FillText(sty, vg.Point{X: min(max(x(at.X), c.Min.X+half), c.Max.X-half), Y: y(at.Y) + 2.5}, n.text[i])
	}
}
