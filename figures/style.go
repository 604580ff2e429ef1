package figures

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lipsmooth/lipsmooth/internal/named"
)

// A Style is what a figure is made for, such as a screen. All styles have the same palette, dashes
// and font: Liberation Sans of 8 points, tick labels of 7, before zoom.
type Style struct {
	Name, Doc string
	Zoom      float64 // of everything, text too
	Title     bool    // drawn above the plot
	DPI       int     // of PNG files
}

// Styles lists the styles. In print a title belongs into the caption.
var Styles = []Style{
	{"screen", "1.5 times as large, with a title; PNG of 192 dots an inch", 1.5, true, 192},
	{"paper", "of a column's width, 8 point text, without a title; PNG of 300 dots an inch", 1,
		false, 300},
}

// StyleByName finds an entry of Styles. Its error lists the known names.
func StyleByName(name string) (Style, error) {
	return named.Find("style", name, Styles, func(s Style) string { return s.Name })
}

// Column is the width that figures are laid out for: a column of AISTATS, ICML and CVPR, 3.25
// inches. No figure can be narrower.
const Column = 82.5 * vg.Millimeter

// Apply returns the figure in a style and of a width before zoom, 0 being its own.
func (s Style) Apply(f *Figure, wide vg.Length) (*Figure, error) {
	styled := *f
	styled.zoom, styled.dpi = s.Zoom, s.DPI
	if wide != 0 {
		if !(wide >= Column-1e-9 && wide <= 1000*vg.Millimeter) {
			return nil, fmt.Errorf("figure %s: %.4g mm wide, want %.4g to 1000", f.Name,
				wide/vg.Millimeter, Column/vg.Millimeter)
		}
		styled.Width = wide
	}
	if !s.Title {
		styled.Title = ""
		styled.Height -= titleHeight
	}
	return &styled, nil
}

// What a figure looks like on paper: one column wide, 8 point Liberation Sans.
const (
	width    = Column
	height   = 62 * vg.Millimeter // with a title and one row of legend
	margin   = vg.Length(4)
	fontSize = vg.Length(8)

	titleHeight = vg.Length(14)
)

// The palette of Okabe and Ito (2008), which the colour-blind tell apart, less its yellow, too pale
// for a line. Each colour has a different dash pattern, so that lines differ in grey as well.
var (
	white  = color.Color(color.White)
	black  = color.Color(color.NRGBA{0, 0, 0, 255})
	grid   = color.Color(color.NRGBA{225, 225, 225, 255})
	colors = []color.NRGBA{
		{0, 114, 178, 255},   // blue
		{213, 94, 0, 255},    // vermillion
		{0, 158, 115, 255},   // bluish green
		{204, 121, 167, 255}, // reddish purple
		{230, 159, 0, 255},   // orange
		{86, 180, 233, 255},  // sky blue
		{0, 0, 0, 255},       // black
	}
	dashes = [][]vg.Length{
		nil, {5, 2}, {1.5, 1.5}, {6, 1.5, 1.5, 1.5}, {3, 1.5}, {8, 2}, {6, 1.5, 1.5, 1.5, 1.5, 1.5},
		{1, 2.5},
	}
	glyphs = []draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.RingGlyph{},
		draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.CrossGlyph{},
	}
)

// colorAt returns the i-th colour, round and round.
func colorAt(i int) color.NRGBA { return colors[i%len(colors)] }

// shade returns a colour that lets through what is under it.
func shade(c color.NRGBA, alpha uint8) color.NRGBA {
	c.A = alpha
	return c
}

// lineAt returns the i-th style of line. Colours and dashes come round at different times.
func lineAt(i int) draw.LineStyle {
	return draw.LineStyle{Color: colorAt(i), Width: 1.1, Dashes: dashes[i%len(dashes)]}
}

func textStyle(size vg.Length) text.Style {
	return text.Style{
		Color:   black,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: markup{text.Plain{Fonts: font.DefaultCache}},
	}
}

