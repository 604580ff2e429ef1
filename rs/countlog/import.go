package countlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Import is a table of votes that others logged, to be made a run of.
type Import struct {
	// Estimation is a table of two draws, or of the estimation draw alone; then Selection is that
	// of the selection draw, with the same examples in the same order.
	Selection, Estimation Source
	// Labels is an array of the true class of each index, for tables that don't have it.
	Labels  Source
	Name    string // of the model
	Sigma   float64
	Classes int // 0 where the table tells
	// N0 and N are the numbers of draws that the source states. N counts all of one draw, also
	// where Split divides it. Both are 0 where the source states none.
	N0, N int
	// Split is for a source of one draw. It sets this many draws of each example aside to select
	// the class. The draws are independent, so a uniform subset is independent of the rest. Seed
	// and index determine the subset.
	Split int
	Seed  uint64
}

// Imported is the backend of runs that another program sampled. Such a run has all its rows, even
// if its plan has room for more.
const Imported = "imported"

// ErrOneDraw is wrapped by the error of a source of one draw that is not to be split.
var ErrOneDraw = errors.New("one draw: the class must not be chosen on the draw that estimates it")

// Write makes the run's folder, which must not exist, and returns the run and the number of its
// rows. A plan is evenly spaced and covers the indices of the source, so there may be fewer rows
// than planned. The run has votes alone: no margins, no prediction without noise, no Λ. Where ctx
// ends first, Write makes nothing.
func (m Import) Write(ctx context.Context, dir string) (run Run, rows int, err error) {
	if err := mustBeNew(dir); err != nil {
		return run, 0, err
	}
	if run, err = m.run(ctx); err != nil {
		return run, 0, err
	}
	err = writeNew(dir, run, func(w *Writer) error {
		return m.each(ctx, func(row *foreignRow) error {
			rows++
			return w.Append(&rs.Evidence{Index: row.Index, Label: row.Label, Sigma: run.Sigma,
				Class:     row.Selection.Top(),
				Selection: row.Selection, Estimation: row.Estimation,
				Clean: rs.Clean{Class: rs.Abstain}})
		})
	})
	return run, rows, err
}

// run reads the source once, checks that its rows can be of one run, and says which.
func (m Import) run(ctx context.Context) (Run, error) {
	r := Run{Format: Format, Model: Model{Name: m.Name}, Sigma: m.Sigma, N0: m.N0, N: m.N,
		Seed: m.Seed, Block: 1,
		Backend: Imported, Versions: map[string]string{}}
	if m.Split > 0 {
		r.N0 = m.Split
		if r.N > 0 {
			r.N -= m.Split
		}
	}
	seen := map[int]bool{}
	first, last, stride := 0, 0, 0
	err := m.each(ctx, func(row *foreignRow) error {
		n0, n := row.Selection.Total(), row.Estimation.Total()
		if r.N0 == 0 {
			r.N0 = n0
		}
		if r.N == 0 {
			r.N = n
		}
		switch {
		case n0 != r.N0:
			return fmt.Errorf("%d selection draws, want %d as elsewhere", n0, r.N0)
		case n != r.N:
			return fmt.Errorf("%d estimation draws, want %d as elsewhere", n, r.N)
		case n0 == 0 || n == 0:
			return errors.New("no draws")
		case seen[row.Index]:
			return fmt.Errorf("index %d %w", row.Index, errTwice)
		case len(seen) == 0:
			first, last = row.Index, row.Index
		}
		stride = divisor(stride, max(row.Index-first, first-row.Index))
		first, last = min(first, row.Index), max(last, row.Index)
		seen[row.Index] = true
		r.Dataset.Classes = len(row.Estimation)
		return nil
	})
	if err != nil {
		return r, err
	}
	if len(seen) == 0 {
		return r, fmt.Errorf("%s: no rows", m.Estimation.Path)
	}
	// Distances of all from the first one read have the greatest common divisor of all distances.
	stride = max(stride, 1)
	r.Examples = Plan{Start: first, Stride: stride, Count: (last-first)/stride + 1}
	r.Dataset.Size = last + 1
	if r.Examples.Count > max(1<<20, 100*len(seen)) {
		return r, fmt.Errorf("%s: %d examples from %d to %d leave out too many of an evenly "+
			"spaced plan, which a run needs", m.Estimation.Path, len(seen), first, last)
	}
	for _, s := range []Source{m.Selection, m.Estimation, m.Labels} {
		if s.Path == "" {
			continue
		}
		if r.Versions["imported "+filepath.Base(s.Path)], err = s.hash(); err != nil {
			return r, err
		}
	}
	if err := r.Validate(); err != nil {
		return r, fmt.Errorf("%s: %w", m.Estimation.Path, err)
	}
	return r, nil
}

func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// open opens a source and reads its column names.
func (m Import) open(s Source) (*foreignCounts, io.Closer, error) {
	file, err := s.open()
	if err != nil {
		return nil, nil, err
	}
	t, err := newForeignCounts(file, s.Path, m.Classes)
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	t.sigma = m.Sigma
	return t, file, nil
}

