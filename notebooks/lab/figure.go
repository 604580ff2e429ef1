package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// CheckFigure draws a figure twice and returns the first fault. A figure needs a name, a table that
// reads back the same, formats that can be written, and an SVG of the same bytes both times.
func CheckFigure(draw func() (*figures.Figure, error)) error {
	dir, err := os.MkdirTemp("", "figure-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var svg [2]bytes.Buffer
	for i := range svg {
		f, err := draw()
		if err != nil {
			return err
		}
		if f.Name == "" || f.Plot == nil || f.Table == nil || len(f.Table.Rows) == 0 {
			return fmt.Errorf("figure %q: want a name, a plot and a table with rows", f.Name)
		}
		if err := f.WriteSVG(&svg[i]); err != nil {
			return fmt.Errorf("figure %s: %w", f.Name, err)
		}
		if i > 0 {
			break
		}
		if _, err := f.Save(dir, ""); err != nil {
			return err
		}
		text, err := os.Open(filepath.Join(dir, f.Name+".tsv"))
		if err != nil {
			return err
		}
		defer text.Close()
		t, err := table.Read(text, f.Name)
		if err != nil {
			return err
		}
		if !slices.Equal(t.Columns, f.Table.Columns) ||
			!slices.EqualFunc(t.Rows, f.Table.Rows, slices.Equal[[]string]) {
			return fmt.Errorf("figure %s: its table isn't read back as it was written", f.Name)
		}
	}
	if !bytes.Equal(svg[0].Bytes(), svg[1].Bytes()) {
		return fmt.Errorf("an SVG of other bytes when it is drawn again")
	}
	return nil
}
