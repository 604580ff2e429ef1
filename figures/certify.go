package figures

import (
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Curve is a method and what it says about each example.
type Curve struct {
	Method  string
	Results []rs.Result
}

// Certified is what methods say of the rows of a run, in their order.
type Certified struct {
	Indices []int // of the examples
	Draws   int   // estimation draws, in all
	Curves  []Curve
	Seconds []float64 // of work on each curve
	// Missing says, for each method that was left out, what the run lacks for it.
	Missing []error
}

// Certify certifies every row with each named method. Nil names are all methods that the run
// has what they need for; a named method that lacks something is an error.
func (s Sampled) Certify(alpha float64, names []string) ([]Curve, error) {
	c, err := s.CertifyRows(EachRow(s.Rows), alpha, names)
	if err != nil {
		return nil, err
	}
	return c.Curves, nil
}

// EachRow yields rows that are held.
func EachRow(rows []rs.Evidence) iter.Seq2[*rs.Evidence, error] {
	return func(yield func(*rs.Evidence, error) bool) {
		for i := range rows {
			if !yield(&rows[i], nil) {
				return
			}
		}
	}
}

// batchRows are certified by one goroutine at a time.
const batchRows = 64

// batch is some rows, one after the other, and what every method says of them.
type batch struct {
	rows    []*rs.Evidence
	results [][]rs.Result // by method
	failed  []error       // by method, of its first row that it can't certify
	spent   []time.Duration
}

// CertifyRows is Certify of rows that need not be held: an error among them ends it.
func (s Sampled) CertifyRows(rows iter.Seq2[*rs.Evidence, error], alpha float64, names []string) (*Certified, error) {
	chosen := names
	if chosen == nil {
		chosen = rs.MethodNames()
	}
	entries := make([]rs.Entry, len(chosen))
	for i, name := range chosen {
		var err error
		if entries[i], err = rs.MethodByName(name); err != nil {
			return nil, err
		}
	}
	// Failed[m] is the first batch that method m failed in: it is left out, so later batches needn't try.
	failed := make([]atomic.Int64, len(entries))
	for m := range failed {
		failed[m].Store(1 << 62)
	}
	type job struct {
		*batch
		at int64
	}
	jobs := make(chan job, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range jobs {
				for m, entry := range entries {
					if failed[m].Load() < j.at {
						continue
					}
					if s.certify(j.batch, m, entry, alpha); j.failed[m] == nil {
						continue
					}
					for old := failed[m].Load(); j.at < old && !failed[m].CompareAndSwap(old, j.at); old = failed[m].Load() {
					}
				}
				j.rows = nil
			}
		})
	}
	c := &Certified{Seconds: []float64{}}
	var batches []*batch
	next := &batch{}
	send := func() {
		next.results, next.failed, next.spent = make([][]rs.Result, len(entries)), make([]error, len(entries)), make([]time.Duration, len(entries))
		jobs <- job{next, int64(len(batches))}
		batches, next = append(batches, next), &batch{}
	}
	var broken error
	for e, err := range rows {
		if err != nil {
			broken = err
			break
		}
		c.Indices, c.Draws = append(c.Indices, e.Index), c.Draws+e.Estimation.Total()
		if next.rows = append(next.rows, e); len(next.rows) == batchRows {
			send()
		}
	}
	if len(next.rows) > 0 && broken == nil {
		send()
	}
	close(jobs)
	workers.Wait()
	if broken != nil {
		return nil, broken
	}
	for m, entry := range entries {
		curve, spent, err := Curve{Method: entry.Name, Results: make([]rs.Result, 0, len(c.Indices))}, time.Duration(0), error(nil)
		for _, b := range batches {
			if err = b.failed[m]; err != nil {
				break
			}
			curve.Results, spent = append(curve.Results, b.results[m]...), spent+b.spent[m]
		}
		switch {
		case err == nil:
			c.Curves, c.Seconds = append(c.Curves, curve), append(c.Seconds, spent.Seconds())
		case names != nil:
			return nil, err
		default:
			c.Missing = append(c.Missing, err)
		}
	}
	if len(c.Curves) == 0 && len(c.Indices) > 0 {
		return nil, fmt.Errorf("no method can certify this run")
	}
	return c, nil
}

// certify certifies a batch by one method.
func (s Sampled) certify(b *batch, at int, entry rs.Entry, alpha float64) {
	begun := time.Now()
	setting := rs.Setting{Lambda: s.Run.Model.Lambda, Tau: s.Tau, Scores: s.Scores, Seed: s.Run.Seed, Float32: s.Float32}
	results := make([]rs.Result, len(b.rows))
	for i, e := range b.rows {
		setting.Bound = rs.OfExample(s.Bound, s.Run.Seed, e.Index)
		m, err := entry.New(setting)
		if err != nil {
			b.failed[at] = err
			return
		}
		certificate, err := m.Certify(e, alpha)
		if err != nil {
			b.failed[at] = fmt.Errorf("%s: %w", entry.Name, err)
			return
		}
		results[i] = rs.Result{Label: e.Label, Certificate: certificate}
	}
	b.results[at], b.spent[at] = results, time.Since(begun)
}
