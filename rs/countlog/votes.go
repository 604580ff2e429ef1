package countlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/npy"
	"github.com/lipsmooth/lipsmooth/rs"
)

// foreignRow is a line of counts that others logged. One draw is in Estimation, Selection nil.
type foreignRow struct {
	Index, Label          int
	Selection, Estimation rs.Votes
}

// A foreignCounts reads a table of votes of another program. The table has columns index and label,
// by any name that [known] lists, and one of
//
//	counts                  one draw: a list, one count a class, or class:count pairs
//	selection, estimation   two draws, each as above
//	0, 1, 2, …; c0, …       one draw, one column a class
//	selection_0, …, estimation_0, …
//	                        two draws, one column a class
//
// An array in NumPy's format is [examples, classes]. Examples without an index are numbered.
type foreignCounts struct {
	*foreignLines
	array   *npy.Array // nil where the table is text
	draws   int        // 1 or 2
	classes int        // 0 until the first row tells
	sigma   float64    // that rows which say the noise level must have; 0 is any
	every   bool       // pairs must have every class, as they gave the number of classes
	rows    int
}

// newForeignCounts reads what comes before the rows. classes is 0 where the table gives the number
// of classes. A table of class:count pairs doesn't give it.
func newForeignCounts(r io.Reader, path string, classes int) (*foreignCounts, error) {
	lines, array, err := newForeign(r, path)
	if err != nil {
		return nil, err
	}
	f := &foreignCounts{foreignLines: lines, array: array, classes: classes,
		draws: lines.columns.draws()}
	k := len(lines.columns.wide[0])
	if array != nil {
		if len(array.Shape) != 2 {
			return nil, f.fail("", fmt.Errorf("an array of shape %v, want [examples, classes]",
				array.Shape))
		}
		f.draws, k = 1, array.Shape[1]
	}
	switch {
	case f.draws == 0:
		return nil, f.fail("", errors.New("certificates without votes"))
	case k > maxClasses || k == 1 || k == 0 && array != nil:
		return nil, f.fail("", fmt.Errorf("votes of %d classes, want 2 to %d", k, maxClasses))
	case k > 0 && classes > 0 && classes != k:
		return nil, f.fail("", fmt.Errorf("columns of %d classes, want %d", k, classes))
	case k > 0:
		f.classes = k
	}
	return f, nil
}

