package countlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
)

// longestForeign bounds the bytes of a line that others wrote.
const longestForeign = 1 << 26

var errCut = errors.New("cut off: the last line does not end")

// foreignLines reads lines that others wrote, and says where each is.
type foreignLines struct {
	path  string
	s     *bufio.Scanner
	line  int
	cells [][]byte
}

func newForeignLines(r io.Reader, path string) *foreignLines {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 1<<16), longestForeign)
	s.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			return i + 1, bytes.TrimSuffix(data[:i], []byte("\r")), nil
		}
		if atEOF && len(data) > 0 {
			return 0, nil, errCut // the half of a number is a number
		}
		return 0, nil, nil
	})
	return &foreignLines{path: path, s: s}
}

// next returns the cells of the next line, valid until the next call; io.EOF behind the last.
func (f *foreignLines) next() ([][]byte, error) {
	f.line++
	if f.s.Scan() {
		f.cells = f.cells[:0]
		for cell := range bytes.SplitSeq(f.s.Bytes(), []byte("\t")) {
			f.cells = append(f.cells, cell)
		}
		return f.cells, nil
	}
	switch err := f.s.Err(); {
	case err == nil:
		return nil, io.EOF
	case err == bufio.ErrTooLong:
		return nil, f.fail("", fmt.Errorf("more than %d bytes", longestForeign))
	default:
		return nil, f.fail("", err)
	}
}

func (f *foreignLines) fail(column string, err error) error {
	return &LineError{File: f.path, Line: f.line, Field: column, Err: err}
}

// number parses a cell from 0 to most.
func (f *foreignLines) number(column string, cell []byte, most int) (int, error) {
	v, ok := whole(cell, 0)
	if !ok || v > most {
		return 0, f.fail(column, fmt.Errorf("%s, want a whole number from 0 to %d",
			quote(cell), most))
	}
	return v, nil
}

// names returns the cells of the first line, and the line as it may be shown.
func (f *foreignLines) names() (names []string, shown string, err error) {
	cells, err := f.next()
	for _, cell := range cells {
		names = append(names, string(cell))
	}
	return names, quote([]byte(strings.Join(names, " "))), err
}

// foreignRow is a line of counts that others logged. One draw is in Estimation, Selection nil.
type foreignRow struct {
	Index, Label          int
	Selection, Estimation rs.Votes
}

// A foreignCounts reads a counts table of another program. The first line has column names: index
// (or idx) and label, then one of
//
//	counts                  one draw: a bracketed list, one count a class, or class:count pairs
//	selection, estimation   two draws, each as above
//	0, 1, 2, …              one draw, one column a class
//	selection_0, …, estimation_0, …
//	                        two draws, one column a class
type foreignCounts struct {
	*foreignLines
	names   []string
	wide    bool
	draws   int // 1 or 2
	classes int // 0 until the first row tells
}

// newForeignCounts reads the column names. classes is 0 where the table gives the number of
// classes. A table of class:count pairs doesn't give it.
func newForeignCounts(r io.Reader, path string, classes int) (*foreignCounts, error) {
	f := &foreignCounts{foreignLines: newForeignLines(r, path), classes: classes, draws: 1}
	names, shown, err := f.foreignLines.names()
	if err == io.EOF {
		return nil, f.fail("", errors.New("empty, want a line of column names"))
	}
	if err != nil {
		return nil, err
	}
	f.names = names
	unknown := f.fail("", fmt.Errorf("columns %s, want index (or idx), label and counts; "+
		"selection and estimation; 0, 1, 2, … a class; or selection_0, …, estimation_0, …", shown))
	if len(names) < 3 || names[0] != "index" && names[0] != "idx" || names[1] != "label" {
		return nil, unknown
	}
	rest := names[2:]
	switch {
	case slices.Equal(rest, []string{"counts"}):
		return f, nil
	case slices.Equal(rest, []string{"selection", "estimation"}):
		f.draws = 2
		return f, nil
	}
	prefixes := []string{""}
	if strings.HasPrefix(rest[0], "selection_") {
		prefixes = []string{"selection_", "estimation_"}
	}
	k := len(rest) / len(prefixes)
	for i, name := range rest {
		if len(rest)%len(prefixes) != 0 || name != prefixes[i/k]+strconv.Itoa(i%k) {
			return nil, unknown
		}
	}
	if classes > 0 && classes != k {
		return nil, f.fail("", fmt.Errorf("columns of %d classes, want %d", k, classes))
	}
	f.wide, f.draws, f.classes = true, len(prefixes), k
	return f, nil
}

