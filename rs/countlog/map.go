package countlog

import (
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Map yields what f makes of each row, in the order of the file; an error, a [LineError] where a line is to blame,
// ends it. Rows are parsed and handed to f on GOMAXPROCS goroutines, a bounded number of rows ahead of the
// caller, and none of these runs on behind the loop. A row is its own but for the edges, which all share.
func Map[T any](l *Log, f func(*rs.Evidence) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		path := filepath.Join(l.dir, CountsFile)
		file, err := os.Open(path)
		if err != nil {
			yield(none, err)
			return
		}
		defer file.Close()

		s := newScanner(io.LimitReader(file, l.size), path, newParser(&l.Run))
		workers := min(runtime.GOMAXPROCS(0), 1+l.Planned()/batchLines)
		batches := 2*workers + 1
		// A batch goes around: read, parsed while it waits for its turn, yielded, read again.
		free, work, ordered := make(chan *batch[T], batches), make(chan *batch[T], batches), make(chan *batch[T], batches)
		for range batches {
			free <- &batch[T]{parsed: make(chan struct{}, 1)}
		}
		done := make(chan struct{})
		var running sync.WaitGroup
		defer running.Wait()
		defer close(done)
		running.Go(func() {
			defer close(work)
			for more := true; more; {
				select {
				case b := <-free:
					more = b.read(s)
					work <- b
					ordered <- b
				case <-done:
					return
				}
			}
		})
		for range workers {
			running.Go(func() {
				for b := range work {
					b.parse(path, s.parser, f)
				}
			})
		}
		for {
			b := <-ordered
			<-b.parsed
			for i, r := range b.rows {
				if err := s.see(r.index, b.first+i); err != nil {
					yield(none, err)
					return
				}
				if !yield(r.made, nil) {
					return
				}
			}
			if b.err != nil {
				if b.err != io.EOF {
					yield(none, b.err)
				}
				return
			}
			free <- b
		}
	}
}

// batchLines is the most lines that a goroutine of Map takes at once.
const batchLines = 16

// A batch is some lines of a counts file and what became of them.
type batch[T any] struct {
	text  []byte
	ends  []int // of the lines, in text
	first int   // number of the first line
	last  bool  // no line follows the last one
	rows  []struct {
		index int
		made  T
	}
	err    error // behind the rows; io.EOF at the end of the file
	parsed chan struct{}
}

// read fills the batch with the next lines and reports whether more may follow.
func (b *batch[T]) read(s *scanner) bool {
	b.text, b.ends, b.err = b.text[:0], b.ends[:0], nil
	for len(b.ends) < batchLines && b.err == nil {
		line, _, err := s.rowLine()
		if b.err = err; err == nil {
			b.text, b.ends = append(b.text, line...), append(b.ends, len(b.text)+len(line))
			b.first, b.last = s.line-len(b.ends)+1, s.last
		}
	}
	return b.err == nil
}

// parse makes rows of the lines, up to the first that is bad.
func (b *batch[T]) parse(path string, p *parser, f func(*rs.Evidence) T) {
	b.rows = b.rows[:0]
	begin := 0
	for i, end := range b.ends {
		e, err := p.row(b.text[begin:end])
		if err != nil {
			b.err = lineError(path, b.first+i, b.last && i == len(b.ends)-1, err)
			break
		}
		b.rows = append(b.rows, struct {
			index int
			made  T
		}{e.Index, f(e)})
		begin = end
	}
	b.parsed <- struct{}{}
}