// newForeign reads a table's column names, or an array and no lines.
func newForeign(r io.Reader, path string) (*foreignLines, *npy.Array, error) {
	b, err := plain(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if head, _ := b.Peek(len(npy.Magic)); string(head) == npy.Magic {
		array, err := npy.Read(b)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		none, _ := findColumns(nil)
		return &foreignLines{path: path, columns: none, ends: true}, array, nil
	}
	lines, err := newForeignLines(b, path)
	return lines, nil, err
}

// next returns the next row; io.EOF behind the last.
func (f *foreignCounts) next() (row *foreignRow, err error) {
	if f.array != nil {
		return f.fromArray()
	}
	cells, err := f.foreignLines.next()
	if err != nil {
		return nil, err
	}
	row = new(foreignRow)
	if row.Index, err = f.at(indexRole, cells, maxSize-1, f.rows); err != nil {
		return nil, err
	}
	if row.Label, err = f.at(labelRole, cells, maxClasses-1, rs.Abstain); err != nil {
		return nil, err
	}
	if f.sigma > 0 && f.columns.at[sigmaRole] >= 0 {
		sigma, err := f.decimal(sigmaRole, cells)
		if err == nil && sigma != f.sigma {
			err = f.fail(f.name(f.columns.at[sigmaRole]), fmt.Errorf("%v, want %v: a run has one "+
				"noise level", sigma, f.sigma))
		}
		if err != nil {
			return nil, err
		}
	}
	f.rows++
	var votes [2]rs.Votes
	lists := [2]role{countsRole, estimationRole}
	if f.draws == 2 {
		lists[0] = selectionRole
	}
	for d := range f.draws {
		if wide := f.columns.wide[d]; wide != nil {
			votes[d], err = f.wide(wide, cells)
		} else {
			i := f.columns.at[lists[d]]
			votes[d], err = f.list(f.name(i), cells[i])
		}
		if err != nil {
			return nil, err
		}
	}
	if f.draws == 2 {
		row.Selection, row.Estimation = votes[0], votes[1]
	} else {
		row.Estimation = votes[0]
	}
	if row.Label >= f.classes {
		return nil, f.fail(f.name(f.columns.at[labelRole]), fmt.Errorf("%d, want one of %d classes",
			row.Label, f.classes))
	}
	return row, nil
}

// fromArray returns the next row of an array.
func (f *foreignCounts) fromArray() (*foreignRow, error) {
	if f.rows == f.array.Shape[0] {
		return nil, io.EOF
	}
	f.line++
	row := &foreignRow{Index: f.rows, Label: rs.Abstain, Estimation: make(rs.Votes, f.classes)}
	sum := 0
	for c := range row.Estimation {
		v := f.array.At(f.rows*f.classes + c)
		if !(v >= 0) || v != math.Trunc(v) || v > float64(maxDraws-sum) {
			return nil, f.fail("", fmt.Errorf("%v votes for class %d, want a whole number from 0 "+
				"to %d", v, c, maxDraws-sum))
		}
		row.Estimation[c], sum = int(v), sum+int(v)
	}
	f.rows++
	return row, nil
}

// wide parses one column a class.
func (f *foreignCounts) wide(columns []int, cells [][]byte) (rs.Votes, error) {
	votes, sum := make(rs.Votes, f.classes), 0
	for c, i := range columns {
		v, err := f.number(f.name(i), cells[i], maxDraws-sum)
		if err != nil {
			return nil, err
		}
		votes[c], sum = v, sum+v
	}
	return votes, nil
}

// wrapped is how Python prints what isn't a plain list, tuple or dict.
var wrapped = regexp.MustCompile(`^(?:array|tensor|Counter)\(([\[{].*[\]}])[^\[\]{}]*\)$`)

// list parses a list or tuple, as Python or NumPy print it, or a dict or pairs.
func (f *foreignCounts) list(column string, cell []byte) (rs.Votes, error) {
	if m := wrapped.FindSubmatch(cell); m != nil {
		cell = m[1]
	}
	if len(cell) == 0 {
		return nil, f.fail(column, errors.New("empty, want class:count pairs or a bracketed list"))
	}
	i := bytes.IndexByte([]byte("[({"), cell[0])
	if i < 0 {
		return f.pairs(column, cell)
	}
	inner, closed := bytes.CutSuffix(cell[1:], []byte("])}"[i:i+1]))
	if !closed {
		return nil, f.fail(column, fmt.Errorf("%s…, a list without its closing bracket",
			quote(cell)))
	}
	if cell[0] == '{' {
		return f.pairs(column, inner)
	}
	if bytes.IndexByte(inner, ',') < 0 { // as NumPy prints it
		inner = bytes.Join(bytes.Fields(inner), []byte(","))
	}
	items := bytes.Count(inner, []byte(",")) + 1
	if f.classes == 0 && items <= maxClasses {
		f.classes = items
	}
	if items != f.classes {
		return nil, f.fail(column, fmt.Errorf("%d counts, want %d, one a class", items, f.classes))
	}
	votes, sum := make(rs.Votes, items), 0
	for c, at := 0, 0; c < items; c++ {
		begin := spaces(inner, at)
		v, end := digits(inner, begin)
		next := spaces(inner, end)
		if end == begin || next < len(inner) && inner[next] != ',' || v > maxDraws-sum {
			item, _, _ := bytes.Cut(inner[at:], []byte(","))
			var err error
			if v, err = f.number(column, bytes.Trim(item, " "), maxDraws-sum); err != nil {
				return nil, err
			}
			next = at + len(item)
		}
		votes[c], sum, at = v, sum+v, next+1
	}
	return votes, nil
}

// spaces returns where those at b[i:] end.
func spaces(b []byte, i int) int {
	for i < len(b) && b[i] == ' ' {
		i++
	}
	return i
}

// pairs parses class:count pairs, separated by commas, classes in any order. They give the number
// of classes where each row has each class.
func (f *foreignCounts) pairs(column string, cell []byte) (rs.Votes, error) {
	if n := bytes.Count(cell, []byte(":")); f.classes == 0 && n <= maxClasses {
		f.classes, f.every = n, true
	}
	votes, sum, seen := make(rs.Votes, f.classes), 0, make([]bool, f.classes)
	few := func() error {
		return f.fail(column, fmt.Errorf("%s: class:count pairs of some classes don't give the "+
			"number of classes: give --classes", quote(cell)))
	}
	for item := range bytes.SplitSeq(cell, []byte(",")) {
		class, count, ok := bytes.Cut(bytes.Trim(item, " "), []byte(":"))
		if !ok {
			return nil, f.fail(column, fmt.Errorf("%s, want class:count pairs or a bracketed list",
				quote(item)))
		}
		c, err := f.number(column, bytes.Trim(class, ` "'`), maxClasses-1)
		if err == nil && c >= f.classes && f.every {
			return nil, few()
		}
		if err == nil && c >= f.classes {
			err = f.fail(column, fmt.Errorf("class %d, want one of 0 to %d", c, f.classes-1))
		}
		if err != nil {
			return nil, err
		}
		v, err := f.number(column, bytes.Trim(count, " "), maxDraws-sum)
		if err != nil {
			return nil, err
		}
		if seen[c] {
			return nil, f.fail(column, fmt.Errorf("class %d %w", c, errTwice))
		}
		seen[c], votes[c], sum = true, v, sum+v
	}
	if f.every && (f.classes < 2 || slices.Contains(seen, false)) {
		return nil, few()
	}
	return votes, nil
}

// readLabels reads the class of each example, from an array of one axis.
func readLabels(r io.Reader, path string) ([]int, error) {
	_, array, err := newForeign(r, path)
	if err != nil {
		return nil, err
	}
	if array == nil || len(array.Shape) != 1 {
		return nil, fmt.Errorf("%s: want the labels, one a row, as an array of one axis", path)
	}
	labels := make([]int, array.Shape[0])
	for i, v := range array.Values {
		if !(v >= 0) || v != math.Trunc(v) || v >= maxClasses {
			return nil, atLine(path, i+1, "%v, want a class from 0 to %d", v, maxClasses-1)
		}
		labels[i] = int(v)
	}
	return labels, nil
}
