package figures

import (
	"cmp"
	"context"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/coverage"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// methodLabels are the methods' names on paper.
var methodLabels = map[string]string{"mono": "Mono", "bonferroni": "Bonferroni", "cpm": "CPM",
	"twobound": "two bounds"}

func methodLabel(name string) string { return cmp.Or(methodLabels[name], name) }

// methodsOf returns the methods of the outcomes, in the order they come.
func methodsOf(outcomes []coverage.Outcome) (names []string) {
	for _, o := range outcomes {
		if !slices.Contains(names, o.Method) {
			names = append(names, o.Method)
		}
	}
	return names
}

// simulated says the settings that all outcomes share.
func simulated(figure string, outcomes []coverage.Outcome) (string, error) {
	if len(outcomes) == 0 {
		return "", fmt.Errorf("figure %s: no simulation to draw", figure)
	}
	say := func(o coverage.Outcome) string {
		return fmt.Sprintf("σ = %g, n0 = %d, n = %d, α = %g, %d trials", o.Case.Sigma, o.Case.N0,
			o.Case.N, o.Alpha, o.Trials)
	}
	for _, o := range outcomes {
		if say(o) != say(outcomes[0]) {
			return "", fmt.Errorf("figure %s: simulations of %s and of %s", figure,
				say(outcomes[0]), say(o))
		}
	}
	return say(outcomes[0]), nil
}

// What the figures of List simulate.
const (
	simulatedTrials = 2000
	simulatedTop    = 0.9 // probability of the class
	simulatedDraws  = 10000
)

// simulatedMethods are sound, and known on paper.
var simulatedMethods = []string{"mono", "bonferroni", "cpm", "twobound"}

// simulate simulates shapes at numbers of classes and draws, with seed 1 and the α of the input.
func simulate(in Input, shapes []coverage.Shape, classes, draws []int, trials int) (
	[]coverage.Outcome, error) {

	methods, err := coverage.MethodsByName(simulatedMethods...)
	if err != nil {
		return nil, err
	}
	g := coverage.Grid{Shapes: shapes, Classes: classes, Draws: draws, Top: simulatedTop, Tail: 1,
		Sigma: 1, N0: 100}
	return g.Simulate(context.Background(), coverage.Options{Trials: trials, Seed: 1,
		Alpha: cmp.Or(in.Alpha, certify.Default().Alpha), Methods: methods})
}

// seeded adds the seed to the caption of a simulation of List.
func seeded(f *Figure, err error) (*Figure, error) {
	if err == nil {
		f.Caption += "; seed 1"
	}
	return f, err
}

func drawIntervals(in Input) (*Figure, error) {
	outcomes, err := simulate(in, coverage.Shapes[:1], []int{2, 10, 100, 1000},
		[]int{simulatedDraws}, simulatedTrials)
	if err != nil {
		return nil, fmt.Errorf("figure intervals: %w", err)
	}
	return seeded(Intervals(outcomes))
}

func drawCoverage(in Input) (*Figure, error) {
	outcomes, err := simulate(in, coverage.Shapes, []int{10}, []int{simulatedDraws},
		4*simulatedTrials)
	if err != nil {
		return nil, fmt.Errorf("figure coverage: %w", err)
	}
	return seeded(Coverage(outcomes))
}

// CoverageTable has a row for each outcome, with the two-sided 95% Clopper–Pearson interval of the
// miscoverage.
func CoverageTable(outcomes []coverage.Outcome) *table.Table {
	t := &table.Table{Columns: []string{"shape", "classes", "n0", "n", "alpha", "sigma", "method",
		"trials", "wrong", "miscoverage", "low_95", "high_95", "abstain", "mean_radius",
		"standard_error"}}
	for _, o := range outcomes {
		low, high := o.Interval(0.95)
		t.Add(o.Case.Shape, len(o.Case.P), o.Case.N0, o.Case.N, o.Alpha, o.Case.Sigma, o.Method,
			o.Trials, o.Wrong, o.Miscoverage(), low, high, o.Abstain, o.Mean, o.Error)
	}
	return t
}

// Intervals answers the question: which confidence interval certifies most, for how many classes?
// It draws the mean certified radius of each method against the number of classes, and the radius
// that the true probabilities give. It needs two numbers of classes at least. All outcomes have one
// shape and equal settings. Bars are ± 1.96 standard errors.
func Intervals(outcomes []coverage.Outcome) (*Figure, error) {
	settings, err := simulated("intervals", outcomes)
	if err != nil {
		return nil, err
	}
	truth := map[int]float64{}
	for _, o := range outcomes {
		if o.Case.Shape != outcomes[0].Case.Shape {
			return nil, fmt.Errorf("figure intervals: shapes %s and %s", outcomes[0].Case.Shape,
				o.Case.Shape)
		}
		p := o.Case.P
		truth[len(p)] = o.Case.TrueRadius(slices.Index(p, slices.Max(p)), false)
	}
	if len(truth) < 2 {
		return nil, fmt.Errorf("figure intervals: one number of classes, want two or more")
	}
	p := newPlot("number of classes K", "mean certified ℓ_{2} radius")
	var classes []int
	for k := range truth {
		classes = append(classes, k)
	}
	slices.Sort(classes)
	var whole plotter.XYs
	low, high := math.Inf(1), 0.0
	for _, k := range classes {
		whole = append(whole, plotter.XY{X: float64(k), Y: truth[k]})
		high = max(high, truth[k])
	}
	numbers := &table.Table{Columns: []string{"classes", "true"}}
	for _, k := range classes {
		numbers.Add(k, truth[k])
	}
	var names []string
	var thumbs [][]plot.Thumbnailer
	for m, method := range methodsOf(outcomes) {
		var e estimates
		for i, k := range classes {
			at := slices.IndexFunc(outcomes, func(o coverage.Outcome) bool {
				return o.Method == method && len(o.Case.P) == k
			})
			if at < 0 {
				return nil, fmt.Errorf("figure intervals: %s was not simulated at K = %d",
					method, k)
			}
			o, half := outcomes[at], 1.96*outcomes[at].Error
			e.add(float64(k), o.Mean, half)
			low, high = min(low, o.Mean-half), max(high, o.Mean+half)
			numbers.Extend(i, o.Mean, half)
		}
		numbers.Columns = append(numbers.Columns, method, method+"_halfwidth")
		thumb, err := e.draw(p, m, 0)
		if err != nil {
			return nil, fmt.Errorf("figure intervals: %s: %w", method, err)
		}
		names, thumbs = append(names, methodLabel(method)), append(thumbs, thumb)
	}
	line := newLine(whole, draw.LineStyle{Color: black, Width: 0.8, Dashes: dashes[2]}, false)
	p.Add(line)
	rows := addLegend(p, append(names, "true radius"), append(thumbs, []plot.Thumbnailer{line}), 0)
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = logTicks{}
	room := math.Pow(float64(classes[len(classes)-1])/float64(classes[0]), 0.03)
	span := max(high-low, 1e-3*high, 1e-9)
	p.X.Min, p.X.Max = float64(classes[0])/room, float64(classes[len(classes)-1])*room
	p.Y.Min, p.Y.Max = max(0, low-0.06*span), high+0.06*span
	first := outcomes[0]
	return &Figure{Name: "intervals", Title: fmt.Sprintf(
		"What confidence costs: n = %d votes, α = %g", first.Case.N, first.Alpha),
		Caption: fmt.Sprintf("simulated votes, shape %s, largest probability %.4g, %s; true "+
			"radius: of the true probabilities; bars: ± 1.96 standard errors",
			first.Case.Shape, slices.Max(first.Case.P), settings),
		Plot: p, Table: numbers, Width: width, Height: height + rows}, nil
}

// logTicks labels 1, 2 and 5 times powers of ten, on a long axis fewer of them.
type logTicks struct{}

func (logTicks) Ticks(low, high float64) (out []plot.Tick) {
	wide := high/low > 200
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for m := 1.0; m < 10; m++ {
			v := m * power
			if v < low || v > high {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 || (m == 2 || m == 5) && (!wide || v < 10) {
				t.Label = fmt.Sprintf("%g", v)
			}
			out = append(out, t)
		}
	}
	return out
}

// Coverage answers the question: are the certificates of each method wrong no more often than α? It
// draws how often they were wrong in each case, with the two-sided 95% Clopper–Pearson interval.
// The axis is logarithmic. A case without a wrong certificate has no bar, and its interval begins
// at the axis.
func Coverage(outcomes []coverage.Outcome) (*Figure, error) {
	settings, err := simulated("coverage", outcomes)
	if err != nil {
		return nil, err
	}
	methods := methodsOf(outcomes)
	type group struct {
		shape   string
		classes int
	}
	var groups []group
	for _, o := range outcomes {
		if g := (group{o.Case.Shape, len(o.Case.P)}); !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	first := outcomes[0]
	alpha, trials := first.Alpha, float64(first.Trials)
	p := newPlot("", "fraction of certificates wrong")
	low, high := min(alpha/20, 0.5/trials), 2.5*alpha
	marks := make([]mark, 0, len(outcomes))
	each := 0.84 / float64(len(methods))
	for _, o := range outcomes {
		m := slices.Index(methods, o.Method)
		g := slices.Index(groups, group{o.Case.Shape, len(o.Case.P)})
		k := mark{x: float64(g) + (float64(m)-float64(len(methods)-1)/2)*each, half: 0.4 * each,
			value: o.Miscoverage(), style: m}
		k.low, k.high = o.Interval(0.95)
		marks = append(marks, k)
		high = max(high, 1.3*k.high)
	}
	low, high = math.Pow(10, math.Floor(math.Log10(low)+1e-9)), min(1, high)
	p.Add(bars(marks))
	y := math.Log10(alpha)
	level := newLine(plotter.XYs{{X: -0.5, Y: y}, {X: float64(len(groups)) - 0.5, Y: y}},
		draw.LineStyle{Color: black, Width: 0.9, Dashes: dashes[1]}, false)
	p.Add(level, tags{[]float64{y}, []string{"α"}, []color.Color{black}})
	var names []string
	var thumbs [][]plot.Thumbnailer
	for m, method := range methods {
		names = append(names, methodLabel(method))
		thumbs = append(thumbs, []plot.Thumbnailer{patch{shade(colorAt(m), fillAt(m)),
			draw.LineStyle{Color: colorAt(m), Width: 0.6}}})
	}
	rows := addLegend(p, names, thumbs, 0)
	var at plot.ConstantTicks
	one := !slices.ContainsFunc(groups, func(g group) bool {
		return g.classes != groups[0].classes
	})
	for i, g := range groups {
		label := g.shape
		if !one {
			label += fmt.Sprintf(", %d", g.classes)
		}
		at = append(at, plot.Tick{Value: float64(i), Label: label})
	}
	p.X.Label.Text = "shape of the distribution, number of classes K"
	if one {
		p.X.Label.Text = fmt.Sprintf("shape of the distribution of K = %d classes",
			groups[0].classes)
	}
	p.X.Tick.Marker = at
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, float64(len(groups))-0.5, math.Log10(low),
		math.Log10(high)
	p.Y.Tick.Marker = powerTicks{}
	return &Figure{Name: "coverage", Title: fmt.Sprintf("How often certificates are wrong: %d "+
		"trials, α = %g", first.Trials, alpha),
		Caption: "simulated votes, " + settings + "; intervals: two-sided 95% Clopper–Pearson",
		Plot:    p, Table: CoverageTable(outcomes), Width: width, Height: height + rows}, nil
}

// A mark is a bar with an interval.
type mark struct {
	x, half, value, low, high float64
	style                     int
}

// fillAt makes areas differ in grey as well: each lets through more than the one before.
func fillAt(i int) uint8 { return []uint8{235, 150, 75, 0}[i%4] }

// bars stand on the lower end of an axis of decimal logarithms. (With plot.LogScale the label of
// the axis would leave room above it.)
type bars []mark

func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	floor := math.Pow(10, p.Y.Min)
	height := func(v float64) vg.Length { return min(y(math.Log10(max(v, floor))), c.Max.Y) }
	for _, m := range b {
		left, right, top, middle := x(m.x-m.half), x(m.x+m.half), height(m.value), x(m.x)
		traceOf(c.Canvas).bar(m, vg.Point{X: middle, Y: max(top, height(m.high))}, p)
		if m.value > floor {
			box := []vg.Point{{X: left, Y: c.Min.Y}, {X: left, Y: top}, {X: right, Y: top},
				{X: right, Y: c.Min.Y}}
			c.FillPolygon(shade(colorAt(m.style), fillAt(m.style)), box)
			c.StrokeLines(draw.LineStyle{Color: colorAt(m.style), Width: 0.6}, box)
		}
		sty, half := draw.LineStyle{Color: black, Width: 0.7}, min(2, (right-left)/3)
		if m.value <= floor { // nothing else tells whose it is
			sty = lineAt(m.style)
			sty.Width = 0.7
		}
		c.StrokeLine2(sty, middle, height(m.low), middle, height(m.high))
		c.StrokeLine2(sty, middle-half, height(m.high), middle+half, height(m.high))
		if m.low > floor {
			c.StrokeLine2(sty, middle-half, height(m.low), middle+half, height(m.low))
		}
		traceOf(c.Canvas).free()
	}
}

// powerTicks labels powers of ten on an axis of decimal logarithms.
type powerTicks struct{}

func (powerTicks) Ticks(low, high float64) (out []plot.Tick) {
	for e := math.Floor(low + 1e-9); e <= high; e++ {
		for m := 1.0; m < 10; m++ {
			t := plot.Tick{Value: e + math.Log10(m)}
			if t.Value < low-1e-9 || t.Value > high+1e-9 {
				continue
			}
			if m == 1 {
				t.Label = "10^{" + strings.Replace(fmt.Sprint(e), "-", "−", 1) + "}"
				if e == 0 {
					t.Label = "1"
				}
			}
			out = append(out, t)
		}
	}
	return out
}
