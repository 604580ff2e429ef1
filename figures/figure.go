// Package figures draws what a paper on randomized smoothing shows: evidence or certificates in, a
// plot and the table under it out. It needs no device, and one function draws one figure; [List] names
// those that can be drawn from logs alone.
//
// A new figure is one new file and one line in [List].
package figures

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Figure is a plot and the numbers it shows.
type Figure struct {
	Name    string // of its files
	Title   string // drawn above it; empty draws none
	Caption string // settings, in one line; not drawn
	Plot    *plot.Plot
	Lower   *plot.Plot // a second panel below, or nil
	Table   *Table
	// Width and Height are those of the paper; a column of text is about 85 mm wide.
	Width, Height vg.Length
}

// DPI is the resolution of PNG files.
const DPI = 300

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
		f.Plot.Draw(c)
		return
	}
	// Both panels get the same x range on paper: the wider y axis rules.
	half, gap := c.Size().Y/2, vg.Length(6)
	top, bottom := draw.Crop(c, 0, 0, half+gap/2, 0), draw.Crop(c, 0, 0, 0, -half-gap/2)
	if d := f.Plot.DataCanvas(top).Min.X - f.Lower.DataCanvas(bottom).Min.X; d > 0 {
		bottom.Min.X += d
	} else {
		top.Min.X -= d
	}
	f.Plot.Draw(top)
	f.Lower.Draw(bottom)
}

// A format is a kind of picture file.
type format struct {
	ext   string
	write func(*Figure, io.Writer) error
}

var formats = []format{
	{"svg", (*Figure).WriteSVG},
	{"png", func(f *Figure, w io.Writer) error { return f.WritePNG(w, DPI) }},
	{"pdf", (*Figure).WritePDF},
}

// WriteSVG writes the figure as SVG, its text as shapes. Equal figures give equal bytes.
func (f *Figure) WriteSVG(w io.Writer) error {
	c := vgsvg.New(f.Width, f.Height)
	f.Draw(draw.NewCanvas(outlined{c, true}, f.Width, f.Height))
	_, err := c.WriteTo(w)
	return err
}

// WritePNG writes the figure as PNG with so many pixels an inch.
func (f *Figure) WritePNG(w io.Writer, dpi int) error {
	c := vgimg.NewWith(vgimg.UseWH(f.Width, f.Height), vgimg.UseDPI(dpi))
	f.Draw(draw.New(c))
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

// WritePDF writes the figure as PDF of one page.
func (f *Figure) WritePDF(w io.Writer) error {
	c := vgpdf.New(f.Width, f.Height)
	f.Draw(draw.NewCanvas(pdfCanvas{outlined{c, false}}, f.Width, f.Height))
	_, err := c.WriteTo(w)
	return err
}

// Save writes name.svg, name.png, name.pdf and name.tsv into dir, made where there is none, each whole or
// not at all, and returns their paths. An empty name is the figure's own.
func (f *Figure) Save(dir, name string) (paths []string, err error) {
	if name == "" {
		name = f.Name
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, kind := range append(formats, format{"tsv", func(f *Figure, w io.Writer) error { return f.Table.WriteTSV(w, f.Caption) }}) {
		path := filepath.Join(dir, name+"."+kind.ext)
		var buf bytes.Buffer
		if err := kind.write(f, &buf); err != nil {
			return paths, fmt.Errorf("%s: %w", path, err)
		}
		if err := replace(path, buf.Bytes()); err != nil {
			return paths, fmt.Errorf("%s: %w", path, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// replace puts data in the place of a file, whole or not at all.
func replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
