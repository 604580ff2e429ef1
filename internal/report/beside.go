package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/rs/certify"
)

// Pages is a page of one run or more. What compares several runs comes first, and the background,
// which is that of no run, last.
type Pages struct {
	Runs       []*Page
	Names      []string // of the runs, where there are several
	Conclusion []string
	Comparison *Table // of several runs
	Figure     *Figure
	Background []Figure
	Missing    []string
	folders    []string
}

// Beside puts the pages of runs in these folders together with a comparison of the runs. The
// comparison is nil where the runs can't be compared, and why says the reason.
func Beside(runs []*Page, folders []string, c *certify.Comparison, why error) (*Pages, error) {
	all := &Pages{Runs: runs, Names: folders, folders: folders}
	seen := map[string]bool{}
	for i, p := range runs {
		p.At = fmt.Sprintf("run%d-", i+1)
		p.rename()
		for _, f := range p.Background {
			if key := f.Title + string(f.SVG); !seen[key] {
				seen[key] = true
				all.Background = append(all.Background, f)
			}
		}
		p.Background = nil
	}
	if why != nil {
		all.Missing = []string{fmt.Sprintf("comparison of the runs: %v", why)}
		return all, nil
	}
	all.Names = nil
	for _, dir := range folders {
		all.Names = append(all.Names, c.Names()(dir))
	}
	all.Conclusion = compared(c)
	all.Comparison = shape(c.Summary())
	all.Comparison.ID, all.Comparison.Title = "compared", "Average certified radius, run by run"
	all.Comparison.Caption = fmt.Sprintf("± is half of a %g%% confidence interval over images. "+
		"Changes are paired over the images that both runs have; ~: the images don’t show which is "+
		"larger. Each interval has its level by itself.", 100*c.Level)
	f, err := figures.Compare(c)
	if lacking, ok := errors.AsType[*figures.Lacking](err); ok {
		all.Missing = []string{fmt.Sprintf("figure of the comparison: %s", lacking.What)}
		return all, nil
	}
	var svg bytes.Buffer
	if err == nil {
		err = f.WriteAnnotatedSVG(&svg)
	}
	if err != nil {
		return nil, err
	}
	entry, err := figures.ByName(f.Name)
	if err != nil {
		return nil, err
	}
	all.Figure = &Figure{ID: "compared-figure", Title: entry.Doc, Caption: f.Caption}
	all.Figure.SVG, err = drawing(svg.Bytes(), entry.Doc)
	return all, err
}

// rename puts At before the names of figures and before links to images.
func (p *Page) rename() {
	for _, all := range [][]Figure{p.Figures, p.Background} {
		for i := range all {
			all[i].ID = p.At + all[i].ID
		}
	}
	if p.Images == nil {
		return
	}
	for _, row := range p.Images.Rows {
		if row[0].Link != "" {
			row[0].Link = p.At + row[0].Link
		}
	}
}

// compared says of each other run what changes by the method that certifies most of the first.
func compared(c *certify.Comparison) (lines []string) {
	best, name := certify.Compared{}, c.Names()
	for _, r := range c.Rows {
		if r.Run == c.Rows[0].Run && r.Average.Mean > best.Average.Mean {
			best = r
		}
	}
	for _, r := range c.Rows {
		if r.Method != best.Method || r.Against == "" || r.Change.N == 0 {
			continue
		}
		with := fmt.Sprintf("(%g%% over %d images, paired)", 100*c.Level, r.Change.N)
		if !r.Change.Differs() {
			lines = append(lines, fmt.Sprintf("By %s, no difference of %s from %s is shown: %v %s.",
				r.Method, name(r.Run), name(r.Against), r.Change, with))
			continue
		}
		word, change := "more", r.Change
		if change.Mean < 0 {
			word, change.Mean = "less", -change.Mean
		}
		lines = append(lines, fmt.Sprintf("By %s, %s certifies an average l2 radius %v %s than %s %s.",
			r.Method, name(r.Run), change, word, name(r.Against), with))
	}
	return lines
}

// Several reports whether there is more than one run.
func (p *Pages) Several() bool { return len(p.Runs) > 1 }

// Title is the title of the file.
func (p *Pages) Title() string {
	if p.Several() {
		return strconv.Itoa(len(p.Runs)) + " runs: certified robustness"
	}
	r, place := p.Runs[0].Run, ""
	if r.Dataset.Name != "" {
		place = r.Dataset.Name + ", "
	}
	return fmt.Sprintf("%s%s, σ = %g: certified robustness", place, r.Model.Name, r.Sigma)
}

// Subject is what a run is of.
func (p *Page) Subject() string {
	if p.Run.Dataset.Name == "" {
		return p.Run.Model.Name
	}
	return p.Run.Model.Name + " on " + p.Run.Dataset.Name
}

// AllMissing is what isn't shown of any run, and why.
func (p *Pages) AllMissing() (all []string) {
	all = slices.Clone(p.Missing)
	for i, run := range p.Runs {
		for _, m := range run.Missing {
			if p.Several() {
				m = p.Names[i] + ": " + strings.ReplaceAll(m, "RUN", oneline.Quoted(p.folders[i]))
			}
			all = append(all, m)
		}
	}
	return all
}

// WriteHTML writes the page.
func (p *Pages) WriteHTML(w io.Writer) error { return page.Execute(w, p) }