// next returns the next row; io.EOF behind the last.
func (f *foreignCounts) next() (*foreignRow, error) {
	cells, err := f.foreignLines.next()
	if err != nil {
		return nil, err
	}
	if len(cells) != len(f.names) {
		return nil, f.fail("", fmt.Errorf("%d columns, want %d", len(cells), len(f.names)))
	}
	row := new(foreignRow)
	if row.Index, err = f.number(f.names[0], cells[0], maxSize-1); err != nil {
		return nil, err
	}
	if row.Label, err = f.number(f.names[1], cells[1], maxClasses-1); err != nil {
		return nil, err
	}
	var votes [2]rs.Votes
	for d := range f.draws {
		if f.wide {
			votes[d], err = f.columns(2+d*f.classes, cells)
		} else {
			votes[d], err = f.list(f.names[2+d], cells[2+d])
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
		return nil, f.fail(f.names[1], fmt.Errorf("%d, want one of %d classes", row.Label,
			f.classes))
	}
	return row, nil
}

// columns parses one column a class.
func (f *foreignCounts) columns(from int, cells [][]byte) (rs.Votes, error) {
	votes, sum := make(rs.Votes, f.classes), 0
	for c := range votes {
		v, err := f.number(f.names[from+c], cells[from+c], maxDraws-sum)
		if err != nil {
			return nil, err
		}
		votes[c], sum = v, sum+v
	}
	return votes, nil
}

// list parses a bracketed list, as Python prints it, or class:count pairs.
func (f *foreignCounts) list(column string, cell []byte) (rs.Votes, error) {
	inner, opened := bytes.CutPrefix(cell, []byte("["))
	if !opened {
		return f.pairs(column, cell)
	}
	inner, closed := bytes.CutSuffix(inner, []byte("]"))
	if !closed {
		return nil, f.fail(column, fmt.Errorf("%s…, a list without its closing bracket",
			quote(cell)))
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
			_, err := f.number(column, bytes.Trim(item, " "), maxDraws-sum)
			return nil, err
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

// pairs parses class:count pairs, separated by commas, classes in any order.
func (f *foreignCounts) pairs(column string, cell []byte) (rs.Votes, error) {
	if f.classes == 0 {
		return nil, f.fail(column, fmt.Errorf("%s: class:count pairs don't give the number of "+
			"classes: give --classes", quote(cell)))
	}
	votes, sum, seen := make(rs.Votes, f.classes), 0, make([]bool, f.classes)
	for item := range bytes.SplitSeq(cell, []byte(",")) {
		class, count, ok := bytes.Cut(bytes.Trim(item, " "), []byte(":"))
		if !ok {
			return nil, f.fail(column, fmt.Errorf("%s, want class:count pairs or a bracketed list",
				quote(item)))
		}
		c, err := f.number(column, class, f.classes-1)
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
	return votes, nil
}

// Radius is a line of a table of certificates without votes.
type Radius struct {
	Index int
	rs.Result
}

var radiiColumns = []string{"idx", "label", "predict", "radius", "correct", "time"}

// ReadRadii reads the table that certify.py of locuslab/smoothing writes: idx, label, predict (-1
// where it abstained), radius, correct, time. The table has certificates and no votes. So no other
// method and no other α can certify from it.
func ReadRadii(r io.Reader, path string) ([]Radius, error) {
	f := newForeignLines(r, path)
	names, shown, err := f.names()
	if err != nil && err != io.EOF {
		return nil, err
	}
	if !slices.Equal(names, radiiColumns) {
		return nil, f.fail("", fmt.Errorf("columns %s, want %s", shown,
			strings.Join(radiiColumns, " ")))
	}
	var rows []Radius
	seen := map[int]bool{}
	for {
		cells, err := f.next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		if len(cells) != len(names) {
			return nil, f.fail("", fmt.Errorf("%d columns, want %d", len(cells), len(names)))
		}
		var row Radius
		if row.Index, err = f.number("idx", cells[0], maxSize-1); err != nil {
			return nil, err
		}
		if seen[row.Index] {
			return nil, f.fail("idx", fmt.Errorf("%d %w", row.Index, errTwice))
		}
		seen[row.Index] = true
		if row.Label, err = f.number("label", cells[1], maxClasses-1); err != nil {
			return nil, err
		}
		if row.Class = rs.Abstain; string(cells[2]) != "-1" {
			if row.Class, err = f.number("predict", cells[2], maxClasses-1); err != nil {
				return nil, err
			}
		}
		row.Radius, err = strconv.ParseFloat(string(cells[3]), 64)
		if err != nil || !(row.Radius >= 0) || math.IsInf(row.Radius, 1) ||
			row.Class == rs.Abstain && row.Radius != 0 {
			return nil, f.fail("radius", fmt.Errorf("%s, want a finite number >= 0, 0 where "+
				"predict is -1", quote(cells[3])))
		}
		if want := strconv.Itoa(map[bool]int{true: 1}[row.Right()]); string(cells[4]) != want {
			return nil, f.fail("correct", fmt.Errorf("%s, but predict %s and label %s make it %s",
				quote(cells[4]), cells[2], cells[1], want))
		}
		rows = append(rows, row)
	}
}
