package report

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Table is a table of the page, sortable by each column.
type Table struct {
	ID, Title, Caption string
	Columns            []Column
	Rows               [][]Cell // the first cell names the row
}

// Column is the head of a column.
type Column struct {
	Name   string
	Number bool
}

// Cell is one cell. Sort is what it sorts by where that isn't its text.
type Cell struct {
	Text, Sort, Link string
	Strong, Wrong    bool
}

// files are the tables of a run's folder, in the order of the page. from is the command that makes
// a table. A table without from isn't missed.
var files = []struct{ file, id, title, from string }{
	{"table.tsv", "methods", "Certified accuracy by method", "lipsmooth certify RUN"},
	{"intervals.tsv", "intervals", "Confidence intervals of certified accuracy", ""},
	{"gap.tsv", "gap", "Certified against attacked", ""},
	{"figures/compare.tsv", "comparison", "Beside other runs", ""},
}

func (p *Page) tables(dir string) error {
	for _, f := range files {
		t, caption, err := table.ReadFile(filepath.Join(dir, f.file))
		if err != nil {
			return err
		}
		if t == nil {
			if f.from != "" {
				p.missing("%s: no %s (%s)", strings.ToLower(f.title[:1])+f.title[1:], f.file,
					f.from)
			}
			continue
		}
		if caption == "" && f.id != "gap" { // whose settings are those of the certificates
			saved, err := certify.ReadSaved(dir)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			if caption = saved.Caption; f.id == "intervals" {
				caption += fmt.Sprintf("; %g%% confidence intervals over images",
					100*saved.Interval)
			}
		}
		shown := shape(t)
		shown.ID, shown.Title, shown.Caption = f.id, f.title, caption
		p.Tables = append(p.Tables, shown)
		if f.id == "methods" {
			best(shown)
			p.methods(t)
		}
	}
	return nil
}

// shape makes a table of the page, without the column of seconds: equal runs take unequal time.
func shape(t *table.Table) *Table {
	s := &Table{Rows: make([][]Cell, len(t.Rows))}
	for c, name := range t.Columns {
		if name == "seconds" {
			continue
		}
		number := len(t.Rows) > 0
		for r, row := range t.Rows {
			cell := Cell{Text: row[c]}
			mean, _, half := strings.Cut(row[c], " ± ")
			switch x, err := strconv.ParseFloat(mean, 64); {
			case row[c] == "~": // no change is shown
				cell.Sort = "0"
			case half && err == nil:
				cell = Cell{Text: strings.Replace(row[c], "-", "−", 1), Sort: fmt.Sprint(x)}
			case err != nil && row[c] != "":
				number = false
			case math.IsInf(x, 1):
				cell = Cell{Text: "∞", Sort: "1e9"}
			case err == nil && len(row[c]) > 8: // exact numbers, for programs
				cell = Cell{Text: fmt.Sprintf("%.4g", x), Sort: row[c]}
			}
			s.Rows[r] = append(s.Rows[r], cell)
		}
		s.Columns = append(s.Columns, Column{name, number})
	}
	return s
}

// best makes the largest numbers of each column strong, but for α, which is chosen.
func best(t *Table) {
	for c, column := range t.Columns {
		if column.Name == "alpha" {
			continue
		}
		largest := 0.0
		value := func(row []Cell) float64 { x, _ := strconv.ParseFloat(row[c].Text, 64); return x }
		for _, row := range t.Rows {
			largest = max(largest, value(row))
		}
		for _, row := range t.Rows {
			row[c].Strong = column.Number && largest > 0 && value(row) == largest
		}
	}
}

// methods explains those of a table, and takes the best average radius for a fact.
func (p *Page) methods(t *table.Table) {
	name, average := slices.Index(t.Columns, "method"), slices.Index(t.Columns, "average radius")
	if name < 0 {
		return
	}
	largest, of := 0.0, ""
	for _, row := range t.Rows {
		if m, err := rs.MethodByName(row[name]); err == nil {
			p.Methods = append(p.Methods, m)
		}
		if average < 0 {
			continue
		}
		if x, err := strconv.ParseFloat(row[average], 64); err == nil && x > largest {
			largest, of = x, row[name]
		}
	}
	if of != "" {
		p.Facts = append(p.Facts, Fact{"largest average radius", fmt.Sprintf("%.3g", largest), "by " +
			of})
	}
}

// cells picks columns of a table by name.
func cells(t *table.Table, file string, columns ...string) ([][]string, error) {
	at := make([]int, len(columns))
	for i, name := range columns {
		if at[i] = slices.Index(t.Columns, name); at[i] < 0 {
			return nil, fmt.Errorf("%s: no column %q; there are %s", file, name,
				strings.Join(t.Columns, ", "))
		}
	}
	rows := make([][]string, len(t.Rows))
	for r, row := range t.Rows {
		for _, c := range at {
			rows[r] = append(rows[r], row[c])
		}
	}
	return rows, nil
}
