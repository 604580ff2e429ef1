package figures

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

func drawDraws(in Input) (*Figure, error) {
	s, err := in.first("draws")
	if err != nil {
		return nil, err
	}
	if err := in.checkAlpha("draws"); err != nil {
		return nil, err
	}
	var adaptive []*certify.Run
	var fixed *certify.Run
	runs := []*certify.Run{s}
	for _, o := range in.Beside {
		if o.Run != nil {
			runs = append(runs, o.Run)
		}
	}
	for _, r := range runs {
		if r.Sigma != s.Sigma || countlog.Alike(r.Dir, r.Run, s.Dir, s.Run) != nil {
			continue // another question
		}
		if r.Run.Until.Rule != "" {
			adaptive = append(adaptive, r)
		} else if fixed == nil {
			fixed = r
		}
	}
	if len(adaptive) == 0 {
		return nil, lacks("draws", "no run whose draws end where a question is settled", needsUntil)
	}
	return Draws(adaptive, fixed, in.Alpha)
}

// Draws answers the question: how many draws does an image need until a question is settled? An
// adaptive run ends the draws of an image once a question is settled. The upper panel shows the
// fraction of images whose draws have ended, settled or at n. The lower panel shows each image's
// draws against its certified radius. The radius is of the run fixed, which has a fixed number of
// draws of the same images. Where fixed is nil, the radius is of the adaptive run, which is smaller
// where few draws settled the question. Radii are by Until's method, at alpha.
func Draws(adaptive []*certify.Run, fixed *certify.Run, alpha float64) (*Figure, error) {
	if len(adaptive) == 0 {
		return nil, fmt.Errorf("figure draws: no run to draw")
	}
	numbers := &table.Table{Columns: []string{"run", "index", "draws", "n", "radius"}}
	p, each := newPlot("draws an image", "fraction of images done"),
		newPlot("certified ℓ_{2} radius", "draws")
	var names []string
	var thumbs [][]plot.Thumbnailer
	low, high, far := math.Inf(1), 0.0, 0.0
	for k, a := range adaptive {
		points, err := drawsOf(a, fixed, alpha)
		if err != nil {
			return nil, err
		}
		until, draws, total := a.Until, []float64(nil), 0.0
		var xy plotter.XYs
		for _, q := range points {
			draws, total = append(draws, q.draws), total+q.draws
			low, high = min(low, q.draws), max(high, q.draws, float64(a.N))
			if finite(q.reach) {
				xy, far = append(xy, plotter.XY{X: q.reach, Y: math.Log10(q.draws)}),
					max(far, q.reach)
			}
			numbers.Add(fmt.Sprintf("until %s by %s", until.Rule, until.Method), q.index,
				int(q.draws), a.N, q.reach)
		}
		slices.Sort(draws)
		curve := plotter.XYs{{X: draws[0], Y: 0}}
		for i, n := range draws {
			if i+1 == len(draws) || draws[i+1] > n {
				curve = append(curve, plotter.XY{X: n, Y: float64(i+1) / float64(len(draws))})
			}
		}
		line := &plotter.Line{XYs: curve, LineStyle: lineAt(k), StepStyle: plotter.PostStep}
		marks := &plotter.Scatter{XYs: xy, GlyphStyle: draw.GlyphStyle{Color: shade(colorAt(k),
			190), Radius: 1.7, Shape: glyphs[(2*k+1)%len(glyphs)]}}
		p.Add(line)
		each.Add(marks)
		names = append(names, fmt.Sprintf("until %s (%s), mean %.0f", until.Rule, until.Method,
			total/float64(len(draws))))
		thumbs = append(thumbs, []plot.Thumbnailer{line, marks})
	}
	n := float64(adaptive[0].Run.N)
	if fixed != nil {
		n = float64(fixed.Run.N)
		high = max(high, n)
	}
	all := newLine(plotter.XYs{{X: n, Y: 0}, {X: n, Y: 1}}, draw.LineStyle{Color: black, Width: 1.1,
		Dashes: dashes[2]}, false)
	p.Add(all)
	names, thumbs = append(names, fmt.Sprintf("fixed, n = %.0f", n)),
		append(thumbs, []plot.Thumbnailer{all})
	rows := addLegend(p, names, thumbs, 0)
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, logTicks{}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = low/1.1, high*1.1, 0, 1.02
	far = cmp.Or(far, 1)
	each.X.Min, each.X.Max, each.Y.Min, each.Y.Max = -0.02*far, 1.03*far, math.Log10(low)-0.1,
		math.Log10(high)+0.1
	each.Y.Tick.Marker = powerTicks{} // of decimal logarithms
	s := adaptive[0].Settings(certify.Default().At(alpha))
	if len(adaptive) > 1 {
		s.Until = ""
	}
	caption := s.Caption() + "; radii: of the run itself"
	if fixed != nil {
		caption = fmt.Sprintf("%s; radii: of n = %d draws", s.Caption(), fixed.Run.N)
	}
	return &Figure{Name: "draws", Title: title("Draws until settled", s), Caption: caption,
		Plot: p, Lower: each, Table: numbers, Width: width, Height: 1.7*height + rows}, nil
}

// drawn is an image: its draws, and how far it is certified.
type drawn struct {
	index        int
	draws, reach float64
}

// drawsOf returns the images of an adaptive run. The run fixed, of a fixed number of draws,
// certifies them where it isn't nil.
func drawsOf(a, fixed *certify.Run, alpha float64) (points []drawn, err error) {
	if a.Until.Rule == "" || len(a.Rows) == 0 {
		return nil, fmt.Errorf("figure draws: a run without a rule, or without examples")
	}
	source := a
	if fixed != nil {
		source = fixed
	}
	config := certify.Default().At(alpha, a.Until.Method)
	config.Tau = a.Until.Tau
	c, err := source.Certify(config)
	if err != nil {
		return nil, fmt.Errorf("figure draws: %w", err)
	}
	radius := map[int]rs.Result{}
	for i, r := range c.Curves[0].Results {
		radius[source.Rows[i].Index] = r
	}
	for _, e := range a.Rows {
		r, ok := radius[e.Index]
		if !ok {
			return nil, fmt.Errorf("figure draws: image %d isn't in the run of a fixed number of "+
				"draws", e.Index)
		}
		q := drawn{index: e.Index, draws: float64(e.Estimation.Total())}
		if r.Class != rs.Abstain {
			q.reach = r.Radius
		}
		points = append(points, q)
	}
	return points, nil
}
