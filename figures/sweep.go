package figures

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/rs/table"
)

// SweepPoint is one classifier of a sweep: the values of the settings that vary, and its
// measurements on the test split without noise.
type SweepPoint struct {
	Values           []string
	Accuracy, Radius float64 // Radius: the mean of margin/Λ where right, 0 elsewhere
}

// SweepOf reads the points of a table. Its columns are point, one for each setting that varies,
// accuracy, any others, and average_radius.
func SweepOf(t *table.Table) (axes []string, points []SweepPoint, err error) {
	from, to := slices.Index(t.Columns, "point")+1, slices.Index(t.Columns, "accuracy")
	if from < 1 || to <= from {
		return nil, nil, fmt.Errorf("no columns of a sweep, point, …, accuracy; there are %s",
			strings.Join(t.Columns, ", "))
	}
	var numbers [2][]float64
	for i, column := range []string{"accuracy", "average_radius"} {
		x, there, err := t.Numbers(column)
		if err != nil {
			return nil, nil, err
		}
		if row := slices.Index(there, false); row >= 0 {
			return nil, nil, fmt.Errorf("column %q, row %d: no number", column, row+1)
		}
		numbers[i] = x
	}
	for i, row := range t.Rows {
		points = append(points, SweepPoint{row[from:to], numbers[0][i], numbers[1][i]})
	}
	return t.Columns[from:to], points, nil
}

func drawSweep(in Input) (*Figure, error) {
	if in.Sweep == nil {
		return nil, lacks("sweep", "no table of a sweep", needsSweep)
	}
	return SweepTable(in.Sweep, in.Swept)
}

// SweepTable draws [Sweep] of the points of a table, which is kept as the figure's.
func SweepTable(t *table.Table, settings string) (*Figure, error) {
	axes, points, err := SweepOf(t)
	if err != nil {
		return nil, fmt.Errorf("figure sweep: %w", err)
	}
	f, err := Sweep(axes, points, settings)
	if err == nil {
		f.Table = t
	}
	return f, err
}

// Sweep answers the question: which settings give accuracy, and which a large verified radius? It
// draws the average verified radius of each point against its accuracy. If the values of the last
// axis are numbers, a line joins the points that differ in that axis alone. The values stand beside
// the points. Where they are names, each name has a mark.
func Sweep(axes []string, points []SweepPoint, settings string) (*Figure, error) {
	if len(points) == 0 || len(axes) == 0 {
		return nil, fmt.Errorf("figure sweep: no point to draw")
	}
	last, told := len(axes)-1, len(axes)-1 // told: axes that the legend tells
	numbers := &table.Table{Columns: append(slices.Clone(axes), "accuracy", "average_radius")}
	var names []string
	series := map[string]plotter.XYs{}
	var texts notes
	latest := map[string]int{} // point of each series
	numeric := !slices.ContainsFunc(points, func(p SweepPoint) bool {
		if len(p.Values) != len(axes) {
			return false // refused below
		}
		_, err := strconv.ParseFloat(p.Values[last], 64)
		return err != nil
	})
	if !numeric {
		told++
	}
	xlow, xhigh, ylow, yhigh := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, p := range points {
		if err := p.check(axes); err != nil {
			return nil, err
		}
		name := strings.Join(slices.DeleteFunc(slices.Clone(p.Values[:told]),
			func(v string) bool { return v == "" }), ", ")
		if series[name] == nil {
			names = append(names, name)
		}
		xy := plotter.XY{X: p.Accuracy, Y: p.Radius}
		series[name] = append(series[name], xy)
		if numeric {
			if before, ok := latest[name]; ok {
				texts.next[before] = len(texts.at)
			}
			latest[name] = len(texts.at)
			texts.at, texts.text, texts.next = append(texts.at, xy),
				append(texts.text, p.Values[last]), append(texts.next, -1)
		}
		xlow, xhigh, ylow, yhigh = min(xlow, xy.X), max(xhigh, xy.X), min(ylow, xy.Y),
			max(yhigh, xy.Y)
		var row []any
		for _, v := range p.Values {
			row = append(row, v)
		}
		numbers.Add(append(row, p.Accuracy, p.Radius)...)
	}
	p := newPlot("accuracy", "average verified ℓ_{2} radius")
	var thumbs [][]plot.Thumbnailer
	for i, name := range names {
		line := newLine(series[name], draw.LineStyle{Color: shade(colorAt(i), 150), Width: 0.8,
			Dashes: dashes[i%len(dashes)]}, false)
		marks := &plotter.Scatter{XYs: series[name], GlyphStyle: draw.GlyphStyle{Color: colorAt(i),
			Radius: 2.4, Shape: glyphs[(i+i/len(colors))%len(glyphs)]}}
		thumb := []plot.Thumbnailer{marks}
		if numeric {
			p.Add(line)
			thumb = append(thumb, line)
		}
		p.Add(marks)
		thumbs = append(thumbs, thumb)
	}
	p.Add(texts)
	rows := vg.Length(0)
	if told > 0 {
		rows = addLegend(p, names, thumbs, 0)
	}
	xspan, yspan := max(xhigh-xlow, 1e-3), max(yhigh-ylow, 1e-3)
	p.X.Min, p.X.Max = xlow-0.06*xspan, xhigh+0.06*xspan
	p.Y.Min, p.Y.Max = ylow-0.08*yspan, yhigh+0.12*yspan
	p.X.Tick.Marker = ticks{most: 6}
	if numeric {
		settings += "; beside each point: " + axes[last]
	}
	by := strings.ReplaceAll(strings.Join(axes, ", "), "sigma", "σ of training")
	return &Figure{Name: "sweep", Title: "Accuracy and radius by " + by,
		Caption: settings, Plot: p, Table: numbers, Width: width, Height: height + rows}, nil
}

