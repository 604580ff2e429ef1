package countlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/rs"
)

// file is what a Writer needs of an *os.File opened for appending.
type file interface {
	io.WriteCloser
	Truncate(size int64) error
	Sync() error
}

// Writer appends rows to a run's folder. It is not for concurrent use.
type Writer struct {
	*parser
	path    string
	f       file
	size    int64  // bytes of complete lines
	seen    []bool // by position in the plan
	count   int
	dropped error
	err     error // of a write, final
	buf     []byte
}

// Create opens a folder to write the run in, and makes it where there is none. A folder that
// holds the same run, but for created and versions, is gone on with: a last line that is
// torn or damaged is cut off ([Writer.Dropped]), and [Writer.Has] knows the rows that are there.
// The folder is locked until Close or the end of the process; a second writer is refused.
func Create(dir string, r Run) (w *Writer, err error) {
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	r.Versions = maps.Clone(r.Versions)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, CountsFile)
	f, err := openLocked(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()

	switch there, err := ReadRun(dir); {
	case err == nil:
		if d := difference(there, r); d != "" {
			return nil, fmt.Errorf("%s holds another run: %s", dir, d)
		}
		r = there
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	default:
		if info, err := f.Stat(); err != nil {
			return nil, err
		} else if info.Size() > 0 {
			return nil, fmt.Errorf("%s holds rows, but no %s says of which run", dir, RunFile)
		}
		if err := r.write(dir); err != nil {
			return nil, err
		}
	}

	w = &Writer{parser: newParser(&r), path: path, f: f}
	if err := w.resume(f); err != nil {
		return nil, err
	}
	return w, nil
}

// resume reads what is there, cuts off a bad last line and writes the header where there is none.
func (w *Writer) resume(f *os.File) error {
	s := newScanner(f, w.path, w.parser)
	for {
		_, err := s.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			if !s.last || s.line == 1 && !errors.Is(err, ErrTorn) || errors.Is(err, errTwice) {
				return err
			}
			w.dropped = err
			if err := f.Truncate(s.end); err != nil {
				return fmt.Errorf("%w; dropping it: %w", w.dropped, err)
			}
			if _, err := f.Seek(s.end, io.SeekStart); err != nil { // for systems without O_APPEND
				return err
			}
			break
		}
		w.count++
	}
	w.size, w.seen = s.end, s.seen
	if w.size == 0 {
		return w.write([]byte(w.header + "\n"))
	}
	return nil
}

// Run returns the run as the folder has it.
func (w *Writer) Run() Run { return *w.run }

// Count returns the number of rows in the folder.
func (w *Writer) Count() int { return w.count }

// Has reports whether the folder has the row of an example.
func (w *Writer) Has(index int) bool {
	at := w.run.Examples.Position(index)
	return at >= 0 && w.seen[at]
}

// Dropped returns what was wrong with the last line that Create cut off; nil where it was good.
func (w *Writer) Dropped() error { return w.dropped }

// Append writes the row of an example in one piece. It refuses evidence that isn't of the run:
// totals, classes, edges, σ, an index out of plan or a second time. A failed write, a full
// disk say, leaves the complete lines, and every later Append returns the same error.
func (w *Writer) Append(e *rs.Evidence) error {
	if w.err != nil {
		return w.err
	}
	line, err := w.line(w.buf[:0], e)
	w.buf = line
	if err == nil && w.Has(e.Index) {
		err = errTwice
	}
	if err != nil {
		return fmt.Errorf("%s: example %d: %w", w.path, e.Index, err)
	}
	if err := w.write(line); err != nil {
		return err
	}
	w.seen[w.run.Examples.Position(e.Index)] = true
	w.count++
	return nil
}

func (w *Writer) write(line []byte) error {
	n, err := w.f.Write(line)
	if err == nil {
		w.size += int64(n)
		return nil
	}
	// A reader of what stays of the line, if anything does, takes it for torn.
	w.f.Truncate(w.size)
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	w.err = fmt.Errorf("%s: writing: %w (its %d complete rows are kept; sample again to go on)", w.path, err, w.count)
	return w.err
}

// Sync has the operating system put the rows on disk.
func (w *Writer) Sync() error { return w.f.Sync() }

// Close puts the rows on disk and gives the folder free.
func (w *Writer) Close() error { return errors.Join(w.f.Sync(), w.f.Close()) }
