package countlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// longestForeign bounds the bytes of a line that others wrote.
const longestForeign = 1 << 26

// mostPreamble bounds the lines before the column names.
const mostPreamble = 20

var errNoTable = errors.New("no table of votes or certificates")

// foreignLines reads a table that others wrote, and says where each line is. Columns are separated
// by tabs, semicolons, commas or runs of spaces, whichever separates the column names.
type foreignLines struct {
	path    string
	s       *bufio.Scanner
	line    int
	ends    bool // the line has its end
	cut     byte // what separates columns
	cells   [][]byte
	names   []string
	columns foreignColumns
}

// newForeignLines reads the column names, from what [plain] returned. Up to 20 lines before the
// names are skipped.
func newForeignLines(r io.Reader, path string) (*foreignLines, error) {
	f := &foreignLines{path: path, s: bufio.NewScanner(r), ends: true}
	f.s.Buffer(make([]byte, 1<<16), longestForeign)
	f.s.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			f.ends = true
			return i + 1, bytes.TrimSuffix(data[:i], []byte("\r")), nil
		}
		if f.ends = !atEOF || len(data) == 0; f.ends {
			return 0, nil, nil
		}
		return len(data), data, nil
	})
	shown, number, isData := "", 0, false
	for range mostPreamble {
		line, err := f.text()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if f.separate(line); len(f.cells) == 0 {
			continue
		}
		f.names = f.names[:0]
		for _, cell := range f.cells {
			f.names = append(f.names, string(cell))
		}
		if shown == "" {
			shown, number = quoteNames(f.names), f.line
			_, isData = whole(f.cells[0], 0)
		}
		if f.columns, err = findColumns(f.cells); err != nil {
			return nil, f.fail("", err)
		}
		if f.columns.known() {
			return f, nil
		}
	}
	err := fmt.Errorf("%w: columns %s, want index (or idx), label and counts; selection and "+
		"estimation; 0, 1, 2, … a class; or predict and radius", errNoTable, shown)
	switch {
	case shown == "":
		number, err = 1, fmt.Errorf("%w: empty, want a line of column names", errNoTable)
	case isData:
		err = fmt.Errorf("%w: the first line is %s, want column names, such as idx, label, "+
			"predict and radius", errNoTable, shown)
	}
	f.line = number
	return nil, f.fail("", err)
}

// quoteNames shows column names.
func quoteNames(names []string) string {
	const most = 100
	text := strings.Join(names, " ")
	if len(text) > most {
		return fmt.Sprintf("%q…", text[:most])
	}
	return fmt.Sprintf("%q", text)
}

// separate finds what separates the names of a line, and splits it.
func (f *foreignLines) separate(line []byte) {
	line = bytes.TrimLeft(line, "# ") // as numpy.savetxt writes names
	f.cut = ' '
	for _, cut := range []byte("\t;,") {
		if bytes.IndexByte(line, cut) >= 0 {
			f.cut = cut
			break
		}
	}
	f.split(line)
}

// text returns the next line that isn't blank, valid until the next call; io.EOF behind the last.
func (f *foreignLines) text() ([]byte, error) {
	for {
		f.line++
		if f.s.Scan() {
			if line := f.s.Bytes(); len(bytes.TrimSpace(line)) > 0 {
				return line, nil
			}
			continue
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
}

// next returns the cells of the next row, valid until the next call; io.EOF behind the last. The
// error wraps a remarkError where the line is text and no row.
func (f *foreignLines) next() ([][]byte, error) {
	for {
		line, err := f.text()
		if err != nil {
			return nil, err
		}
		switch f.split(line); {
		case f.repeated():
			continue // tables were joined
		case len(f.cells) == len(f.names):
			return f.cells, nil
		case len(f.cells) < len(f.names) && remark(f.cells[0]):
			return nil, f.fail("", &remarkError{quote(line)})
		}
		return nil, f.fail("", fmt.Errorf("%d columns, want %d", len(f.cells), len(f.names)))
	}
}

// A remarkError is a line of text among the rows, such as "Average radius: 0.45".
type remarkError struct{ text string }

func (e *remarkError) Error() string { return e.text + " is a remark and no row of the table" }

// remark reports whether a cell begins a line of text.
func remark(cell []byte) bool {
	return len(cell) > 0 && (cell[0] == '#' || 'a' <= cell[0]|0x20 && cell[0]|0x20 <= 'z')
}

// repeated reports whether the line is that of the names again.
func (f *foreignLines) repeated() bool {
	if len(f.cells) != len(f.names) {
		return false
	}
	for i, cell := range f.cells {
		if string(cell) != f.names[i] {
			return false
		}
	}
	return true
}

// split splits a line into cells. What lies in quotes isn't split. Brackets hold together what tabs
// don't separate.
func (f *foreignLines) split(line []byte) {
	f.cells = f.cells[:0]
	if f.cut == '\t' && bytes.IndexByte(line, '"') < 0 {
		for cell := range bytes.SplitSeq(line, []byte("\t")) {
			f.cell(cell)
		}
		return
	}
	depth, quoted, begin := 0, false, 0
	for i, b := range line {
		switch {
		case b == '"':
			quoted = !quoted
		case quoted:
		case (b == f.cut || b == '\t' && f.cut == ' ') && depth == 0:
			f.cell(line[begin:i])
			begin = i + 1
		case f.cut == '\t':
		case b == '[' || b == '(' || b == '{':
			depth++
		case (b == ']' || b == ')' || b == '}') && depth > 0:
			depth--
		}
	}
	f.cell(line[begin:])
}

// cell appends a cell without its quotes. Runs of spaces separate once.
func (f *foreignLines) cell(b []byte) {
	b = bytes.TrimSpace(b)
	if f.cut == ' ' && len(b) == 0 {
		return
	}
	if len(b) > 1 && b[0] == '"' && b[len(b)-1] == '"' {
		if b = b[1 : len(b)-1]; bytes.IndexByte(b, '"') >= 0 {
			b = bytes.ReplaceAll(b, []byte(`""`), []byte(`"`))
		}
	}
	f.cells = append(f.cells, b)
}

// fail says where an error is. A last line that doesn't end may be cut off.
func (f *foreignLines) fail(column string, err error) error {
	if !f.ends {
		err = fmt.Errorf("%w: cut off? the last line does not end", err)
	}
	if f.line == 0 {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return &LineError{File: f.path, Line: f.line, Field: column, Err: err}
}

// number parses a cell from 0 to most. Pandas writes 3 as 3.0 where a column has gaps.
func (f *foreignLines) number(column string, cell []byte, most int) (int, error) {
	v, ok := whole(cell, 0)
	if !ok {
		if front, back, point := bytes.Cut(cell, []byte(".")); point &&
			len(bytes.Trim(back, "0")) == 0 {
			v, ok = whole(front, 0)
		}
	}
	if !ok || v > most {
		return 0, f.fail(column, fmt.Errorf("%s, want a whole number from 0 to %d",
			quote(cell), most))
	}
	return v, nil
}

// at parses the number of a column that has a role; none where no column has it.
func (f *foreignLines) at(r role, cells [][]byte, most, none int) (int, error) {
	i := f.columns.at[r]
	if i < 0 {
		return none, nil
	}
	return f.number(f.name(i), cells[i], most)
}

// name is that of a column, in messages.
func (f *foreignLines) name(i int) string {
	if i < 0 || f.names[i] == "" {
		return "the first column"
	}
	return strings.ToValidUTF8(f.names[i], "?")
}