// check reports a point that doesn't fit the axes, or whose numbers aren't finite.
func (p SweepPoint) check(axes []string) error {
	if len(p.Values) != len(axes) {
		return fmt.Errorf("figure sweep: a point of %d values, and %d axes", len(p.Values),
			len(axes))
	}
	if math.IsNaN(p.Accuracy+p.Radius) || math.IsInf(p.Accuracy+p.Radius, 0) {
		return fmt.Errorf("figure sweep: accuracy %v and radius %v of %s", p.Accuracy, p.Radius,
			strings.Join(p.Values, ", "))
	}
	return nil
}

// notes are texts beside points. Each stands above, below, right or left of its point, where it
// meets the fewest other texts, points and lines.
type notes struct {
	at   plotter.XYs
	text []string
	next []int // the point that a line goes on to, -1 for none
}

func (n notes) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	sty := textStyle(fontSize - 2)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
	var points []vg.Point
	for _, at := range n.at {
		points = append(points, vg.Point{X: x(at.X), Y: y(at.Y)})
	}
	var taken []vg.Rectangle
	for i, at := range points {
		half := vg.Point{X: sty.Width(n.text[i])/2 + 1, Y: sty.Font.Size * 0.45}
		off := vg.Point{X: half.X + 3, Y: half.Y + 3.5}
		var best vg.Rectangle
		fewest := -1
		for _, d := range []vg.Point{{Y: off.Y}, {Y: -off.Y}, {X: off.X}, {X: -off.X},
			{X: off.X, Y: off.Y}, {X: -off.X, Y: -off.Y}, {X: -off.X, Y: off.Y},
			{X: off.X, Y: -off.Y}} {
			middle := at.Add(d)
			box := vg.Rectangle{Min: middle.Sub(half), Max: middle.Add(half)}
			if box.Min.X < c.Min.X || box.Max.X > c.Max.X || box.Min.Y < c.Min.Y {
				continue
			}
			hits := 0
			for _, other := range taken {
				if box.Min.X < other.Max.X && other.Min.X < box.Max.X && box.Min.Y < other.Max.Y &&
					other.Min.Y < box.Max.Y {
					hits += 3
				}
			}
			for j, a := range points {
				b := a
				if n.next[j] >= 0 {
					b = points[n.next[j]]
				}
				for k := range 41 { // the line, or the point alone
					q := a.Add(b.Sub(a).Scale(vg.Length(k) / 40))
					if margin := vg.Length(2); q.X > box.Min.X-margin && q.X < box.Max.X+margin &&
						q.Y > box.Min.Y-margin/2 && q.Y < box.Max.Y+margin/2 {
						hits++
						break
					}
				}
			}
			if fewest < 0 || hits < fewest {
				best, fewest = box, hits
			}
		}
		if fewest < 0 {
			best = vg.Rectangle{Min: at.Sub(half), Max: at.Add(half)}
		}
		taken = append(taken, best)
		c.FillText(sty, vg.Point{X: (best.Min.X + best.Max.X) / 2,
			Y: (best.Min.Y + best.Max.Y) / 2}, n.text[i])
	}
}
