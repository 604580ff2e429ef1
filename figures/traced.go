package figures

import (
	"fmt"
	"html"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// WriteAnnotatedSVG writes the SVG of WriteSVG with attributes that say what each path is. A page
// reads these attributes to show values and to hide curves. Its paths are those of WriteSVG.
//
//	<rect data-panel="0" data-x="radius" data-y="accuracy">  a panel: its place, and its axes
//	<rect data-entry="2" data-name="mono">                   an entry of the legend, and its place
//	<path data-entry="2">                                    a path of that entry
//	<path data-of="2" data-panel="0">                        a path of the curve of that entry
//	   data-x="0|0.1" data-y="1|0.9"                         the values at its points
//	   data-at="10,20 15,18"                                 these points, where not those of d
func (f *Figure) WriteAnnotatedSVG(w io.Writer) error {
	c := vgsvg.New(f.scale()*f.Width, f.scale()*f.Height)
	c.Scale(float64(f.scale()), float64(f.scale()))
	t := &traced{Canvas: c, states: []state{{}}, entry: -1}
	f.Draw(draw.NewCanvas(outlined{t, true}, f.Width, f.Height))
	var b strings.Builder
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	parts := strings.Split(b.String(), "<path ")
	if len(parts) != len(t.paths)+1 {
		return fmt.Errorf("figure %s: %d paths drawn, %d written", f.Name, len(t.paths),
			len(parts)-1)
	}
	b.Reset()
	b.WriteString(parts[0])
	for i, notes := range t.notes() {
		b.WriteString("<path " + notes + parts[i+1])
	}
	const end = "</g>\n</g>\n</svg>\n" // of the zoom, of the whole and of the file
	_, err := io.WriteString(w, strings.TrimSuffix(b.String(), end)+t.places()+end)
	return err
}

// traced is a canvas that notes what each path on it is.
type traced struct {
	vg.Canvas
	states  []state
	paths   []drawnPath
	entries []entry // of legends and tags
	panels  []panel
	entry   int   // the entry that is drawn, or -1
	said    *said // of the path that is next
	as      *look // of the legend, which the paths that are next belong to
}

// A state is how the next path is drawn.
type state struct {
	look
	moved bool // in turned or moved coordinates, as text alone is
}

// A look tells curves apart.
type look struct {
	fill   bool
	color  color.NRGBA
	width  vg.Length
	dashes string
}

// plain is a colour without its transparency.
func (l look) plain() color.NRGBA { return shade(l.color, 255) }

// inked reports whether the colour is neither black nor that of the paper, as a curve's is.
func (l look) inked() bool {
	return l.plain() != black && l.plain() != color.NRGBA{255, 255, 255, 255}
}

type drawnPath struct {
	state
	path         vg.Path
	entry, panel int // -1 where it has none
	said         *said
	as           *look
}

type entry struct {
	name  string
	box   vg.Rectangle
	looks []look       // of its thumbnails
	color *color.NRGBA // of all its curves, for a tag
}

type panel struct {
	plot *plot.Plot
	data vg.Rectangle
}

// said are the values of a path whose own points don't tell them.
type said struct {
	at   []vg.Point
	x, y []string
}

// traceOf returns the canvas that takes notes, or nil where none does. All its methods that figures
// call take nil.
func traceOf(c vg.Canvas) *traced {
	for {
		switch in := c.(type) {
		case draw.Canvas: // cropped
			c = in.Canvas
		case outlined:
			c = in.Canvas
		case *traced:
			return in
		default:
			return nil
		}
	}
}

// drawPanel draws a plot as a panel of its own.
func drawPanel(p *plot.Plot, c draw.Canvas) {
	if t := traceOf(c.Canvas); t != nil {
		t.panels = append(t.panels, panel{p, p.DataCanvas(c).Rectangle})
	}
	p.Draw(c)
}

// enter begins an entry of a legend. A tag names all curves of its colour; other entries have nil.
func (t *traced) enter(name string, box vg.Rectangle, tag color.Color) {
	if t == nil {
		return
	}
	e := entry{name: name, box: box}
	if tag != nil {
		c := color.NRGBAModel.Convert(tag).(color.NRGBA)
		e.color = &c
	}
	t.entry, t.entries = len(t.entries), append(t.entries, e)
}

// leave ends an entry.
func (t *traced) leave() {
	if t != nil {
		t.entry = -1
	}
}

// A histogram is a band of bins, each from the x before to its own.
type histogram struct{ band }

// Plot implements plot.Plotter.
func (h histogram) Plot(c draw.Canvas, p *plot.Plot) {
	if t := traceOf(c.Canvas); t != nil {
		x, y := p.Transforms(&c)
		t.said = &said{}
		for i := 1; i < len(h.x); i++ {
			t.said.at = append(t.said.at, vg.Point{X: (x(h.x[i-1]) + x(h.x[i])) / 2, Y: y(h.high[i])})
			t.said.x = append(t.said.x, short(h.x[i-1])+" to "+short(h.x[i]))
			t.said.y = append(t.said.y, short(h.high[i]-h.low[i]))
		}
	}
	h.band.Plot(c, p)
}

// bar says that the paths that are next are a bar and its interval, of this fill in the legend. at
// is a point on it.
func (t *traced) bar(m mark, at vg.Point, p *plot.Plot) {
	if t == nil {
		return
	}
	t.as = &look{fill: true, color: shade(colorAt(m.style), fillAt(m.style))}
	t.said = &said{[]vg.Point{at}, []string{valueText(&p.X, p.X.Norm(m.x))},
		[]string{fmt.Sprintf("%s (%s to %s)", short(m.value), short(m.low), short(m.high))}}
}

// free ends what bar said.
func (t *traced) free() {
	if t != nil {
		t.as, t.said = nil, nil
	}
}

func (t *traced) state() *state { return &t.states[len(t.states)-1] }

func (t *traced) SetColor(c color.Color) {
	if t.state().color = black.(color.NRGBA); c != nil {
		t.state().color = color.NRGBAModel.Convert(c).(color.NRGBA)
	}
	t.Canvas.SetColor(c)
}

func (t *traced) SetLineWidth(w vg.Length) {
	t.state().width = w
	t.Canvas.SetLineWidth(w)
}

func (t *traced) SetLineDash(pattern []vg.Length, offset vg.Length) {
	t.state().dashes = fmt.Sprint(pattern)
	t.Canvas.SetLineDash(pattern, offset)
}

func (t *traced) Push() {
	t.states = append(t.states, *t.state())
	t.Canvas.Push()
}

func (t *traced) Pop() {
	t.states = t.states[:len(t.states)-1]
	t.Canvas.Pop()
}

func (t *traced) Translate(by vg.Point) {
	t.state().moved = true
	t.Canvas.Translate(by)
}

func (t *traced) Stroke(p vg.Path) {
	if t.state().width > 0 {
		t.note(p, false)
	}
	t.Canvas.Stroke(p)
}

func (t *traced) Fill(p vg.Path) {
	t.note(p, true)
	t.Canvas.Fill(p)
}

func (t *traced) note(p vg.Path, fill bool) {
	d := drawnPath{*t.state(), slices.Clone(p), t.entry, len(t.panels) - 1, t.said, t.as}
	if t.said = nil; fill {
		d.look = look{fill: true, color: d.color}
	}
	if t.entry >= 0 && !d.moved {
		e := &t.entries[t.entry]
		e.looks = append(e.looks, d.look)
	}
	t.paths = append(t.paths, d)
}

// of returns the entries that a path is a curve of. A path has the look of an entry, or else the
// colour of one entry alone, such as an error bar. Where a legend shows dashes in black, it names
// all curves of these dashes.
func (t *traced) of(d drawnPath) (entries []int) {
	if d.moved || d.entry >= 0 || d.panel < 0 {
		return nil
	}
	like := d.look
	if d.as != nil {
		like = *d.as
	}
	for i, e := range t.entries {
		if slices.Contains(e.looks, like) {
			entries = append(entries, i)
		}
	}
	if len(entries) > 0 || !d.inked() {
		return entries
	}
	for i, e := range t.entries {
		if e.color != nil && *e.color == d.plain() || slices.ContainsFunc(e.looks,
			func(l look) bool { return l.plain() == d.plain() }) {
			entries = append(entries, i)
		}
	}
	if len(entries) != 1 {
		return nil
	}
	for i, e := range t.entries {
		if slices.ContainsFunc(e.looks, func(l look) bool {
			return l.plain() == black && !d.fill && l.width == d.width && l.dashes == d.dashes
		}) {
			entries = append(entries, i)
		}
	}
	return entries
}

// notes are the attributes of each path.
func (t *traced) notes() (all []string) {
	owners := make([][]int, len(t.paths))
	told := map[[2]int]bool{} // panels and entries whose outlines have no values
	for i, d := range t.paths {
		if owners[i] = t.of(d); d.said != nil && owners[i] != nil {
			told[[2]int{d.panel, owners[i][0]}] = true
		}
	}
	for i, d := range t.paths {
		of, text := owners[i], ""
		switch {
		case d.entry >= 0:
			text = fmt.Sprintf(`data-entry="%d" `, d.entry)
		case of != nil:
			text = fmt.Sprintf(`data-of="%s" data-panel="%d" `, strings.Trim(fmt.Sprint(of), "[]"),
				d.panel)
			if d.said != nil {
				text += values(d.said.at, d.said.x, d.said.y)
			} else if !told[[2]int{d.panel, of[0]}] {
				text += t.panels[d.panel].values(d)
			}
		case !d.moved && d.panel >= 0 && d.inked(): // a curve without a legend
			if v := t.panels[d.panel].values(d); v != "" {
				text = fmt.Sprintf(`data-of="" data-panel="%d" %s`, d.panel, v)
			}
		}
		all = append(all, text)
	}
	return all
}

// places are the rectangles of panels and entries.
func (t *traced) places() string {
	var b strings.Builder
	rect := func(r vg.Rectangle, attributes string, args ...any) {
		for i, a := range args {
			if s, ok := a.(string); ok {
				args[i] = html.EscapeString(plainText(s))
			}
		}
		fmt.Fprintf(&b, `<rect %s x="%.5g" y="%.5g" width="%.5g" height="%.5g" fill="none" />`+"\n",
			fmt.Sprintf(attributes, args...), r.Min.X, r.Min.Y, r.Size().X, r.Size().Y)
	}
	below := t.panels[len(t.panels)-1].plot.X.Label.Text
	for i, p := range t.panels {
		x := p.plot.X.Label.Text
		if x == "" {
			x = below
		}
		rect(p.data, `data-panel="%d" data-x="%s" data-y="%s"`, i, x, p.plot.Y.Label.Text)
	}
	for i, e := range t.entries {
		rect(e.box, `data-entry="%d" data-name="%s"`, i, e.name)
	}
	return b.String()
}

// A glyph is no larger than this, in points.
const glyphSize = 8

// points returns where a path shows values: the vertices of a line, or the one point of a glyph or
// of a bar. An outline, an area and a single stroke show none.
func (d drawnPath) points() (at []vg.Point, line bool) {
	closed := d.fill
	for _, c := range d.path {
		switch c.Type {
		case vg.MoveComp, vg.LineComp:
			at = append(at, c.Pos)
		case vg.ArcComp:
			return []vg.Point{c.Pos}, false
		case vg.CloseComp:
			closed = true
		default:
			return nil, false
		}
	}
	if len(at) < 3 || !closed {
		return at[:len(at)*min(1, len(at)/3)], true
	}
	low, high, mean := at[0], at[0], vg.Point{}
	for _, p := range at {
		low, high = vg.Point{X: min(low.X, p.X), Y: min(low.Y, p.Y)},
			vg.Point{X: max(high.X, p.X), Y: max(high.Y, p.Y)}
		mean = mean.Add(p.Scale(1 / vg.Length(len(at))))
	}
	switch {
	case high.X-low.X < glyphSize && high.Y-low.Y < glyphSize && !d.fill,
		high.X-low.X < glyphSize && high.Y-low.Y < glyphSize && len(at) < 5:
		return []vg.Point{mean}, false
	case d.fill && len(at) == 4:
		return []vg.Point{{X: (low.X + high.X) / 2, Y: high.Y}}, false
	}
	return nil, false
}

// values are the attributes of a path's values.
func (p panel) values(d drawnPath) string {
	at, line := d.points()
	var xs, ys []string
	for _, q := range at {
		xs = append(xs, valueText(&p.plot.X, float64((q.X-p.data.Min.X)/p.data.Size().X)))
		ys = append(ys, valueText(&p.plot.Y, float64((q.Y-p.data.Min.Y)/p.data.Size().Y)))
	}
	switch {
	case len(at) == 0:
		return ""
	case line:
		return values(nil, xs, ys)
	}
	return values(at, xs, ys)
}

func values(at []vg.Point, x, y []string) string {
	text := fmt.Sprintf(`data-x="%s" data-y="%s" `, html.EscapeString(strings.Join(x, "|")),
		html.EscapeString(strings.Join(y, "|")))
	if at != nil {
		var places []string
		for _, p := range at {
			places = append(places, fmt.Sprintf("%.5g,%.5g", p.X, p.Y))
		}
		text += fmt.Sprintf(`data-at="%s" `, strings.Join(places, " "))
	}
	return text
}

// valueText is the value that lies at a part of an axis, for reading.
func valueText(a *plot.Axis, part float64) string {
	low, high := a.Min, a.Max
	if _, linear := a.Scale.(plot.LinearScale); linear {
		low += part * (high - low)
	} else {
		for range 60 {
			if middle := (low + high) / 2; a.Norm(middle) < part {
				low = middle
			} else {
				high = middle
			}
		}
	}
	switch marker := a.Tick.Marker.(type) {
	case powerTicks: // of decimal logarithms
		return short(math.Pow(10, low))
	case probabilityTicks: // of normal quantiles
		return short(distuv.UnitNormal.CDF(low))
	case plot.ConstantTicks: // names of places, or numbers
		named := slices.ContainsFunc(marker, func(t plot.Tick) bool {
			_, err := strconv.ParseFloat(t.Label, 64)
			return t.Label != "" && err != nil
		})
		for _, t := range marker {
			if named && t.Label != "" && math.Abs(t.Value-low) < 0.5 {
				return plainText(t.Label)
			}
		}
	}
	if math.Abs(low) < 1e-9*(a.Max-a.Min) {
		low = 0
	}
	return short(low)
}

// short is a number of at most four digits.
func short(x float64) string {
	text := strconv.FormatFloat(x, 'g', 4, 64)
	if y, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(y) < 1e9 &&
		(y == 0 || math.Abs(y) >= 1e-5) {
		text = strconv.FormatFloat(y, 'f', -1, 64)
	}
	return strings.Replace(text, "-", "−", 1)
}

// plainText is markup without raised and lowered parts, as far as Unicode has them.
func plainText(s string) string {
	var b strings.Builder
	for _, r := range runs(s) {
		switch {
		case r.shift > 0 && strings.Trim(r.text, "−0123456789") == "":
			for _, c := range r.text {
				if c == '−' {
					b.WriteRune('⁻')
				} else {
					b.WriteRune([]rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[c-'0'])
				}
			}
		case r.shift > 0:
			b.WriteString("^" + r.text)
		case r.shift < 0 && strings.Trim(r.text, "0123456789") == "":
			for _, c := range r.text {
				b.WriteRune('₀' + c - '0')
			}
		case r.shift < 0:
			b.WriteString("_" + r.text)
		default:
			b.WriteString(r.text)
		}
	}
	return b.String()
}