// titleStyle returns that of a title, small enough for the room there is.
func titleStyle(title string, room vg.Length) text.Style {
	sty := textStyle(fontSize + 1)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YTop
	sty.Font.Size *= min(1, room/max(1, sty.Width(title)))
	return sty
}

// newPlot returns an empty plot with a grid. The labels x and y of its axes may have upper and
// lower indices: F^{-1}, x_{i}.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.TextHandler = textStyle(fontSize).Handler
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		label, tick := textStyle(fontSize), textStyle(fontSize-1)
		label.XAlign, label.YAlign = a.Label.TextStyle.XAlign, a.Label.TextStyle.YAlign
		tick.XAlign, tick.YAlign = a.Tick.Label.XAlign, a.Tick.Label.YAlign
		e := tick.FontExtents() // by whose descent gonum puts labels too high
		tick.YAlign -= text.YAlignment(e.Descent / (e.Ascent + e.Descent))
		a.Label.TextStyle, a.Tick.Label = label, tick
		a.Label.Padding = 3
		a.Padding = 0
		a.Width, a.Tick.Width = 0.6, 0.6
		a.Tick.Length = 3
		a.Tick.Marker = ticks{most: 8}
	}
	g := plotter.NewGrid()
	for _, l := range []*draw.LineStyle{&g.Vertical, &g.Horizontal} {
		l.Color, l.Width = grid, 0.5
	}
	p.Add(g)
	return p
}

// newLine returns a line through points, straight or in steps held from the right: the value
// of a point reaches back to the one before.
func newLine(xy plotter.XYs, sty draw.LineStyle, steps bool) *plotter.Line {
	l := &plotter.Line{XYs: xy, LineStyle: sty}
	if steps {
		l.StepStyle = plotter.PreStep
	}
	return l
}

// band is the area between two curves over the same x, in steps as those of newLine.
type band struct {
	x, low, high []float64
	color        color.Color
}

func (b band) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var edge []vg.Point
	for i := range b.x {
		if i > 0 {
			edge = append(edge, vg.Point{X: x(b.x[i-1]), Y: y(b.high[i])})
		}
		edge = append(edge, vg.Point{X: x(b.x[i]), Y: y(b.high[i])})
	}
	for i := len(b.x) - 1; i >= 0; i-- {
		edge = append(edge, vg.Point{X: x(b.x[i]), Y: y(b.low[i])})
		if i > 0 {
			edge = append(edge, vg.Point{X: x(b.x[i-1]), Y: y(b.low[i])})
		}
	}
	c.FillPolygon(b.color, c.ClipPolygonXY(edge))
}

func (b band) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax, ymin, ymax = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for i, x := range b.x {
		xmin, xmax = min(xmin, x), max(xmax, x)
		ymin, ymax = min(ymin, b.low[i]), max(ymax, b.high[i])
	}
	return
}

// upright is a vertical line at x, from the axis to its label above the data.
type upright struct {
	x     float64
	label string
	style draw.LineStyle
}

func (u upright) height() vg.Length { return 1.4 * (fontSize - 1) }

func (u upright) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	at := x(u.x)
	if !c.ContainsX(at) {
		return
	}
	c.StrokeLine2(u.style, at, c.Min.Y, at, c.Max.Y+2)
	sty := textStyle(fontSize - 1)
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
	half := sty.Width(u.label) / 2
	at = min(max(at, c.Min.X+half), c.Max.X-half)
	c.FillText(sty, vg.Point{X: at, Y: c.Max.Y + 2 + u.height()/2}, u.label)
}

// GlyphBoxes keeps the room of the label free.
func (u upright) GlyphBoxes(*plot.Plot) []plot.GlyphBox {
	return []plot.GlyphBox{{Y: 1, Rectangle: vg.Rectangle{Max: vg.Point{Y: 2 + u.height()}}}}
}

// tags are texts right of the data, each at the height of its y or as near as the others let it.
type tags struct {
	y      []float64
	text   []string
	colors []color.Color
}

