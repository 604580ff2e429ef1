package report

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// folder holds a run's figures.
const folder = "figures"

// Bounds of what figures add to the page.
const (
	mostFigures = 24
	largestSVG  = 1 << 20 // bytes
)

// Figure is a drawing and what is said under it.
type Figure struct {
	ID, Title, Caption string
	SVG                template.HTML
}

// figures takes those that lie in the run's folder: first those of figures.List, in its order.
// Those that need no run are the background.
func (p *Page) figures(dir string) error {
	paths, err := fs.Glob(os.DirFS(dir), folder+"/*.svg")
	if err != nil {
		return err
	}
	rank := func(name string) int {
		if i := slices.IndexFunc(figures.List, func(e figures.Entry) bool {
			return e.Name == name
		}); i >= 0 {
			return i
		}
		return len(figures.List)
	}
	var names []string
	for _, path := range paths {
		names = append(names, strings.TrimSuffix(path[len(folder)+1:], ".svg"))
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	if len(names) > mostFigures {
		p.missing("%d more figures than the %d a report holds: %s", len(names)-mostFigures,
			mostFigures, strings.Join(names[mostFigures:], ", "))
		names = names[:mostFigures]
	}
	for _, name := range names {
		f := Figure{ID: "figure-" + name, Title: name}
		to := &p.Figures
		if i := rank(name); i < len(figures.List) {
			if f.Title = figures.List[i].Doc; figures.List[i].Needs == figures.Nothing {
				to = &p.Background
			}
		}
		_, f.Caption, err = table.ReadFile(filepath.Join(dir, folder, name+".tsv"))
		if err != nil {
			return err
		}
		if f.SVG, err = drawingOf(filepath.Join(dir, folder, name+".svg"), f.Title); err != nil {
			p.missing("figure %s: %v", name, err)
			continue
		}
		*to = append(*to, f)
	}
	if len(names) == 0 {
		p.missing("figures: none in %s (lipsmooth figures RUN)", folder)
	}
	return nil
}

// What a drawing may hold, and nothing that runs, loads or links.
var (
	svgElements = strings.Fields("svg g path rect circle ellipse line polyline polygon text " +
		"tspan")
	svgAttributes = strings.Fields(
		`viewBox transform d style x y dx dy width height cx cy r rx ry x1 y1 x2 y2 points
		fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-dasharray
		stroke-linecap stroke-linejoin opacity font-family font-size font-weight font-style
		text-anchor`)
	// svgTexts are what the script reads, and shows as text alone.
	svgTexts = strings.Fields("data-entry data-name data-of data-panel data-x data-y data-at")
	svgValue = regexp.MustCompile(`^[-+\w\s#.,:;%'" ]*$`)
	// svgTransform is the one attribute that takes brackets.
	svgTransform = regexp.MustCompile(`^[-+\w\s.,()]*$`)
)

// colour is one of a style; the page may put another in its place, where paper isn't white.
var colour = regexp.MustCompile(`#([0-9A-F]{6})\b`)

// drawingOf is the drawing of an SVG file.
func drawingOf(path, name string) (template.HTML, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestSVG+1))
	if err != nil {
		return "", err
	}
	if len(text) > largestSVG {
		return "", fmt.Errorf("more than %d KiB", largestSVG>>10)
	}
	return drawing(text, name)
}

// drawing writes the allowed parts of an SVG again, to stand in a page. The name is for readers who
// can't see it.
func drawing(text []byte, name string) (template.HTML, error) {
	var b strings.Builder
	d := xml.NewDecoder(bytes.NewReader(text))
	for depth := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if b.Len() == 0 {
				return "", errors.New("no drawing in it")
			}
			return template.HTML(b.String()), nil
		}
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if !slices.Contains(svgElements, t.Name.Local) ||
				(t.Name.Local == "svg") != (depth == 0) || depth == 0 && b.Len() > 0 {
				return "", fmt.Errorf("element %q has no place in a figure", t.Name.Local)
			}
			b.WriteString("<" + t.Name.Local)
			for _, a := range t.Attr {
				if depth == 0 && a.Name.Local != "viewBox" {
					continue // the page decides on the size
				}
				allowed := svgValue
				if a.Name.Local == "transform" {
					allowed = svgTransform
				}
				text := slices.Contains(svgTexts, a.Name.Local)
				if a.Name.Space != "" || !text && (!allowed.MatchString(a.Value) ||
					!slices.Contains(svgAttributes, a.Name.Local)) {
					return "", fmt.Errorf("attribute %q of %q has no place in a figure",
						a.Name.Local, t.Name.Local)
				}
				if a.Name.Local == "style" {
					a.Value = colour.ReplaceAllString(a.Value, "var(--on-$1, $0)")
				}
				b.WriteString(" " + a.Name.Local + `="` + template.HTMLEscapeString(a.Value) + `"`)
			}
			if depth == 0 {
				b.WriteString(` role="img" aria-label="` + template.HTMLEscapeString(name) + `"`)
			}
			b.WriteString(">")
			depth++
		case xml.EndElement:
			b.WriteString("</" + t.Name.Local + ">")
			depth--
		case xml.CharData:
			if depth > 0 {
				b.WriteString(template.HTMLEscapeString(string(t)))
			}
		}
	}
}
