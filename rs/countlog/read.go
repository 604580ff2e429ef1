package countlog

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/lipsmooth/lipsmooth/rs"
)

// ErrTorn is wrapped by the error of a last line that was cut off while it was written.
var ErrTorn = errors.New("torn last line: unless sample is running, running it again finishes it")

var errTwice = errors.New("is there twice")

// LineError is an error in a line of a log.
type LineError struct {
	File  string
	Line  int    // from 1
	Field string // column, empty where it is the line as a whole
	Err   error
}

func (e *LineError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s:%d: %s: %v", e.File, e.Line, e.Field, e.Err)
}

func (e *LineError) Unwrap() error { return e.Err }

// Log is a run on disk, to read: the rows that were there when it was opened, whoever writes more.
type Log struct {
	Run  Run
	dir  string
	size int64 // of the counts, in bytes
}

// Open reads the run.json of a run's folder and finds its rows.
func Open(dir string) (*Log, error) {
	r, err := ReadRun(dir)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(filepath.Join(dir, CountsFile))
	if err != nil {
		return nil, fmt.Errorf("the run has no rows: %w", err)
	}
	return &Log{Run: r, dir: dir, size: info.Size()}, nil
}

// Planned returns the number of rows of the finished run.
func (l *Log) Planned() int { return l.Run.Examples.Count }

// Count returns the number of rows there are, at most [Log.Planned], having checked each.
func (l *Log) Count() (int, error) {
	n := 0
	for _, err := range l.Rows() {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// All returns every row, in the order of the file.
func (l *Log) All() ([]rs.Evidence, error) {
	var rows []rs.Evidence
	for e, err := range l.Rows() {
		if err != nil {
			return nil, err
		}
		rows = append(rows, *e)
	}
	return rows, nil
}

// Hash returns "sha256:" and the hexadecimal digest of the run's settings and rows. Two runs of
// equal hashes have the same certificates. The hash leaves out the time and the versions of the
// sampling, and the name of a model or dataset that has a hash.
func (l *Log) Hash() (string, error) {
	run := l.Run.nameless()
	run.Created, run.Versions = time.Time{}, nil
	text, err := json.Marshal(run)
	if err != nil {
		return "", err
	}
	f, err := os.Open(filepath.Join(l.dir, CountsFile))
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	h.Write(append(text, '\n'))
	if _, err := io.CopyN(h, f, l.size); err != nil {
		return "", fmt.Errorf("%s: %w", f.Name(), err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// A scanner reads a counts file, line after line.
type scanner struct {
	*parser
	path string
	r    *bufio.Reader
	buf  []byte
	seen []bool // by position in the plan
	sums rowSums
	line int   // of the line read last
	end  int64 // offset behind the last line that was good
	last bool  // nothing follows the line read last
}

func newScanner(r io.Reader, path string, p *parser) *scanner {
	return &scanner{parser: p, path: path, r: bufio.NewReaderSize(r, 1<<16),
		seen: make([]bool, p.run.Examples.Count)}
}

// next returns the next row; io.EOF behind the last.
func (s *scanner) next() (*rs.Evidence, error) {
	line, n, err := s.rowLine()
	if err != nil {
		return nil, err
	}
	e, err := s.row(line)
	if err != nil {
		return nil, s.fail(err)
	}
	if err := s.see(e.Index, s.line); err != nil {
		return nil, err
	}
	s.sums.add(e.Index, line, s.end)
	s.end += n
	return e, nil
}

// see refuses a second row of an example.
func (s *scanner) see(index, line int) error {
	at := s.run.Examples.Position(index)
	if s.seen[at] {
		return &LineError{s.path, line, columns[0], fmt.Errorf("%d %w", index, errTwice)}
	}
	s.seen[at] = true
	return nil
}

// rowLine is read, behind the header.
func (s *scanner) rowLine() ([]byte, int64, error) {
	if s.line == 0 {
		line, n, err := s.read()
		if err != nil {
			return nil, 0, err
		}
		if string(line) != s.header {
			return nil, 0, s.fail(fmt.Errorf("columns %q, want %q", line, s.header))
		}
		s.end += n
	}
	return s.read()
}

// read returns the next line without its newline, and the number of bytes that it takes up. The
// line is valid until the next call.
func (s *scanner) read() ([]byte, int64, error) {
	s.line++
	s.buf = s.buf[:0]
	limit, n := max(s.longest(), len(s.header))+1, int64(0)
	for {
		part, err := s.r.ReadSlice('\n')
		n += int64(len(part))
		if room := limit - len(s.buf); len(part) > room {
			part = part[:room]
		}
		s.buf = append(s.buf, part...)
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && n == 0:
			return nil, 0, io.EOF
		case err == io.EOF:
			s.last = true
			return nil, 0, s.fail(ErrTorn)
		case err != nil:
			return nil, 0, fmt.Errorf("%s:%d: %w", s.path, s.line, err)
		}
		if _, err := s.r.Peek(1); err == io.EOF {
			s.last = true
		}
		if n > int64(limit) {
			return nil, 0, s.fail(fmt.Errorf("%d bytes, and no row of this run takes more than %d",
				n, limit))
		}
		return s.buf[:n-1], n, nil
	}
}

// fail puts file, line and field of the line read last in front of err.
func (s *scanner) fail(err error) error { return lineError(s.path, s.line, s.last, err) }

func lineError(path string, line int, last bool, err error) error {
	at := &LineError{File: path, Line: line, Err: err}
	if f, ok := errors.AsType[*fieldError](err); ok {
		at.Field, at.Err = f.Field, f.Err
	}
	if last && line > 1 && err != ErrTorn {
		at.Err = fmt.Errorf("%w (the last line: running sample again drops it and goes on)", at.Err)
	}
	return at
}