func (t tags) style() text.Style {
	sty := textStyle(fontSize - 1)
	sty.YAlign = draw.YCenter
	return sty
}

func (t tags) Plot(c draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	order := make([]int, len(t.y))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(t.y[b], t.y[a]) })
	sty, below := t.style(), vg.Length(math.Inf(1))
	for _, i := range order {
		sty.Color = t.colors[i]
		at := min(y(t.y[i]), below)
		left, half := c.Max.X+3, sty.Font.Size/2
		traceOf(c.Canvas).enter(t.text[i], vg.Rectangle{Min: vg.Point{X: left, Y: at - half},
			Max: vg.Point{X: left + sty.Width(t.text[i]), Y: at + half}}, t.colors[i])
		c.FillText(sty, vg.Point{X: left, Y: at}, t.text[i])
		traceOf(c.Canvas).leave()
		below = at - 1.1*sty.Font.Size
	}
}

// GlyphBoxes keeps the room free.
func (t tags) GlyphBoxes(*plot.Plot) []plot.GlyphBox {
	var w vg.Length
	for _, s := range t.text {
		w = max(w, t.style().Width(s))
	}
	return []plot.GlyphBox{{X: 1, Rectangle: vg.Rectangle{Max: vg.Point{X: w + 4}}}}
}

// ticks puts at most this many labelled ticks on multiples of 1, 2, 2.5 or 5 times a power of ten.
type ticks struct{ most int }

func (t ticks) Ticks(low, high float64) []plot.Tick {
	step := niceStep(high-low, t.most)
	digits := 0
	for digits < 12 && math.Abs(step*math.Pow10(digits)-math.Round(
		step*math.Pow10(digits))) > 1e-6 {
		digits++
	}
	var out []plot.Tick
	for i := math.Ceil(low/step - 1e-9); i*step <= high+1e-9*step; i++ {
		v := i * step
		if i == 0 {
			v = 0 // not -0
		}
		out = append(out, plot.Tick{Value: v,
			Label: strings.Replace(strconv.FormatFloat(v, 'f', digits, 64), "-", "−", 1)})
	}
	return out
}

// niceStep returns the smallest round number that divides a span into fewer than most parts.
func niceStep(span float64, most int) float64 {
	if !(span > 0) || math.IsInf(span, 0) {
		return 1
	}
	power := math.Pow10(int(math.Floor(math.Log10(span / float64(most)))))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if span/(m*power) < float64(most) {
			return m * power
		}
	}
	return 20 * power
}

// legend lists lines above the data, in columns, where it covers none of them.
type legend struct {
	style   text.Style
	names   []string
	thumbs  [][]plot.Thumbnailer
	columns int
	lift    vg.Length // of the legend over the data, more than what else stands there
}

const (
	thumbWidth = vg.Length(18)
	cellGap    = vg.Length(9)
)

// addLegend puts a legend above the data: names, each with its thumbnails, in as many columns as
// fit. The legend stands lift above what others have put there. addLegend returns the height of the
// rows after the first.
func addLegend(p *plot.Plot, names []string, thumbs [][]plot.Thumbnailer,
	lift vg.Length) vg.Length {
	l := newLegend(lift)
	p.Add(l)
	return l.add(names, thumbs)
}

// newLegend returns a legend without names.
func newLegend(lift vg.Length) *legend {
	l := &legend{lift: lift + 4, style: textStyle(fontSize - 1), columns: 1}
	l.style.YAlign = draw.YCenter
	return l
}

// add gives the legend more names. It returns the height of its rows after the first.
func (l *legend) add(names []string, thumbs [][]plot.Thumbnailer) vg.Length {
	l.names, l.thumbs = append(l.names, names...), append(l.thumbs, thumbs...)
	const room = width - 2*margin - 2*vg.Millimeter
	l.columns = len(l.names)
	for l.columns > 1 && l.width() > room {
		l.columns--
	}
	l.columns = (len(l.names) + l.rows() - 1) / l.rows() // as few as so many rows need
	return l.pitch() * vg.Length(l.rows()-1)
}

