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

func drawGap(in Input) (*Figure, error) {
	s, err := in.first("gap")
	if err != nil {
		return nil, err
	}
	if err := in.checkAlpha("gap"); err != nil {
		return nil, err
	}
	if len(in.Attacks) == 0 {
		return nil, lacks("gap", "no attack", needsAttack)
	}
	gaps, err := s.Gaps(in.Attacks, in.config())
	if err != nil {
		return nil, fmt.Errorf("figure gap: %w", err)
	}
	settings := s.Settings(in.config())
	settings.Images, settings.Tau = len(gaps[0].Empirical), 0
	for _, a := range in.Attacks {
		settings.Tau = max(settings.Tau, a.Tau)
	}
	return DrawGap(settings, gaps)
}

// DrawGap answers the question: how far are the certificates from the attacks? It draws, for each
// classifier, its certified accuracy and its accuracy under attack. The lower panel shows the
// smallest attack found on each image against the image's certificate. No point lies under the
// diagonal.
func DrawGap(s certify.Settings, gaps []certify.Gap) (*Figure, error) {
	far := 0.0
	for _, g := range gaps {
		if len(g.Certified) == 0 || len(g.Empirical) == 0 ||
			len(g.Certified[0].Results) != len(g.Empirical) {
			return nil, fmt.Errorf("figure gap: %s: certificates and attacks of other images",
				g.Classifier)
		}
		for _, r := range slices.Concat(g.Certified[0].Results, g.Empirical) {
			if r.Right() && finite(r.Radius) {
				far = max(far, r.Radius)
			}
		}
	}
	if len(gaps) == 0 {
		return nil, fmt.Errorf("figure gap: no classifier to draw")
	}
	if far == 0 {
		far = 1
	}
	step := niceStep(far, 400)
	at := make([]float64, int(math.Ceil(far/step))+2)
	numbers := &table.Table{Columns: []string{"radius"}}
	for i := range at {
		at[i] = float64(i) * step
		numbers.Add(at[i])
	}
	p, pairs := newPlot("ℓ_{2} radius", "accuracy"),
		newPlot("certified ℓ_{2} radius", "smallest attack found")
	var names, attackNames []string
	var thumbs, attackThumbs [][]plot.Thumbnailer
	for k, g := range gaps {
		var low, high, xy plotter.XYs
		for i, r := range at {
			certified, empirical := rs.CertifiedAccuracy(g.Certified[0].Results, r),
				rs.CertifiedAccuracy(g.Empirical, r)
			low, high = append(low, plotter.XY{X: r, Y: certified}),
				append(high, plotter.XY{X: r, Y: empirical})
			numbers.Extend(i, certified, empirical)
		}
		for i, r := range g.Certified[0].Results {
			if y := g.Empirical[i].Radius; r.Right() && finite(y) {
				xy = append(xy, plotter.XY{X: r.Radius, Y: y})
			}
		}
		method := g.Certified[0].Method
		numbers.Columns = append(numbers.Columns, method, g.Classifier+"_attack")
		// Dashes tell the classifiers apart, also in grey. A curve under attack is thinner than a
		// certified one.
		sty := lineAt(k)
		sty.Width = 1.7
		certified := newLine(toAxis(low), sty, true)
		sty.Width = 0.7
		attacked := newLine(toAxis(high), sty, true)
		marks := &plotter.Scatter{XYs: xy, GlyphStyle: draw.GlyphStyle{Color: shade(colorAt(k),
			170), Radius: 1.5, Shape: glyphs[k%len(glyphs)]}}
		p.Add(certified, attacked)
		pairs.Add(marks)
		names = append(names, fmt.Sprintf("%s, area %.3f", method,
			rs.AverageRadius(g.Certified[0].Results)))
		attackNames = append(attackNames, fmt.Sprintf("attack on %s, area %.3f", g.Classifier,
			g.Area()))
		thumbs, attackThumbs = append(thumbs, []plot.Thumbnailer{certified}),
			append(attackThumbs, []plot.Thumbnailer{attacked, marks})
	}
	rows := addLegend(p, append(names, attackNames...), append(thumbs, attackThumbs...), 0)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1.03*far, 0, 1
	pairs.Add(newLine(plotter.XYs{{}, {X: far, Y: far}}, draw.LineStyle{Color: black, Width: 0.7,
		Dashes: []vg.Length{0.8, 1.6}}, false))
	pairs.X.Min, pairs.X.Max, pairs.Y.Min, pairs.Y.Max = 0, 1.03*far, 0, 1.03*far
	return &Figure{Name: "gap", Title: title("Certified and empirical accuracy", s),
		Caption: s.Caption(),
		Plot:    p, Lower: pairs, Table: numbers, Width: width, Height: 1.95*height + rows}, nil
}
