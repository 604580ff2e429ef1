// Package show displays figures, tables, pictures and progress in the running cell, and sliders
// over them. Everything goes through GoNB to the browser. Outside a notebook, nothing is shown.
//
//	show.Figure(figures.Exact(0.5, 1, 2))
//	show.Frames("σ", []float64{0.12, 0.25, 0.5}, func(sigma float64) {
//		show.Images(noisy(sigma)...)
//	})
//
// As everywhere in a notebook, an error panics.
package show

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// gathered takes the output while a frame is drawn. It is nil while the output goes to the cell.
var gathered *strings.Builder

// gather returns, as HTML, what f shows.
func gather(f func()) string {
	outer := gathered
	defer func() { gathered = outer }()
	gathered = new(strings.Builder)
	f()
	return gathered.String()
}

// HTML shows a piece of HTML.
func HTML(text string) {
	if gathered != nil {
		gathered.WriteString(text)
		return
	}
	gonbui.DisplayHTML(text)
	gonbui.Sync()
}

// zoom is how much larger figures are shown than on paper. Their 8 points then match the text
// around them.
const zoom = 1.5

// Figure shows a figure as SVG, and as PNG where a page takes no SVG. Its arguments are the results
// of a function of package figures.
func Figure(f *figures.Figure, err error) {
	if err != nil {
		panic(fmt.Sprintf("show: %v", err))
	}
	var b, raster bytes.Buffer
	if err := f.WriteSVG(&b); err != nil {
		panic(fmt.Sprintf("show: figure %s: %v", f.Name, err))
	}
	svg := enlarge(compact(b.String()), zoom)
	if gathered != nil {
		// As a separate image, an SVG shares no names with others on the page.
		HTML(fmt.Sprintf(`<img alt="%s" src="%s">`, html.EscapeString(f.Title), svgURI(svg)))
		return
	}
	if err := f.WritePNG(&raster, 144); err != nil {
		panic(fmt.Sprintf("show: figure %s: %v", f.Name, err))
	}
	small, err := smaller(raster.Bytes())
	if err != nil {
		panic(fmt.Sprintf("show: figure %s: %v", f.Name, err))
	}
	if gonbui.IsNotebook {
		gonbui.SendData(&protocol.DisplayData{Data: map[protocol.MIMEType]any{
			protocol.MIMEImageSVG: svg, protocol.MIMEImagePNG: small,
		}})
		gonbui.Sync()
	}
}

// Plot shows a plot as SVG, as wide as a figure of one column.
func Plot(p *plot.Plot) {
	Figure(&figures.Figure{Name: p.Title.Text, Plot: p, Width: 90 * vg.Millimeter,
		Height: 66 * vg.Millimeter}, nil)
}

func pngURI(data []byte) string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(data)
}

// inURI escapes what may not stand in a URI within quotes: a quarter shorter than base64. A browser
// drops the ends of lines, which stay for [Sliders].
var inURI = strings.NewReplacer("%", "%25", "#", "%23", `"`, "'", "<", "%3C", ">", "%3E",
	"\n", " \n", "\t", " ")

func svgURI(svg string) string {
	return "data:image/svg+xml," + inURI.Replace(svg)
}

var size = regexp.MustCompile(`(<svg[^>]*?) width="([0-9.]+)pt" height="([0-9.]+)pt"`)

// enlarge multiplies the width and height of an SVG with a viewBox.
func enlarge(svg string, by float64) string {
	at := size.FindStringSubmatchIndex(svg)
	if at == nil {
		return svg
	}
	scaled := func(i int) string {
		x, _ := strconv.ParseFloat(svg[at[i]:at[i+1]], 64) // matched
		return strconv.FormatFloat(by*x, 'f', 1, 64)
	}
	return svg[:at[3]] + fmt.Sprintf(` width="%spt" height="%spt"`, scaled(4), scaled(6)) +
		svg[at[1]:]
}

// Table shows a table, columns of numbers to the right.
func Table(t *table.Table) {
	numeric := make([]bool, len(t.Columns))
	for i := range t.Columns {
		numeric[i] = len(t.Rows) > 0
		for _, row := range t.Rows {
			if _, err := strconv.ParseFloat(row[i], 64); err != nil && row[i] != "" {
				numeric[i] = false
			}
		}
	}
	var b strings.Builder
	line := func(tag string, cells []string) {
		b.WriteString("<tr>")
		for i, cell := range cells {
			align := "left"
			if numeric[i] {
				align = "right"
			}
			fmt.Fprintf(&b, `<%s style="text-align:%s">%s</%s>`, tag, align,
				html.EscapeString(cell), tag)
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("<table>\n<thead>")
	line("th", t.Columns)
	b.WriteString("</thead>\n<tbody>\n")
	for _, row := range t.Rows {
		line("td", row)
	}
	b.WriteString("</tbody>\n</table>\n")
	HTML(b.String())
}

// Rows is Table of a header and rows of any values, floats to four significant digits.
func Rows(columns []string, rows ...[]any) {
	t := &table.Table{Columns: columns}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if x, ok := cell.(float64); ok {
				cell = strconv.FormatFloat(x, 'g', 4, 64)
			}
			cells[i] = fmt.Sprint(cell)
		}
		if len(cells) != len(columns) {
			panic(fmt.Sprintf("show: a row of %d cells under %d columns", len(cells), len(columns)))
		}
		t.Rows = append(t.Rows, cells)
	}
	Table(t)
}
