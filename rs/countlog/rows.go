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

// Rows yields each row, in the order of the file. An error ends it: a [LineError] where a line
// causes the error. Rows are parsed on GOMAXPROCS goroutines, a bounded number of rows ahead of the
// caller. No goroutine outlives the loop. A row shares nothing but its edges with other rows.
func (l *Log) Rows() iter.Seq2[*rs.Evidence, error] {
	return func(yield func(*rs.Evidence, error) bool) {
		path := filepath.Join(l.dir, CountsFile)
		file, err := os.Open(path)
		if err != nil {
			yield(nil, err)
			return
		}
		defer file.Close()

		s := newScanner(io.LimitReader(file, l.size), path, newParser(&l.Run))
		workers := min(runtime.GOMAXPROCS(0), 1+l.Planned()/batchLines)
		batches := 2*workers + 1
		// A batch goes around: read, parsed while it waits for its turn, yielded, read again.
		free, work, ordered := make(chan *batch, batches), make(chan *batch, batches),
			make(chan *batch, batches)
		for range batches {
			free <- &batch{parsed: make(chan struct{}, 1)}
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
					b.parse(path, s.parser)
				}
			})
		}
		for {
			b := <-ordered
			<-b.parsed
			for i, e := range b.rows {
				if err := s.see(e.Index, b.first+i); err != nil {
					yield(nil, err)
					return
				}
				if !yield(e, nil) {
					return
				}
			}
			if b.err != nil {
				if b.err != io.EOF {
					yield(nil, b.err)
				}
				return
			}
			free <- b
		}
	}
}

// batchLines is the most lines that a goroutine takes at once.
const batchLines = 16

// A batch is some lines of a counts file and what became of them.
type batch struct {
	text   []byte
	ends   []int // of the lines, in text
	first  int   // number of the first line
	last   bool  // no line follows the last one
	rows   []*rs.Evidence
	err    error // behind the rows; io.EOF at the end of the file
	parsed chan struct{}
}

// read fills the batch with the next lines and reports whether more may follow.
func (b *batch) read(s *scanner) bool {
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
func (b *batch) parse(path string, p *parser) {
	b.rows = b.rows[:0]
	begin := 0
	for i, end := range b.ends {
		e, err := p.row(b.text[begin:end])
		if err != nil {
			b.err = lineError(path, b.first+i, b.last && i == len(b.ends)-1, err)
			break
		}
		b.rows = append(b.rows, e)
		begin = end
	}
	b.parsed <- struct{}{}
}
