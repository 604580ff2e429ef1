// Package report makes one HTML page of a run's folder, with tables, figures, a gallery of images,
// settings and hashes. A page may also show several runs, compared first. The page is one file. It
// loads nothing and sends nothing; its content security policy enforces this in a browser. Equal
// folders give equal bytes.
//
// The page is read from the files that other commands wrote. Where a file isn't there, the page
// names the command that makes it.
package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// File is the page's name in a run's folder.
const File = "report.html"

// Page is what is shown of a run; its zero parts are left out.
type Page struct {
	Run countlog.Run
	// At begins the names of the page's parts, where several runs are shown.
	At string
	// Conclusion is what was certified, by how much more than votes alone, and how far attacks come.
	Conclusion []string

	Facts   []Fact
	Tables  []*Table
	Methods []rs.Entry // of the tables
	Figures []Figure   // of the run
	// Background are figures of theory and of simulations, which say nothing of the run.
	Background []Figure
	Gallery    []*Image
	Images     *Table // every image and what each method certifies of it
	Attacks    bool   // there are some
	// Coloured reports whether the images that attacks found have several channels.
	Coloured bool
	Model    *Model
	// Settings are those of run.json and model.json.
	Settings []Group
	Missing  []string // what isn't shown, and why

	certified string // caption of the certificates: which method by which settings
}

// Fact is a number to read first.
type Fact struct{ Name, Value, Note string }

// Read gathers the page of a run's folder. d is the run's dataset, for the images of the gallery.
// Where d is nil, there is no gallery. The page notes every file that isn't there. A file that
// can't be read is an error.
func Read(dir string, d *data.Dataset) (*Page, error) {
	run, err := countlog.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	p := &Page{Run: run}
	if p.Conclusion, err = certify.Conclude(dir); err != nil {
		return nil, err
	}
	if err := p.settings(dir); err != nil {
		return nil, err
	}
	if err := p.tables(dir); err != nil {
		return nil, err
	}
	if err := p.figures(dir); err != nil {
		return nil, err
	}
	return p, p.images(dir, d)
}

// missing notes what isn't shown.
func (p *Page) missing(format string, args ...any) {
	p.Missing = append(p.Missing, fmt.Sprintf(format, args...))
}

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// policy lets the page run its own script and show pictures it holds, and nothing else.
var policy = func() string {
	sum := sha256.Sum256([]byte(pageJS))
	return "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src " +
		"'unsafe-inline'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"css":    func() template.CSS { return template.CSS(pageCSS) },
	"js":     func() template.JS { return template.JS(pageJS) },
	"policy": func() string { return policy },
}).Parse(pageHTML))

// WriteHTML writes the page.
func (p *Page) WriteHTML(w io.Writer) error { return page.Execute(w, &Pages{Runs: []*Page{p}}) }

// Heading is the heading of a part of the run.
func (p *Page) Heading(title string) template.HTML {
	level := "h2"
	if p.At != "" {
		level = "h3"
	}
	return template.HTML("<" + level + ">" + template.HTMLEscapeString(title) + "</" + level + ">")
}

// Pictured reports whether perturbed images are shown.
func (p *Page) Pictured() bool { return slices.ContainsFunc(p.Gallery, (*Image).Pictured) }

// Noise names what was drawn.
func (p *Page) Noise() string {
	if kind := p.Run.Noise.Kind; kind != "" {
		return kind + " Gaussian"
	}
	return "Gaussian"
}
