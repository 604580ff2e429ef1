package countlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Radius is a line of a table of certificates without votes.
type Radius struct {
	Index int
	Sigma float64 // 0 where the table doesn't say it
	rs.Result
}

// Radii is a table of certificates without votes. So no other method and no other α can certify
// from it.
type Radii struct {
	Rows    []Radius
	Remarks []string // where a line is text and no row, such as an average at the end
}

// Results are those of the rows.
func (t Radii) Results() []rs.Result {
	out := make([]rs.Result, len(t.Rows))
	for i, row := range t.Rows {
		out[i] = row.Result
	}
	return out
}

// Radii reads a table of certificates, see [ReadRadii].
func (s Source) Radii() (t Radii, err error) {
	file, err := s.open()
	if err != nil {
		return t, err
	}
	defer file.Close()
	return ReadRadii(file, s.Path)
}

// ReadRadii reads a table as certify.py of locuslab/smoothing writes it: idx, label, predict (-1
// where it abstained), radius, correct, time. Columns are found by the names that public code gives
// them. idx, correct and sigma may be missing, and other columns don't matter. Tabs, commas,
// semicolons or spaces separate the columns, and gzip is undone.
func ReadRadii(r io.Reader, path string) (t Radii, err error) {
	f, array, err := newForeign(r, path)
	if err != nil {
		return t, err
	}
	if array != nil {
		return t, fmt.Errorf("%s: an array of numbers, want a table of certificates", path)
	}
	if err := f.needRadii(); err != nil {
		return t, err
	}
	seen, marks := map[int]bool{}, correctness{total: true}
	for {
		cells, err := f.next()
		if err == io.EOF {
			if err := marks.end(); err != nil {
				return Radii{}, err
			}
			return t, nil
		}
		if remark := (*remarkError)(nil); errors.As(err, &remark) {
			t.Remarks = append(t.Remarks, err.Error())
			continue
		}
		if err != nil {
			return Radii{}, err
		}
		row, err := f.radius(cells, len(t.Rows))
		if err != nil {
			return Radii{}, err
		}
		if seen[row.Index] {
			return Radii{}, f.fail(f.name(f.columns.at[indexRole]), fmt.Errorf("%d %w", row.Index,
				errTwice))
		}
		seen[row.Index] = true
		if i := f.columns.at[correctRole]; i >= 0 {
			err := f.fail(f.name(i), fmt.Errorf("%s, but predict %d and label %d make it %d",
				quote(cells[i]), row.Class, row.Label, digit(row.Right())))
			if err := marks.add(cells[i], row.Right(), err); err != nil {
				return Radii{}, err
			}
		}
		t.Rows = append(t.Rows, row)
	}
}

// needRadii says which columns a table of certificates lacks.
func (f *foreignLines) needRadii() error {
	for _, r := range []role{radiusRole, predictRole, labelRole} {
		if f.columns.at[r] < 0 {
			name, _, _ := strings.Cut(known[r].names, " ")
			return f.fail("", fmt.Errorf("%w: columns %s hold predictions, and none is %s (by a "+
				"name such as %s)", errNoTable, quoteNames(f.names), known[r].what, name))
		}
	}
	return nil
}

// radius parses a row. The index is the row's number where the table has none.
func (f *foreignLines) radius(cells [][]byte, number int) (row Radius, err error) {
	if row.Index, err = f.at(indexRole, cells, maxSize-1, number); err != nil {
		return row, err
	}
	if row.Label, err = f.at(labelRole, cells, maxClasses-1, rs.Abstain); err != nil {
		return row, err
	}
	switch cell := cells[f.columns.at[predictRole]]; string(bytes.ToLower(cell)) {
	case "-1", "-1.0", "abstain":
		row.Class = rs.Abstain
	default:
		if row.Class, err = f.at(predictRole, cells, maxClasses-1, 0); err != nil {
			return row, err
		}
	}
	if row.Radius, err = f.decimal(radiusRole, cells); err != nil {
		return row, err
	}
	if row.Class == rs.Abstain && row.Radius != 0 {
		return row, f.fail(f.name(f.columns.at[radiusRole]), fmt.Errorf("%v, want 0 where the "+
			"prediction is -1", row.Radius))
	}
	if f.columns.at[sigmaRole] >= 0 {
		row.Sigma, err = f.decimal(sigmaRole, cells)
	}
	return row, err
}

// decimal parses a number >= 0.
func (f *foreignLines) decimal(r role, cells [][]byte) (float64, error) {
	i := f.columns.at[r]
	v, err := strconv.ParseFloat(string(cells[i]), 64)
	switch {
	case bytes.IndexByte(cells[i], ',') >= 0:
		return 0, f.fail(f.name(i), fmt.Errorf("%s: a decimal comma, want a point",
			quote(cells[i])))
	case err != nil || !(v >= 0) || math.IsInf(v, 1):
		return 0, f.fail(f.name(i), fmt.Errorf("%s, want a finite number >= 0", quote(cells[i])))
	}
	return v, nil
}

// correctness checks a column of correctness. The column has 0 and 1, False and True, or how many
// rows were right so far.
type correctness struct {
	total bool  // the rows so far can be totals
	right int   // rows so far
	first error // of the first row that isn't a mark
}

// add checks the next cell. wrong is the error of a cell that is no mark of its row.
func (c *correctness) add(cell []byte, right bool, wrong error) error {
	text := string(bytes.TrimSuffix(bytes.ToLower(cell), []byte(".0")))
	c.right += digit(right)
	c.total = c.total && text == strconv.Itoa(c.right)
	if c.first == nil && text != strconv.Itoa(digit(right)) && text != strconv.FormatBool(right) {
		c.first = wrong
	}
	if c.total {
		return nil
	}
	return c.first
}

// end checks the column as a whole: one that never exceeds 1 has no totals.
func (c *correctness) end() error {
	if c.right > 1 {
		return nil
	}
	return c.first
}

func digit(b bool) int {
	if b {
		return 1
	}
	return 0
}
