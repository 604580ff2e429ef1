package lab

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Table reads a table that the command wrote, and the comment above it.
func Table(path ...string) (*table.Table, string) {
	t, caption, err := table.ReadFile(filepath.Join(path...))
	if t == nil && err == nil {
		err = fmt.Errorf("%s: no such file", filepath.Join(path...))
	}
	return Must(t, err), caption
}

// Bounds has `lipsmooth bound` prove and observe a model layer by layer, and draws it.
func Bounds(model string) (*figures.Figure, error) {
	if err := command(io.Discard, io.Discard, "bound", model, "--observe",
		"--data=mnist"); err != nil {
		return nil, err
	}
	return figures.Bounds(Table(model, "bounds.tsv"))
}

// Swept is the figure of a sweep's folder.
func Swept(dir string) (*figures.Figure, error) {
	return figures.SweepTable(Table(dir, "sweep.tsv"))
}

// Columns returns a table's columns of these names, in this order.
func Columns(t *table.Table, names ...string) *table.Table {
	out := &table.Table{Columns: names, Rows: make([][]string, len(t.Rows))}
	for _, name := range names {
		at := slices.Index(t.Columns, name)
		if at < 0 {
			panic(fmt.Sprintf("lab: no column %q among %v", name, t.Columns))
		}
		for i, row := range t.Rows {
			out.Rows[i] = append(out.Rows[i], row[at])
		}
	}
	return out
}

// Numbers returns a column of a table.
func Numbers(t *table.Table, name string) (x []float64) {
	for _, row := range Columns(t, name).Rows {
		x = append(x, Must(strconv.ParseFloat(row[0], 64)))
	}
	return x
}
