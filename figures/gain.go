package figures

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs/coverage"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

func drawGain(in Input) (*Figure, error) {
	byClasses, err := simulate(in, coverage.Shapes[:1], []int{2, 5, 10, 30, 100, 300, 1000},
		[]int{simulatedDraws}, simulatedTrials)
	if err != nil {
		return nil, fmt.Errorf("figure gain: %w", err)
	}
	byDraws, err := simulate(in, coverage.Shapes[:1], []int{100},
		[]int{100, 300, 1000, 3000, 10000, 30000, 100000}, simulatedTrials)
	if err != nil {
		return nil, fmt.Errorf("figure gain: %w", err)
	}
	return seeded(Gain(byClasses, byDraws))
}

// gains are the pairs that Gain draws: what the first certifies more than the second.
var gains = [][2]string{{"twobound", "bonferroni"}, {"twobound", "mono"}, {"cpm", "bonferroni"},
	{"cpm", "mono"}}

// Gain answers the question: how much do two bounds and CPM gain on Bonferroni and Mono? It draws
// the differences of mean radii, in units of σ. The upper panel is against the number of classes,
// the lower against the number of draws. All methods get the same votes.
func Gain(byClasses, byDraws []coverage.Outcome) (*Figure, error) {
	settings, err := simulated("gain", byClasses)
	if err != nil {
		return nil, err
	}
	if len(byDraws) == 0 {
		return nil, fmt.Errorf("figure gain: no simulation of several numbers of draws")
	}
	numbers := &table.Table{Columns: []string{"classes", "n", "sigma"}}
	for _, method := range simulatedMethods {
		numbers.Columns = append(numbers.Columns, method, method+"_standard_error")
	}
	for _, g := range gains {
		numbers.Columns = append(numbers.Columns, g[0]+"_less_"+g[1])
	}
	first, second := byClasses[0], byDraws[0]
	top := newPlot(fmt.Sprintf("classes K (n = %d)", first.Case.N),
		"radius gained / σ")
	bottom := newPlot(fmt.Sprintf("draws n (K = %d)", len(second.Case.P)),
		"radius gained / σ")
	panel := func(p *plot.Plot, outcomes []coverage.Outcome, of func(coverage.Case) int) (
		names []string, thumbs [][]plot.Thumbnailer, err error) {
		means, at := byMethod(outcomes, of)
		if len(at) < 2 {
			what, _, _ := strings.Cut(p.X.Label.Text, " (")
			return nil, nil, fmt.Errorf("figure gain: %s of one value", what)
		}
		lines := make([]plotter.XYs, len(gains))
		low, high := 0.0, 0.0
		for _, x := range at {
			var row []any
			for _, method := range simulatedMethods {
				o, ok := means[x][method]
				if !ok {
					return nil, nil, fmt.Errorf("figure gain: %s was not simulated at %d",
						method, x)
				}
				if row == nil {
					row = []any{len(o.Case.P), o.Case.N, o.Case.Sigma}
				}
				row = append(row, o.Mean, o.Error)
			}
			for i, g := range gains {
				y := (means[x][g[0]].Mean - means[x][g[1]].Mean) / means[x][g[0]].Case.Sigma
				lines[i] = append(lines[i], plotter.XY{X: float64(x), Y: y})
				low, high = min(low, y), max(high, y)
				row = append(row, y)
			}
			numbers.Add(row...)
		}
		p.Add(newLine(plotter.XYs{{X: float64(at[0]), Y: 0}, {X: float64(at[len(at)-1]), Y: 0}},
			draw.LineStyle{Color: black, Width: 0.6}, false))
		for i, g := range gains {
			line := newLine(lines[i], lineAt(i), false)
			marks := &plotter.Scatter{XYs: lines[i], GlyphStyle: draw.GlyphStyle{Color: colorAt(i),
				Radius: 2, Shape: glyphs[i%len(glyphs)]}}
			p.Add(line, marks)
			names, thumbs = append(names, methodLabel(g[0])+" − "+methodLabel(g[1])),
				append(thumbs, []plot.Thumbnailer{line, marks})
		}
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, logTicks{}
		room := math.Pow(float64(at[len(at)-1])/float64(at[0]), 0.03)
		p.X.Min, p.X.Max = float64(at[0])/room, float64(at[len(at)-1])*room
		p.Y.Min, p.Y.Max = low-0.06*(high-low), high+0.06*(high-low)
		return names, thumbs, nil
	}
	names, thumbs, err := panel(top, byClasses, func(c coverage.Case) int { return len(c.P) })
	if err != nil {
		return nil, err
	}
	if _, _, err := panel(bottom, byDraws, func(c coverage.Case) int { return c.N }); err != nil {
		return nil, err
	}
	rows := addLegend(top, names, thumbs, 0)
	return &Figure{Name: "gain", Title: "How much radius an interval gains over another",
		Caption: fmt.Sprintf("simulated votes, shape %s, largest probability %.4g; above: %s; "+
			"below: K = %d",
			first.Case.Shape, slices.Max(first.Case.P), settings, len(second.Case.P)),
		Plot: top, Lower: bottom, Table: numbers, Width: width, Height: 1.7*height + rows}, nil
}

// byMethod sorts outcomes by a number of their case and by method. It returns these numbers in
// rising order.
func byMethod(outcomes []coverage.Outcome, of func(coverage.Case) int) (
	means map[int]map[string]coverage.Outcome, at []int) {
	means = map[int]map[string]coverage.Outcome{}
	for _, o := range outcomes {
		x := of(o.Case)
		if means[x] == nil {
			means[x], at = map[string]coverage.Outcome{}, append(at, x)
		}
		means[x][o.Method] = o
	}
	slices.Sort(at)
	return means, at
}