func (l *legend) rows() int { return (len(l.names) + l.columns - 1) / l.columns }

func (l *legend) pitch() vg.Length { return l.style.Font.Size * 1.4 }

// column returns the width of a column.
func (l *legend) column(c int) vg.Length {
	var w vg.Length
	for i := c * l.rows(); i < min((c+1)*l.rows(), len(l.names)); i++ {
		w = max(w, thumbWidth+3+l.style.Width(l.names[i]))
	}
	return w
}

func (l *legend) width() vg.Length {
	w := cellGap * vg.Length(l.columns-1)
	for c := range l.columns {
		w += l.column(c)
	}
	return w
}

// GlyphBoxes keeps the band above the data free.
func (l *legend) GlyphBoxes(*plot.Plot) []plot.GlyphBox {
	return []plot.GlyphBox{{Y: 1,
		Rectangle: vg.Rectangle{Max: vg.Point{Y: vg.Length(l.rows())*l.pitch() + l.lift}}}}
}

func (l *legend) Plot(c draw.Canvas, _ *plot.Plot) {
	// A wide legend also stands over the y axis.
	x := max(margin, min(c.Center().X-l.width()/2, c.Max.X-l.width()))
	for col := range l.columns {
		for i := col * l.rows(); i < min((col+1)*l.rows(), len(l.names)); i++ {
			y := c.Max.Y + l.lift + l.pitch()*(vg.Length(l.rows()-1-(i-col*l.rows()))+0.5)
			cell := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: x, Y: y - 3}, Max: vg.Point{X: x + thumbWidth, Y: y + 3}}}
			text := vg.Point{X: x + thumbWidth + 3, Y: y}
			traceOf(c.Canvas).enter(l.names[i], vg.Rectangle{Min: vg.Point{X: x, Y: y - l.pitch()/2},
				Max: vg.Point{X: text.X + l.style.Width(l.names[i]), Y: y + l.pitch()/2}}, nil)
			for _, t := range l.thumbs[i] {
				t.Thumbnail(&cell)
			}
			c.FillText(l.style, text, l.names[i])
			traceOf(c.Canvas).leave()
		}
		x += l.column(col) + cellGap
	}
}

// patch is the thumbnail of an area.
type patch struct {
	fill color.Color
	line draw.LineStyle
}

func (t patch) Thumbnail(c *draw.Canvas) {
	r := c.Rectangle
	box := []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}}
	c.FillPolygon(t.fill, box)
	if t.line.Width > 0 {
		c.StrokeLines(t.line, append(box, r.Min))
	}
}

// markup is plain text with parts raised, ^{…}, and lowered, _{…}.
type markup struct{ text.Plain }

type run struct {
	text  string
	shift float64 // of the base line, in units of the font size
}

const smaller = 0.72

func runs(line string) (out []run) {
	for line != "" {
		i := strings.Index(line, "^{")
		if j := strings.Index(line, "_{"); i < 0 || j >= 0 && j < i {
			i = j
		}
		if i < 0 || !strings.Contains(line[i:], "}") {
			return append(out, run{text: line})
		}
		if i > 0 {
			out = append(out, run{text: line[:i]})
		}
		inner, rest, _ := strings.Cut(line[i+2:], "}")
		shift := 0.36
		if line[i] == '_' {
			shift = -0.18
		}
		out = append(out, run{inner, shift})
		line = rest
	}
	return out
}

func (m markup) face(r run, f font.Font) font.Face {
	if r.shift != 0 {
		f.Size *= smaller
	}
	return m.Fonts.Lookup(f, f.Size)
}

// Box implements text.Handler.
func (m markup) Box(line string, f font.Font) (width, height, depth vg.Length) {
	_, height, depth = m.Plain.Box("", f)
	for _, r := range runs(line) {
		face := m.face(r, f)
		width += face.Width(r.text)
	}
	return width, height, depth
}

