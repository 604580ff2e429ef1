package figures

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Lines is a figure of one's own: curves over the same values of x, in the style of the other
// figures. Its table has a column for each curve.
type Lines struct {
	Figure
	at     []float64
	legend *legend
}

// NewLines returns a figure without curves, at these rising values of x. The labels x and y may
// have indices, such as x_{i}. Where the values span more than two powers of ten, the axis of x is
// logarithmic. The axis of y includes 0.
func NewLines(name, x, y string, at ...float64) *Lines {
	l := &Lines{Figure{Name: name, Plot: newPlot(x, y), Table: &table.Table{Columns: []string{x}},
		Width: width, Height: height}, at, newLegend(0)}
	l.Plot.Add(l.legend)
	l.Plot.Y.Min, l.Plot.Y.Max = 0, 0
	low, high := at[0], at[len(at)-1]
	room := 0.03 * (high - low)
	l.Plot.X.Min, l.Plot.X.Max = low-room, high+room
	whole, most := true, 8
	for _, v := range at {
		whole = whole && v == math.Trunc(v)
	}
	for whole && most > 2 && math.Mod(niceStep(high-low, most), 1) != 0 {
		most-- // until the ticks are whole numbers as well
	}
	l.Plot.X.Tick.Marker = ticks{most}
	if low > 0 && high > 100*low {
		room := math.Pow(high/low, 0.03)
		l.Plot.X.Min, l.Plot.X.Max = low/room, high*room
		l.Plot.X.Scale, l.Plot.X.Tick.Marker = plot.LogScale{}, logTicks{}
	}
	for _, v := range at {
		l.Table.Rows = append(l.Table.Rows, []string{fmt.Sprint(v)})
	}
	return l
}

// Add draws y at each x, as a curve of this name in the legend and in the table. It panics where y
// isn't finite.
func (l *Lines) Add(name string, y func(x float64) float64) {
	k, xy := len(l.Table.Columns)-1, make(plotter.XYs, len(l.at))
	for i, x := range l.at {
		xy[i] = plotter.XY{X: x, Y: y(x)}
		if !finite(xy[i].Y) {
			panic(fmt.Sprintf("figures: %s at %g is %g", name, x, xy[i].Y))
		}
		l.Plot.Y.Max = max(l.Plot.Y.Max, 1.04*xy[i].Y)
		l.Table.Rows[i] = append(l.Table.Rows[i], fmt.Sprint(xy[i].Y))
	}
	l.Table.Columns = append(l.Table.Columns, name)
	line, marks := newLine(xy, lineAt(k), false), &plotter.Scatter{XYs: xy,
		GlyphStyle: draw.GlyphStyle{Color: colorAt(k), Radius: 2, Shape: glyphs[k%len(glyphs)]}}
	l.Plot.Add(line, marks)
	l.Height = height + l.legend.add([]string{name}, [][]plot.Thumbnailer{{line, marks}})
}
