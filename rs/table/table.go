// Package table holds tables of text: columns and rows, as tab-separated values under a line of
// column names, which pandas reads with pandas.read_csv(file, sep="\t"). The settings that a table
// was made with are JSON in a file beside it.
package table

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table is columns and rows of text: one cell a column in every row.
type Table struct {
	Columns []string
	Rows    [][]string
}

// Add appends a row of numbers, floats to six significant digits.
func (t *Table) Add(cells ...any) {
	t.Rows = append(t.Rows, nil)
	t.Extend(len(t.Rows)-1, cells...)
}

// Extend appends cells to a row.
func (t *Table) Extend(row int, cells ...any) {
	for _, c := range cells {
		if x, ok := c.(float64); ok {
			c = strconv.FormatFloat(x, 'g', 6, 64)
		}
		t.Rows[row] = append(t.Rows[row], fmt.Sprint(c))
	}
}

// WriteTSV writes the column names and the rows, tab separated.
func (t *Table) WriteTSV(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, row := range append([][]string{t.Columns}, t.Rows...) {
		for i, cell := range row {
			if strings.ContainsAny(cell, "\t\n\r") {
				return fmt.Errorf("table cell %q: a tab or a line break, which TSV has no place "+
					"for", cell)
			}
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(cell)
		}
		b.WriteByte('\n')
	}
	return b.Flush()
}

// WriteText writes the table for a terminal: columns aligned, numbers to the right.
func (t *Table) WriteText(w io.Writer) error {
	widths, numeric := make([]int, len(t.Columns)), make([]bool, len(t.Columns))
	for i, name := range t.Columns {
		widths[i], numeric[i] = utf8.RuneCountInString(name), len(t.Rows) > 0
		for _, row := range t.Rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
			if _, err := strconv.ParseFloat(row[i], 64); err != nil && row[i] != "" {
				numeric[i] = false
			}
		}
	}
	b := bufio.NewWriter(w)
	for _, row := range append([][]string{t.Columns}, t.Rows...) {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if numeric[i] {
				line.WriteString(gap + cell)
			} else {
				line.WriteString(cell + gap)
			}
		}
		fmt.Fprintln(b, strings.TrimRight(line.String(), " "))
	}
	return b.Flush()
}

// Read reads the output of WriteTSV, and skips lines that start with #. Errors call the source
// name.
func Read(r io.Reader, name string) (*Table, error) {
	var t Table
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<24)
	for n := 1; s.Scan(); n++ {
		if s.Text() == "" || strings.HasPrefix(s.Text(), "#") {
			continue
		}
		cells := strings.Split(s.Text(), "\t")
		switch {
		case t.Columns == nil:
			t.Columns = cells
		case len(cells) != len(t.Columns):
			return nil, fmt.Errorf("%s:%d: %d columns, the header has %d", name, n, len(cells),
				len(t.Columns))
		default:
			t.Rows = append(t.Rows, cells)
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if t.Columns == nil {
		return nil, fmt.Errorf("%s: no header line", name)
	}
	return &t, nil
}

// Numbers returns a column as numbers, with ok false where a cell is empty.
func (t *Table) Numbers(column string) (x []float64, ok []bool, err error) {
	i := slices.Index(t.Columns, column)
	if i < 0 {
		return nil, nil, fmt.Errorf("no column %q; there are %s", column,
			strings.Join(t.Columns, ", "))
	}
	x, ok = make([]float64, len(t.Rows)), make([]bool, len(t.Rows))
	for j, row := range t.Rows {
		if row[i] == "" {
			continue
		}
		if x[j], err = strconv.ParseFloat(row[i], 64); err != nil {
			return nil, nil, fmt.Errorf("column %q, row %d: %q is no number", column, j+1, row[i])
		}
		ok[j] = true
	}
	return x, ok, nil
}
