package certify

import (
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lipsmooth/lipsmooth/rs"
)

// batchRows are certified by one goroutine at a time.
const batchRows = 64

// batch is some rows, one after the other, and what every method says of them.
type batch struct {
	at      int64 // among the batches
	rows    []*rs.Evidence
	results [][]rs.Result // by method
	failed  []error       // by method, of its first row that it can't certify
	spent   []time.Duration
}

// work certifies batches by methods.
type work struct {
	run     *Run
	config  Config
	entries []rs.Entry
	// failed is, by method, the first batch that it failed in: the method is left out, so later
	// batches needn't try.
	failed []atomic.Int64
}

// rows certifies rows with a config that fits the run; an error among them ends it.
func (r *Run) rows(rows iter.Seq2[*rs.Evidence, error], c Config) (*Result, error) {
	names, _ := c.names(r.Distances)
	w := &work{run: r, config: c, entries: make([]rs.Entry, len(names))}
	w.failed = make([]atomic.Int64, len(names))
	for i, name := range names {
		var err error
		if w.entries[i], err = rs.MethodByName(name); err != nil {
			return nil, err
		}
		w.failed[i].Store(1 << 62)
	}
	jobs := make(chan *batch, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for b := range jobs {
				w.certify(b)
			}
		})
	}
	x := &Result{Run: r, Config: c, Seconds: []float64{}}
	batches, err := x.send(rows, len(names), jobs)
	close(jobs)
	workers.Wait()
	if err != nil {
		return nil, err
	}
	return x, x.collect(w.entries, batches)
}

// send sends the rows to the workers in batches.
func (x *Result) send(rows iter.Seq2[*rs.Evidence, error], methods int,
	jobs chan<- *batch) (batches []*batch, err error) {
	next := &batch{}
	send := func() {
		next.at = int64(len(batches))
		next.results, next.failed = make([][]rs.Result, methods), make([]error, methods)
		next.spent = make([]time.Duration, methods)
		jobs <- next
		batches, next = append(batches, next), &batch{}
	}
	for e, err := range rows {
		if err != nil {
			return batches, err
		}
		x.Indices, x.Draws = append(x.Indices, e.Index), x.Draws+e.Estimation.Total()
		if next.rows = append(next.rows, e); len(next.rows) == batchRows {
			send()
		}
	}
	if len(next.rows) > 0 {
		send()
	}
	return batches, nil
}

// collect puts what the batches say of each method one after the other.
func (x *Result) collect(entries []rs.Entry, batches []*batch) error {
	_, some := x.Config.names(x.Run.Distances)
	for m, entry := range entries {
		curve := Curve{Method: entry.Name, Results: make([]rs.Result, 0, len(x.Indices))}
		var spent time.Duration
		var err error
		for _, b := range batches {
			if err = b.failed[m]; err != nil {
				break
			}
			curve.Results, spent = append(curve.Results, b.results[m]...), spent+b.spent[m]
		}
		switch {
		case err == nil:
			x.Curves, x.Seconds = append(x.Curves, curve), append(x.Seconds, spent.Seconds())
		case some:
			x.Missing = append(x.Missing, err)
		default:
			return err
		}
	}
	if len(x.Curves) == 0 && len(x.Indices) > 0 {
		return fmt.Errorf("no method can certify this run")
	}
	return nil
}

// certify certifies a batch by every method that has not failed before.
func (w *work) certify(b *batch) {
	for m := range w.entries {
		if w.failed[m].Load() < b.at {
			continue
		}
		if w.certifyBy(m, b); b.failed[m] == nil {
			continue
		}
		first := &w.failed[m]
		for old := first.Load(); b.at < old && !first.CompareAndSwap(old,
			b.at); old = first.Load() {
		}
	}
	b.rows = nil
}

// certifyBy certifies a batch by one method.
func (w *work) certifyBy(at int, b *batch) {
	begun := time.Now()
	entry, c := w.entries[at], w.config
	setting := rs.Setting{Lambda: w.run.Model.Lambda, Tau: c.Tau, Scores: c.Scores,
		Float32: c.Float32,
		Asked:   w.run.Asked(), Seed: w.run.Seed, Distances: w.run.Distances}
	results := make([]rs.Result, len(b.rows))
	for i, e := range b.rows {
		setting.Bound = rs.OfExample(c.Bound, w.run.Seed, e.Index)
		m, err := entry.New(setting)
		if err != nil {
			b.failed[at] = err
			return
		}
		certificate, err := m.Certify(e, c.Alpha)
		if err != nil {
			b.failed[at] = fmt.Errorf("%s: %w", entry.Name, err)
			return
		}
		results[i] = rs.Result{Label: e.Label, Certificate: certificate}
	}
	b.results[at], b.spent[at] = results, time.Since(begun)
}
