// Package figures draws the figures of a paper on randomized smoothing. A function takes values of
// rs/certify and returns one figure: a plot and the table under it. No figure needs a device.
// [List] names the figures that can be drawn from logs alone.
//
// A new figure is one new file and one line in [List].
package figures

import (
	"cmp"
	"io"
	"math"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/lipsmooth/lipsmooth/internal/atomic"
	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Figure is a plot and the numbers it shows.
type Figure struct {
	Name    string // of its files
	Title   string // drawn above it, unless empty
	Caption string // settings, in one line, not drawn
	Plot    *plot.Plot
	Lower   *plot.Plot // a second panel below, or nil
	Table   *table.Table
	// Width and Height are the size on paper, before the zoom of Style.
	Width, Height vg.Length

	zoom float64 // of the files, 0 is 1
	dpi  int     // of PNG files, 0 is 300
}

// scale is that of the files against Width and Height.
func (f *Figure) scale() vg.Length { return vg.Length(cmp.Or(f.zoom, 1)) }

// Draw draws the figure on a canvas of any size.
func (f *Figure) Draw(c draw.Canvas) {
	c.SetColor(white)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	if f.Title != "" {
		sty := titleStyle(f.Title, c.Size().X)
		c.FillText(sty, vg.Point{X: c.Center().X, Y: c.Max.Y}, f.Title)
		c.Max.Y -= sty.Height(f.Title) + 4
	}
	if f.Lower == nil {
		drawPanel(f.Plot, c)
		return
	}
	// Both panels get the same x range and height on paper: the wider axis and the legend rule.
	split, gap := c.Size().Y/2, vg.Length(6)
	panels := func() (top, bottom draw.Canvas) {
		return draw.Crop(c, 0, 0, c.Size().Y-split+gap/2, 0), draw.Crop(c, 0, 0, 0, -split-gap/2)
	}
	top, bottom := panels()
	a, b := f.Plot.DataCanvas(top), f.Lower.DataCanvas(bottom)
	split += (b.Size().Y - a.Size().Y) / 2
	top, bottom = panels()
	left, right := max(a.Min.X, b.Min.X), min(a.Max.X, b.Max.X)
	top.Min.X, top.Max.X = top.Min.X+left-a.Min.X, top.Max.X+right-a.Max.X
	bottom.Min.X, bottom.Max.X = bottom.Min.X+left-b.Min.X, bottom.Max.X+right-b.Max.X
	drawPanel(f.Plot, top)
	drawPanel(f.Lower, bottom)
}

// A format is a kind of picture file.
type format struct {
	ext   string
	write func(*Figure, io.Writer) error
}

// Formats are the names of the picture files that Save writes.
var Formats = []string{"svg", "png", "pdf"}

var formats = []format{
	{"svg", (*Figure).WriteAnnotatedSVG},
	{"png", func(f *Figure, w io.Writer) error { return f.WritePNG(w, cmp.Or(f.dpi, 300)) }},
	{"pdf", (*Figure).WritePDF},
}

// WriteSVG writes the figure as SVG, its text as shapes. Equal figures give equal bytes.
func (f *Figure) WriteSVG(w io.Writer) error {
	c := vgsvg.New(f.scale()*f.Width, f.scale()*f.Height)
	c.Scale(float64(f.scale()), float64(f.scale()))
	f.Draw(draw.NewCanvas(outlined{c, true}, f.Width, f.Height))
	_, err := c.WriteTo(w)
	return err
}

// WritePNG writes the figure as PNG with this many pixels an inch.
func (f *Figure) WritePNG(w io.Writer, dpi int) error {
	// Canvas.Scale would leave lines as thin as they were.
	zoomed := int(math.Round(float64(f.scale()) * float64(dpi)))
	c := vgimg.NewWith(vgimg.UseWH(f.Width, f.Height), vgimg.UseDPI(zoomed))
	f.Draw(draw.New(c))
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

// WritePDF writes the figure as PDF of one page.
func (f *Figure) WritePDF(w io.Writer) error {
	c := vgpdf.New(f.scale()*f.Width, f.scale()*f.Height)
	c.Scale(float64(f.scale()), float64(f.scale()))
	f.Draw(draw.NewCanvas(pdfCanvas{outlined{c, false}}, f.Width, f.Height))
	_, err := c.WriteTo(w)
	return err
}

// Save writes the figure into the folder dir, which it makes where there is none. It writes
// name.svg, name.png and name.pdf, the table to name.tsv and the caption to name.json. Attributes
// of name.svg say which path is which curve, and the values at its points. With only, Save writes
// these of the Formats and no others. Each file is written whole or not at all. Save returns the
// paths, the TSV and the JSON last. An empty name stands for the figure's own.
func (f *Figure) Save(dir, name string, only ...string) (paths []string, err error) {
	if name == "" {
		name = f.Name
	}
	for _, ext := range only {
		if !slices.Contains(Formats, ext) {
			return nil, named.Unknown("format", ext, Formats)
		}
	}
	for _, kind := range formats {
		if len(only) > 0 && !slices.Contains(only, kind.ext) {
			continue
		}
		path := filepath.Join(dir, name+"."+kind.ext)
		if err := atomic.WriteFile(path, func(w io.Writer) error {
			return kind.write(f, w)
		}); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	path := filepath.Join(dir, name+".tsv")
	if err := f.Table.WriteFile(path, f.Caption); err != nil {
		return paths, err
	}
	return append(paths, path, table.About(path)), nil
}
