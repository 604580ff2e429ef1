package lab

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
)

// NewPlot returns an empty plot with the letters of the project's figures: 8 point Liberation Sans.
func NewPlot(x, y string) *plot.Plot {
	p := plot.New()
	letters := font.Font{Typeface: "Liberation", Variant: "Sans", Size: 8}
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font, a.Tick.Label.Font = letters, letters
	}
	p.Legend.TextStyle.Font = letters
	return p
}
