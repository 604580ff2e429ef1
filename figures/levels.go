package figures

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// ImageLevels are the levels of one image.
type ImageLevels struct {
	Index  int
	Levels []rs.Level // rising
	Chosen int        // which one the certificate takes
}

func drawLevels(in Input) (*Figure, error) {
	s, err := in.first("levels")
	if err != nil {
		return nil, err
	}
	if err := in.checkAlpha("levels"); err != nil {
		return nil, err
	}
	if !s.Model.Lambda.Known() {
		return nil, lacks("levels", "no bound on the Lipschitz constant of logit differences",
			needsRun)
	}
	m := rs.Isoperimetric{Lambda: s.Model.Lambda, Asked: s.Asked()}
	var all []ImageLevels
	for i := range s.Rows {
		e := &s.Rows[i]
		if e.Class != e.Label {
			continue
		}
		levels, chosen, err := m.Levels(e, in.Alpha)
		if err != nil {
			return nil, fmt.Errorf("figure levels: %w", err)
		}
		all = append(all, ImageLevels{e.Index, levels, chosen})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("figure levels: no image is classified right")
	}
	// A sure image and one in the middle.
	slices.SortFunc(all, func(a, b ImageLevels) int {
		return cmp.Compare(a.Levels[a.Chosen].Radius(), b.Levels[b.Chosen].Radius())
	})
	return Levels(s.Settings(in.config()), all[len(all)*9/10], all[len(all)/2])
}

// Levels answers the question: which level s gives an image the largest isoperimetric radius, and
// from which of its two parts? It draws R(s) = s/Λ + σΦ⁻¹(p̲_s) of one image or two against s, the
// parts on top of each other. Where σΦ⁻¹ is negative, the part s/Λ ends at R(s). A dot marks the
// level that the selection draw chose. The left end is Cohen's radius.
func Levels(s certify.Settings, images ...ImageLevels) (*Figure, error) {
	if len(images) < 1 || len(images) > 2 {
		return nil, fmt.Errorf("figure levels: %d images, want one or two", len(images))
	}
	t := &table.Table{Columns: []string{"index", "level", "distance", "noise", "radius", "chosen"}}
	far, high := 0.0, 0.0
	for _, image := range images {
		if len(image.Levels) == 0 || image.Chosen < 0 || image.Chosen >= len(image.Levels) {
			return nil, fmt.Errorf("figure levels: image %d: level %d of %d", image.Index,
				image.Chosen, len(image.Levels))
		}
		for k, l := range image.Levels {
			if r := l.Radius(); r >= 0 {
				far, high = max(far, l.Distance), max(high, r)
				t.Add(image.Index, l.Margin, l.Distance, l.Noise, r, k == image.Chosen)
			}
		}
	}
	far, high = cmp.Or(far, 1), cmp.Or(high, 1)
	f := &Figure{Name: "levels", Title: title("Radius by level", s), Table: t, Width: width,
		Height: height,
		Caption: s.Caption() + "; each level bounded by itself: the largest radius of all is no " +
			"certificate"}
	for k, image := range images {
		p := levelPanel(image)
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.01*far, 1.03*far, 0, 1.08*high
		if k == len(images)-1 {
			p.X.Label.Text = "level as a distance, s/Λ"
		}
		if k == 0 {
			f.Plot = p
			f.Height += addLegend(p, levelNames, levelThumbs(), 0)
		} else {
			f.Lower = p
			f.Height += 0.7 * height
		}
	}
	return f, nil
}

var levelNames = []string{"s/Λ", "σΦ^{−1}(p_{s}), p_{s} bounded from below", "R(s)", "level chosen"}

func levelThumbs() [][]plot.Thumbnailer {
	dot := &plotter.Scatter{GlyphStyle: levelDot()}
	return [][]plot.Thumbnailer{{patch{fill: shade(colorAt(0), 90)}},
		{patch{fill: shade(colorAt(1), 90)}},
		{newLine(nil, levelEdge(), true)}, {dot}}
}

// levelEdge is the style of R(s).
func levelEdge() draw.LineStyle { return draw.LineStyle{Color: black, Width: 0.9} }

func levelDot() draw.GlyphStyle {
	return draw.GlyphStyle{Color: color.NRGBA{A: 255}, Radius: 2.6, Shape: draw.CircleGlyph{}}
}

// levelPanel draws one image.
func levelPanel(image ImageLevels) *plot.Plot {
	p := newPlot("", fmt.Sprintf("ℓ_{2} radius, image %d", image.Index))
	distance := band{color: shade(colorAt(0), 90)}
	noise := band{color: shade(colorAt(1), 90)}
	var total plotter.XYs
	for _, l := range image.Levels {
		r := l.Radius()
		if !(r >= 0) || math.IsInf(r, 1) {
			continue
		}
		x := l.Distance
		distance.x, distance.low, distance.high = append(distance.x, x), append(distance.low, 0),
			append(distance.high, min(x, r))
		noise.x, noise.low, noise.high = append(noise.x, x), append(noise.low, min(x, r)),
			append(noise.high, r)
		total = append(total, plotter.XY{X: x, Y: r})
	}
	if len(total) == 0 {
		return p
	}
	p.Add(distance, noise, newLine(total, levelEdge(), true))
	if at := image.Levels[image.Chosen]; at.Radius() >= 0 {
		p.Add(&plotter.Scatter{XYs: plotter.XYs{{X: at.Distance, Y: at.Radius()}},
			GlyphStyle: levelDot()})
	}
	return p
}
