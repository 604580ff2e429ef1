package figures

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs/certify"
)

func drawCompare(in Input) (*Figure, error) {
	r, err := in.first("compare")
	if err != nil {
		return nil, err
	}
	beside := []Other{{Name: "this run", Run: r}}
	for _, o := range in.Beside {
		if o.Run != nil {
			beside = append(beside, o)
		}
	}
	if len(beside) == 1 {
		return nil, lacks("compare", "no other run", needsBeside)
	}
	var results []*certify.Result
	for _, o := range beside {
		x, err := o.Run.Certify(in.config(in.able(o.Run, slices.Clone(in.Methods)...)...))
		if err != nil {
			return nil, fmt.Errorf("figure compare: %s: %w", o.Name, err)
		}
		named := *o.Run
		named.Dir, x.Run = o.Name, &named
		results = append(results, x)
	}
	c, err := certify.Compare(0.95, results...)
	if err != nil {
		return nil, fmt.Errorf("figure compare: %w", err)
	}
	return Compare(c)
}

// Compare answers the question: which run or method certifies more, and do the images show that? It
// draws by how much each method's average certified radius changes from what it is compared with,
// with the confidence interval over paired images. A hollow mark stands where the interval holds 0.
func Compare(c *certify.Comparison) (*Figure, error) {
	var methods, runs []string
	for _, r := range c.Rows {
		if r.Change.N > 1 {
			methods, runs = append(methods, r.Method), append(runs, r.Run)
		}
	}
	if len(methods) == 0 {
		return nil, lacks("compare", "nothing to compare: one method, or no image in common",
			needsBeside)
	}
	methods, runs = unique(methods), unique(runs)
	p := newPlot("change of the average certified radius", "")
	p.X.Tick.Marker = ticks{6}
	zero := newLine(plotter.XYs{{X: 0, Y: -0.7}, {X: 0, Y: float64(len(methods)) - 0.3}},
		draw.LineStyle{Color: black, Width: 0.6}, false)
	p.Add(zero)
	thumbs := make([][]plot.Thumbnailer, len(runs))
	against, name := "", c.Names()
	low, high := 0.0, 0.0
	for _, r := range c.Rows {
		if r.Change.N < 2 {
			continue
		}
		against = name(r.Against)
		k := slices.Index(runs, r.Run)
		// The first method and run stand on top.
		y := float64(len(methods)-1-slices.Index(methods, r.Method)) +
			0.6*(float64(len(runs)-1)/2-float64(k))/float64(len(runs))
		at := plotter.XYs{{X: r.Change.Mean, Y: y}}
		low, high = min(low, r.Change.Low()), max(high, r.Change.High())
		style := lineAt(k)
		style.Dashes = nil
		interval := newLine(plotter.XYs{{X: r.Change.Low(), Y: y}, {X: r.Change.High(), Y: y}}, style,
			false)
		mark := &plotter.Scatter{XYs: at, GlyphStyle: draw.GlyphStyle{Color: colorAt(k), Radius: 2.4,
			Shape: draw.CircleGlyph{}}}
		p.Add(interval, mark)
		thumbs[k] = []plot.Thumbnailer{interval, mark}
		if !r.Change.Differs() {
			p.Add(&plotter.Scatter{XYs: at, GlyphStyle: draw.GlyphStyle{Color: white, Radius: 1.5,
				Shape: draw.CircleGlyph{}}})
		}
	}
	var labels plot.ConstantTicks
	for i, name := range methods {
		labels = append(labels, plot.Tick{Value: float64(len(methods) - 1 - i),
			Label: methodLabel(name)})
	}
	p.Y.Tick.Marker, p.Y.Min, p.Y.Max = labels, -0.6, float64(len(methods))-0.4
	room := max(0.06*(high-low), 1e-9)
	p.X.Min, p.X.Max = low-room, high+room
	rows := vg.Length(0)
	if len(runs) > 1 {
		for i := range runs {
			runs[i] = name(runs[i])
		}
		rows = addLegend(p, runs, thumbs, 0)
	}
	return &Figure{Name: "compare", Title: "Average certified radius, against " + against,
		Caption: fmt.Sprintf("%s; changes from %s over paired images, with %g%% confidence intervals "+
			"over images", c.Rows[0].Settings.Caption(), against, 100*c.Level),
		Plot: p, Table: c.Table(), Width: width,
		Height: height*0.4 + rows + vg.Length(len(methods)*(len(runs)+1))*6}, nil
}

// unique leaves out what stands there before.
func unique(list []string) (once []string) {
	for _, s := range list {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}