// Draw implements text.Handler.
func (m markup) Draw(c vg.Canvas, txt string, sty text.Style, at vg.Point) {
	lines := m.Lines(txt)
	extents := m.Extents(sty.Font)
	pitch := extents.Ascent + extents.Descent
	total := pitch * vg.Length(len(lines))
	c.SetColor(sty.Color)
	c.Push()
	defer c.Pop()
	c.Translate(at)
	c.Rotate(sty.Rotation)
	// YAlign runs from -1, the top at the point, to 0, the bottom.
	y := total*(1+vg.Length(sty.YAlign)) - extents.Ascent
	for _, line := range lines {
		w, _, _ := m.Box(line, sty.Font)
		x := w * vg.Length(sty.XAlign)
		for _, r := range runs(line) {
			face := m.face(r, sty.Font)
			c.FillString(face, vg.Point{X: x, Y: y + sty.Font.Size*vg.Length(r.shift)}, r.text)
			x += face.Width(r.text)
		}
		y -= pitch
	}
}

// outlined is a canvas that draws text as shapes, all of it or only non-ASCII text. An SVG then
// looks the same without the font Liberation, and vgpdf knows only the code page cp1252.
type outlined struct {
	vg.Canvas
	all bool
}

// pdfCanvas hands red, green and blue to vgpdf unchanged. vgpdf would take the values that
// color.Color has multiplied by alpha.
type pdfCanvas struct{ outlined }

func (c pdfCanvas) SetColor(col color.Color) {
	if col == nil {
		col = black
	}
	c.Canvas.SetColor(straight(color.NRGBAModel.Convert(col).(color.NRGBA)))
}

// straight is a colour whose RGBA isn't multiplied by alpha.
type straight color.NRGBA

func (s straight) RGBA() (r, g, b, a uint32) {
	return 257 * uint32(s.R), 257 * uint32(s.G), 257 * uint32(s.B), 257 * uint32(s.A)
}

func (c outlined) FillString(face font.Face, at vg.Point, s string) {
	if !c.all && strings.IndexFunc(s, func(r rune) bool { return r > 126 }) < 0 {
		c.Canvas.FillString(face, at, s)
		return
	}
	var (
		buf   sfnt.Buffer
		units = face.Face.UnitsPerEm()
		scale = face.Font.Size / vg.Length(units)
		path  vg.Path
		prev  sfnt.GlyphIndex
	)
	point := func(p fixed.Point26_6) vg.Point {
		return vg.Point{X: at.X + vg.Length(p.X)*scale, Y: at.Y - vg.Length(p.Y)*scale}
	}
	for i, r := range []rune(s) {
		glyph, err := face.Face.GlyphIndex(&buf, r)
		if err != nil {
			continue
		}
		ppem := fixed.Int26_6(units) // a font unit is then 1/64
		if kern, err := face.Face.Kern(&buf, prev, glyph, ppem, 0); i > 0 && err == nil {
			at.X += vg.Length(kern) * scale
		}
		segments, err := face.Face.LoadGlyph(&buf, glyph, ppem, nil)
		if err == nil {
			for i, seg := range segments {
				switch a := seg.Args; seg.Op {
				case sfnt.SegmentOpMoveTo:
					if i > 0 {
						path.Close()
					}
					path.Move(point(a[0]))
				case sfnt.SegmentOpLineTo:
					path.Line(point(a[0]))
				case sfnt.SegmentOpQuadTo:
					path.QuadTo(point(a[0]), point(a[1]))
				case sfnt.SegmentOpCubeTo:
					path.CubeTo(point(a[0]), point(a[1]), point(a[2]))
				}
			}
			if len(segments) > 0 {
				path.Close()
			}
		}
		if advance, err := face.Face.GlyphAdvance(&buf, glyph, ppem, 0); err == nil {
			at.X += vg.Length(advance) * scale
		}
		prev = glyph
	}
	c.Fill(path)
}
