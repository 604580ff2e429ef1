package figures

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

func drawPA(in Input) (*Figure, error) {
	s, err := in.first("pa")
	if err != nil {
		return nil, err
	}
	if err := in.checkAlpha("pa"); err != nil {
		return nil, err
	}
	c, err := s.Certify(in.config("mono"))
	if err != nil {
		return nil, fmt.Errorf("figure pa: %w", err)
	}
	return PA(c)
}

// PA answers the question: how sure are the votes for the true class, image by image? It draws the
// fraction of images whose lower bound of p_A is at least p. Here p_A is the probability of the
// true class under noise. The average certified radius weighs the surest images most. This figure
// doesn't (Sun et al. 2025 argue for it). An image whose class is wrong has p = 0. The result must
// hold mono.
func PA(c *certify.Result) (*Figure, error) {
	at := slices.IndexFunc(c.Curves, func(curve certify.Curve) bool {
		return curve.Method == "mono"
	})
	if at < 0 || len(c.Indices) == 0 {
		return nil, fmt.Errorf("figure pa: no certificates by mono")
	}
	results := rs.Labelled(c.Curves[at].Results)
	var bounds []float64
	for _, r := range results {
		if len(r.Ledger) == 0 {
			return nil, fmt.Errorf("figure pa: a certificate without its bound")
		}
		if r.Right() {
			bounds = append(bounds, r.Ledger[0].Value)
		}
	}
	slices.Sort(bounds)
	t := &table.Table{Columns: []string{"pa", "images_at_least"}}
	curve := plotter.XYs{{X: 0, Y: float64(len(bounds)) / float64(len(results))}}
	for i, p := range bounds {
		share := float64(len(bounds)-i) / float64(len(results))
		curve = append(curve, plotter.XY{X: mathext.NormalQuantile(p), Y: share})
		t.Add(p, share)
	}
	p := newPlot("lower bound of p_{A}", "fraction of images with at least that")
	line := newLine(curve, lineAt(0), true)
	p.Add(line)
	s := c.Settings()
	ceiling, lift := 0.9999, vg.Length(0)
	if s.Until == "" && s.N > 0 {
		ceiling = rs.ClopperPearson{}.Lower(rs.Bernoulli(s.N, s.N), s.Alpha)
		mark := upright{mathext.NormalQuantile(ceiling),
			fmt.Sprintf("all %d votes: %.5g", s.N, ceiling),
			draw.LineStyle{Color: black, Width: 0.8, Dashes: []vg.Length{0.8, 1.6}}}
		p.Add(mark)
		lift = mark.height()
	}
	name := fmt.Sprintf("right and certified: %.3f of images; ACR by votes %.3f", curve[0].Y,
		rs.AverageRadius(results))
	rows := addLegend(p, []string{name}, [][]plot.Thumbnailer{{line}}, lift)
	p.X.Tick.Marker = probabilityTicks{}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1.03*mathext.NormalQuantile(ceiling), 0, 1
	return &Figure{Name: "pa", Title: title("Distribution of p_{A}", s), Caption: s.Caption(),
		Plot: p, Table: t, Width: width, Height: height + lift + rows}, nil
}

// probabilityTicks label an axis of normal quantiles with their probabilities.
type probabilityTicks struct{}

func (probabilityTicks) Ticks(low, high float64) (all []plot.Tick) {
	for _, p := range []float64{0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999} {
		if at := mathext.NormalQuantile(p); low <= at && at <= high {
			all = append(all, plot.Tick{Value: at, Label: fmt.Sprint(p)})
		}
	}
	return all
}
