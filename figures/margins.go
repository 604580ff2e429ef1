package figures

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

func drawMargins(in Input) (*Figure, error) {
	s, err := in.first("margins")
	if err != nil {
		return nil, err
	}
	settings := s.Settings(certify.Config{})
	settings.Sigma, settings.N0, settings.N, settings.Tau = 0, 0, 0, 0
	return Margins(settings, s.Rows)
}

// Margins answers the question: how large are the radii without noise, of right and of wrong
// predictions? It draws a histogram of each, over the deterministic radius margin/Λ.
func Margins(s certify.Settings, rows []rs.Evidence) (*Figure, error) {
	if !s.Lambda.Known() {
		return nil, fmt.Errorf("figure margins: no bound on the Lipschitz constant of logit " +
			"differences")
	}
	radii, far := cleanRadii(rows, s.Lambda.Value())
	n := len(radii[0]) + len(radii[1])
	if n == 0 {
		return nil, fmt.Errorf("figure margins: no example has a prediction without noise")
	}
	if far == 0 {
		far = 1
	}
	step := niceStep(far, 50)
	bins := int(far/step) + 1
	var counts [2][]float64
	for k := range radii {
		counts[k] = make([]float64, bins)
		for _, r := range radii[k] {
			counts[k][min(int(r/step), bins-1)]++
		}
	}
	numbers := &table.Table{Columns: []string{"radius_from", "radius_to", "margin_from",
		"margin_to", "right", "wrong"}}
	for i := range bins {
		low, high := float64(i)*step, float64(i+1)*step
		numbers.Add(low, high, low*s.Lambda.Value(), high*s.Lambda.Value(), int(counts[1][i]),
			int(counts[0][i]))
	}

	p := newPlot("deterministic ℓ_{2} radius, margin / Λ", "images")
	// Right stands on wrong: the outline is all images.
	stack := make([]float64, bins)
	var names []string
	var thumbs [][]plot.Thumbnailer
	top := 0.0
	for k, name := range []string{"wrong", "right"} {
		col := colorAt(1 - k)
		fill, sty := shade(col, []uint8{200, 70}[k]), draw.LineStyle{Color: col, Width: 0.9}
		for i := 0; i < bins; i++ {
			if counts[k][i] == 0 {
				continue
			}
			// One outline for the bins up to the next empty one.
			x := float64(i) * step
			area := band{[]float64{x}, []float64{stack[i]}, []float64{stack[i] + counts[k][i]},
				fill}
			outline := plotter.XYs{{X: x, Y: stack[i]}}
			for ; i < bins && counts[k][i] > 0; i++ {
				x, low, high := float64(i+1)*step, stack[i], stack[i]+counts[k][i]
				area.x, area.low, area.high = append(area.x, x), append(area.low, low),
					append(area.high, high)
				outline = append(outline, plotter.XY{X: float64(i) * step, Y: high},
					plotter.XY{X: x, Y: high})
				stack[i] = high
				top = max(top, high)
			}
			outline = append(outline, plotter.XY{X: float64(i) * step, Y: 0})
			p.Add(histogram{area}, newLine(outline, sty, false))
		}
		names = append(names, fmt.Sprintf("%s, %d of %d", name, len(radii[k]), n))
		thumbs = append(thumbs, []plot.Thumbnailer{patch{fill, sty}})
	}
	names[0], names[1], thumbs[0], thumbs[1] = names[1], names[0], thumbs[1], thumbs[0]
	addLegend(p, names, thumbs, 0)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, float64(bins)*step, 0, 1.05*top
	p.Y.Tick.Marker = wholeTicks{}
	return &Figure{Name: "margins", Title: title(fmt.Sprintf("Clean margins over Λ = %.4g (%s)",
		s.Lambda.Value(), s.Lambda.Source()), certify.Settings{Dataset: s.Dataset, Model: s.Model}),
		Caption: s.Caption(), Plot: p, Table: numbers, Width: width, Height: height}, nil
}

// cleanRadii returns the deterministic radii of the wrong and of the right predictions, and the
// largest of all.
func cleanRadii(rows []rs.Evidence, lambda float64) (radii [2][]float64, far float64) {
	for i := range rows {
		e := &rows[i]
		if e.Clean.Class == rs.Abstain {
			continue
		}
		r := max(0, rs.CleanRadius(e.Clean.Margin, lambda))
		right := 0
		if e.Clean.Class == e.Label {
			right = 1
		}
		radii[right] = append(radii[right], r)
		far = max(far, r)
	}
	return radii, far
}

// wholeTicks are ticks on whole numbers only.
type wholeTicks struct{}

func (wholeTicks) Ticks(low, high float64) []plot.Tick {
	var out []plot.Tick
	for _, t := range (ticks{7}).Ticks(low, high) {
		if t.Value == math.Round(t.Value) {
			out = append(out, plot.Tick{Value: t.Value, Label: fmt.Sprintf("%.0f", t.Value)})
		}
	}
	return out
}
