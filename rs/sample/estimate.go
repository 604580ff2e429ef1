package sample

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// An Estimate says what a run that isn't drawn yet takes, its tuning images included. With a rule
// that ends draws early, it is what the run takes at most.
type Estimate struct {
	Run, Tuning countlog.Run
	Start       float64 // seconds to open the device and compile
	Seconds     float64 // in all, Start among them
	Rate        float64 // draws a second
	Bytes       float64 // of the log
	Memory      float64 // bytes, of this process at its peak; 0 where unknown
}

// The pilot of an estimate ends after pilotPart of the job, at least pilotSeconds and at most
// pilotLongest, or after pilotShare of the draws.
const (
	pilotPart    = 0.02
	pilotSeconds = 3.0
	pilotLongest = 60.0
	pilotShare   = 0.1
	pilotRows    = 16 // whose length is taken
)

// errEnough ends a pilot.
var errEnough = errors.New("the pilot has drawn enough")

// A pilot is the beginning of a run. It records when each batch was counted.
type pilot struct {
	begun    time.Time
	left     int // blocks of the job that aren't drawn, its tuning images included
	drawn    int
	batches  []watched
	examples []*example // some that are begun
	n0       int        // draws of a selection
}

// selected are the examples whose selection is drawn.
func (p *pilot) selected() (all []*example) {
	for _, x := range p.examples {
		if x.evidence.Selection.Total() >= p.n0 {
			all = append(all, x)
		}
	}
	return all
}

// watched is a batch of a pilot.
type watched struct{ at, took, units, size float64 }

// Estimate draws the beginning of a plan's run into a folder that is deleted: a tenth of the run,
// or some seconds of it. The pace of the last batches tells the rest.
func (d *Drawer) Estimate(ctx context.Context, p Plan) (e Estimate, err error) {
	begun := time.Now()
	if e.Run, e.Tuning, err = d.runs(ctx, p); err != nil {
		return e, err
	}
	folder, err := os.MkdirTemp("", "lipsmooth-estimate-*")
	if err != nil {
		return e, err
	}
	defer os.RemoveAll(folder)
	r := e.Run
	r.Shard, r.Until = countlog.Shard{}, countlog.Until{}
	w, _, err := d.create(ctx, filepath.Join(folder, "run"), r)
	if err != nil {
		return e, err
	}
	defer w.Close()
	sampler, err := d.sampler(ctx, r, p.Batch)
	if err != nil {
		return e, err
	}
	at := pilot{begun: begun, left: blocksOf(e.Run) + blocksOf(e.Tuning), n0: r.N0}
	sampler.watch = func(b *batch) error { return at.watch(b, sampler.tuner.done) }
	defer func() { sampler.watch = nil }()
	err = d.Fill(ctx, w, p.Batch, nil)
	if err != nil && !errors.Is(err, errEnough) {
		return e, fmt.Errorf("the pilot of an estimate: %w", err)
	}
	seconds := at.pace() // a block
	e.Rate = float64(r.Block) / seconds
	e.Seconds = time.Since(begun).Seconds() + float64(at.left)*seconds
	first := at.batches[0]
	e.Start = max(0, first.at-first.units*seconds)
	e.Memory = peakMemory()
	for _, run := range []countlog.Run{e.Run, e.Tuning} {
		row, err := at.rowBytes(folder, r, run.N)
		if err != nil {
			return e, err
		}
		e.Bytes += float64(run.Examples.Count) * row
	}
	return e, nil
}

// blocksOf is how many blocks a run draws.
func blocksOf(r countlog.Run) int {
	blocks := func(draws int) int { return (draws + r.Block - 1) / r.Block }
	return r.Examples.Count * (blocks(r.N0) + blocks(r.N))
}

// watch takes a batch that was counted, and returns errEnough after the last one.
func (p *pilot) watch(b *batch, tuned bool) error {
	units := len(b.units)
	p.left, p.drawn = p.left-units, p.drawn+units
	for _, u := range b.units {
		if len(p.examples) < pilotRows && !slices.Contains(p.examples, u.example) {
			p.examples = append(p.examples, u.example)
		}
	}
	now := watched{time.Since(p.begun).Seconds(), b.seconds, float64(units), float64(b.size)}
	p.batches = append(p.batches, now)
	if len(p.batches) < 2 || len(p.selected()) == 0 {
		return nil
	}
	since := now.at - p.batches[0].at
	job := now.at + float64(p.left)*p.pace()
	budget := min(max(pilotPart*job, pilotSeconds), pilotLongest)
	settled := tuned && len(p.same()) > 5 && since >= pilotSeconds
	if settled || since >= budget || float64(p.drawn) >= pilotShare*float64(p.drawn+p.left) {
		return errEnough
	}
	return nil
}

// same are the last batches, those of one size.
func (p *pilot) same() []watched {
	from := len(p.batches) - 1
	for from > 0 && p.batches[from-1].size == p.batches[from].size {
		from--
	}
	return p.batches[from:]
}

// pace is how many seconds a block takes: from batch to batch, or in the last batch where few are
// of its size, of which two may end at once.
func (p *pilot) pace() float64 {
	b := p.same()
	last := b[len(b)-1]
	units, seconds := last.units, last.took
	if len(b) > 3 {
		units, seconds = 0, last.at-b[0].at
		for _, w := range b[1:] {
			units += w.units
		}
	}
	return max(seconds, 1e-9) / units
}

// rowBytes is about how long a row of n draws is: the mean of the examples that are begun.
func (p *pilot) rowBytes(folder string, r countlog.Run, n int) (float64, error) {
	sum := 0.0
	all := p.selected()
	for _, x := range all {
		e, r := *x.evidence, r
		if e.Stops = nil; e.Estimation.Total() == 0 {
			// Only the selection is drawn, and its part of a row is like the other one.
			e.Estimation, e.Margins, e.Scores, r.Scores = e.Selection, e.SelectionMargins, nil, nil
		}
		r.N, r.N0 = e.Estimation.Total(), e.Selection.Total()
		r.Examples = countlog.Plan{Start: e.Index, Stride: 1, Count: 1}
		dir, err := os.MkdirTemp(folder, "row-*")
		if err != nil {
			return 0, err
		}
		w, err := countlog.Create(dir, r)
		if err != nil {
			return 0, err
		}
		if err := errors.Join(w.Append(&e), w.Close()); err != nil {
			return 0, err
		}
		text, err := os.ReadFile(filepath.Join(dir, countlog.CountsFile))
		if err != nil {
			return 0, err
		}
		row := len(text) - bytes.IndexByte(text, '\n') - 1
		sum += float64(row) * rowGrowth(r.N, n)
	}
	return sum / float64(len(all)), nil
}

// rowGrowth is about how much longer a row of to draws is than one of from: its numbers get digits,
// and bins that were empty fill.
func rowGrowth(from, to int) float64 {
	return math.Pow(math.Log(float64(to)+1)/math.Log(float64(from)+1), 1.2)
}

// peakMemory is the most memory that this process had, in bytes; 0 where the system doesn't say.
func peakMemory() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	fmt.Sscan(after, &kib)
	return kib * 1024
}