// each calls f with every row. Both draws of the row are filled in. Errors name file and line.
func (m Import) each(ctx context.Context, f func(*foreignRow) error) error {
	estimation, file, err := m.open(m.Estimation)
	if err != nil {
		return err
	}
	defer file.Close()
	var selection *foreignCounts
	if m.Selection.Path != "" {
		if selection, file, err = m.open(m.Selection); err != nil {
			return err
		}
		defer file.Close()
		for _, t := range []*foreignCounts{selection, estimation} {
			if t.draws != 1 {
				return t.fail("", errors.New("two draws in one of two files; want one in each"))
			}
		}
	}
	one := estimation.draws == 1 && selection == nil
	switch {
	case one && m.Split == 0:
		return estimation.fail("", ErrOneDraw)
	case !one && m.Split > 0:
		return estimation.fail("", errors.New("two draws: there is nothing to split"))
	}
	label, err := m.labels()
	if err != nil {
		return err
	}
	done := make(chan struct{})
	var reading sync.WaitGroup
	defer reading.Wait()
	defer close(done)
	estimations := estimation.ahead(&reading, done)
	var selections <-chan foreignLine
	if selection != nil {
		selections = selection.ahead(&reading, done)
	}
	for line := 0; ; {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: stopped in line %d, nothing made: %w", m.Estimation.Path, line,
				ctx.Err())
		}
		next := m.pair(estimations, selections)
		if next.err == io.EOF {
			return nil
		}
		row, err := next.row, next.err
		if line = next.line; err == nil {
			err = label(row)
		}
		if err == nil && one {
			err = m.split(row)
		}
		if err == nil {
			err = f(row)
		}
		if _, ok := errors.AsType[*LineError](err); ok {
			return err
		}
		if err != nil {
			return atLine(m.Estimation.Path, line, "%w", err)
		}
	}
}

// labels returns a function that fills in the label of a row where that is in a table of its own.
func (m Import) labels() (func(*foreignRow) error, error) {
	if m.Labels.Path == "" {
		return func(*foreignRow) error { return nil }, nil
	}
	file, err := m.Labels.open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	labels, err := readLabels(file, m.Labels.Path)
	return func(row *foreignRow) error {
		if row.Label != rs.Abstain {
			return fmt.Errorf("the table has labels, and so has %s: name one", m.Labels.Path)
		}
		if row.Index >= len(labels) {
			return fmt.Errorf("index %d, but %s has %d labels", row.Index, m.Labels.Path,
				len(labels))
		}
		if row.Label = labels[row.Index]; row.Label >= len(row.Estimation) {
			return fmt.Errorf("label %d, want one of %d classes", row.Label, len(row.Estimation))
		}
		return nil
	}, err
}

// split sets draws of a row aside.
func (m Import) split(row *foreignRow) error {
	row.Selection = setAside(row.Estimation, m.Split, m.Seed, row.Index)
	if row.Selection == nil {
		return fmt.Errorf("%d draws, too few to set %d aside", row.Estimation.Total(), m.Split)
	}
	return nil
}

func atLine(path string, line int, format string, args ...any) error {
	return &LineError{File: path, Line: line, Err: fmt.Errorf(format, args...)}
}

// pair returns the next row of estimations, with its selection draw where selections isn't nil.
// The error is io.EOF where both sources have ended.
func (m Import) pair(estimations, selections <-chan foreignLine) foreignLine {
	next := <-estimations
	row, err := next.row, next.err
	if err != nil && err != io.EOF || selections == nil {
		return next
	}
	other := <-selections
	switch end := other.err; {
	case end != nil && end != io.EOF:
		next.err = end
	case end == io.EOF && err == io.EOF:
	case end == io.EOF:
		next.err = fmt.Errorf("%s has no row for this one", m.Selection.Path)
	case err == io.EOF:
		next.err = atLine(m.Selection.Path, other.line, "%s has no row for this one",
			m.Estimation.Path)
	case other.row.Index != row.Index || other.row.Label != row.Label:
		next.err = fmt.Errorf("example %d of label %d, but %s:%d has example %d of label %d",
			row.Index, row.Label, m.Selection.Path, other.line, other.row.Index, other.row.Label)
	case len(other.row.Estimation) != len(row.Estimation):
		next.err = fmt.Errorf("%d classes, but %s:%d has %d", len(row.Estimation),
			m.Selection.Path, other.line, len(other.row.Estimation))
	default:
		row.Selection = other.row.Estimation
	}
	return next
}

// foreignLine is what foreignCounts.next returned, and the line.
type foreignLine struct {
	row  *foreignRow
	err  error
	line int
}

// ahead reads rows, some in advance. It ends with the first error, with io.EOF after the last row,
// or when done is closed.
func (f *foreignCounts) ahead(reading *sync.WaitGroup, done <-chan struct{}) <-chan foreignLine {
	rows := make(chan foreignLine, 8)
	reading.Go(func() {
		for {
			row, err := f.next()
			select {
			case rows <- foreignLine{row, err, f.line}:
			case <-done:
				return
			}
			if err != nil {
				return
			}
		}
	})
	return rows
}

// setAside takes n of the votes out. Each set of n draws is as likely as any other. It returns nil
// where no vote would be left.
func setAside(votes rs.Votes, n int, seed uint64, index int) rs.Votes {
	left := votes.Total()
	if n >= left {
		return nil
	}
	r := rand.New(rand.NewPCG(seed, uint64(index)))
	out := make(rs.Votes, len(votes))
	for range n {
		at := r.IntN(left)
		for c := range votes {
			if at -= votes[c]; at < 0 {
				votes[c]--
				out[c]++
				break
			}
		}
		left--
	}
	return out
}
