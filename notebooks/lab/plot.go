package lab

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// NewPlot returns an empty plot with a grid and the font of the project's figures, Liberation Sans
// of 8 points.
func NewPlot(x, y string) *plot.Plot {
	p := plot.New()
	letters := font.Font{Typeface: "Liberation", Variant: "Sans", Size: 8}
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font, a.Tick.Label.Font = letters, letters
	}
	p.Legend.TextStyle.Font, p.Legend.Padding = letters, 2
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	return p
}

// Lines is a figure of curves over the same values of x. Its table has a column for each curve.
type Lines struct {
	figures.Figure
	at []float64
}

// NewLines returns a figure without curves, at these rising values of x. Where the values span more
// than two powers of ten, the axis of x is logarithmic. The axis of y includes 0.
func NewLines(name, x, y string, at ...float64) *Lines {
	l := &Lines{figures.Figure{Name: name, Plot: NewPlot(x, y),
		Table: &table.Table{Columns: []string{x}},
		Width: 90 * vg.Millimeter, Height: 66 * vg.Millimeter}, at}
	l.Plot.Y.Min, l.Plot.Y.Max = 0, 0
	if at[0] > 0 && at[len(at)-1] > 100*at[0] {
		l.Plot.X.Scale, l.Plot.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	for _, v := range at {
		l.Table.Rows = append(l.Table.Rows, []string{fmt.Sprint(v)})
	}
	return l
}

// Add draws y at each x, as a curve of this name in the legend and in the table.
func (l *Lines) Add(name string, y func(x float64) float64) {
	curve, xy := len(l.Table.Columns)-1, make(plotter.XYs, len(l.at))
	for i, x := range l.at {
		xy[i] = plotter.XY{X: x, Y: y(x)}
		l.Table.Rows[i] = append(l.Table.Rows[i], fmt.Sprint(xy[i].Y))
	}
	l.Table.Columns = append(l.Table.Columns, name)
	line, points, err := plotter.NewLinePoints(xy)
	if err != nil {
		panic(fmt.Sprintf("lab: %s: %v", name, err))
	}
	line.Color, line.Dashes, line.Width = plotutil.DarkColors[curve%len(plotutil.DarkColors)],
		plotutil.Dashes(curve), 1.1
	points.Color, points.Shape, points.Radius = line.Color, plotutil.Shape(curve), 2
	l.Plot.Add(line, points)
	l.Plot.Legend.Add(name, line, points)
}
