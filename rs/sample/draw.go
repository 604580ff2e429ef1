package sample

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// A Result says what a call drew.
type Result struct {
	Run     countlog.Run // as its folder has it
	Seconds float64      // that the call took
	Notes   []string     // what a user should know, a line each
}

// Draw draws a run of a classifier into the folder dir, its tuning images first. Draw continues a
// folder that holds part of the same run. backend may be nil for a [Host].
//
// A start that is refused, or fails before the first row, leaves no folder behind. An error comes
// with the Result so far.
func Draw(ctx context.Context, backend compute.Backend, c Classifier, images Images, p Plan,
	dir string) (Result, error) {

	d := Drawer{Classifier: c, Images: images}
	if backend != nil {
		d.Open = func(context.Context) (compute.Backend, error) { return backend, nil }
	}
	defer d.Close()
	return d.Draw(ctx, p, dir)
}

// Draw is the function [Draw] of the Drawer's classifier and images.
func (d *Drawer) Draw(ctx context.Context, p Plan, dir string) (r Result, err error) {
	begun := time.Now()
	g := drawing{Drawer: d, Plan: p, dir: dir}
	if g.run, g.tuning, err = d.runs(ctx, p); err != nil {
		return r, err
	}
	defer func() {
		if closing := g.end(ctx, err); err == nil {
			err = closing
		}
		r = Result{g.run, time.Since(begun).Seconds(), g.notes}
	}()
	if p.Until.Rule != "" {
		if p.asksTau() {
			if err := g.chooseTau(ctx); err != nil {
				return r, err
			}
		}
		g.run.Until = g.until()
		if _, _, err := g.run.Ranger(); err != nil {
			return r, fmt.Errorf("sample: until: %w", err)
		}
	}
	// The run's folder is asked first: where it holds another run, nothing is drawn for it.
	w, err := g.begin(ctx, dir, g.run)
	if err != nil {
		return r, err
	}
	g.main, g.run = w, w.Run()
	if err := g.tune(ctx); err != nil {
		return r, err
	}
	if err := g.fill(ctx, w, false); err != nil {
		return r, err
	}
	return r, g.contradicted(w)
}

// contradicted notes what the rows show against a claimed Lipschitz constant.
func (g *drawing) contradicted(w *countlog.Writer) error {
	if g.run.Model.Lambda.Proved() || !g.run.Model.Lambda.Known() {
		return nil
	}
	if err := w.Sync(); err != nil {
		return err
	}
	log, err := countlog.Open(g.dir)
	if err != nil {
		return err
	}
	err = log.Contradicted()
	if c, ok := errors.AsType[*countlog.Contradiction](err); ok {
		g.notes = append(g.notes, fmt.Sprintf("%v: no certificate will rest on it", c))
		return nil
	}
	return err
}

// drawing is one call of Draw.
type drawing struct {
	*Drawer
	Plan
	dir         string
	run, tuning countlog.Run
	main        *countlog.Writer   // nil until it is begun
	tuned       bool               // the tuning images are drawn
	writers     []*countlog.Writer // in the order in which they were begun
	notes       []string
}

// begin opens a folder to write a run in.
func (g *drawing) begin(ctx context.Context, dir string, run countlog.Run) (*countlog.Writer,
	error) {
	if err := g.look(dir, run); err != nil {
		return nil, err
	}
	w, notes, err := g.create(ctx, dir, run)
	for _, note := range notes {
		if !slices.Contains(g.notes, note) {
			g.notes = append(g.notes, note)
		}
	}
	if err == nil {
		g.writers = append(g.writers, w)
	}
	return w, err
}

// look reads all images of a run that isn't begun, so that none of them ends it on the way.
func (g *drawing) look(dir string, run countlog.Run) error {
	c, ok := g.Drawer.Images.(Checker)
	if _, err := countlog.ReadBegun(dir); !ok || !errors.Is(err, os.ErrNotExist) {
		return nil // create says what else is wrong with the folder
	}
	return c.Check(slices.Collect(run.Examples.Indices()))
}

// fill draws what a run lacks, and tells how far it is.
func (g *drawing) fill(ctx context.Context, w *countlog.Writer, tuning bool) error {
	p := Progress{Sigma: g.Sigma, Tuning: tuning, Begun: w.Count(), Total: w.Run().Examples.Count}
	each := func(done int) {
		if p.Done = done; g.Progress != nil {
			g.Progress(p)
		}
	}
	if p.Begun < p.Total {
		each(p.Begun)
	}
	return g.Fill(ctx, w, g.Batch, each)
}

// tune draws the tuning images, where there are some.
func (g *drawing) tune(ctx context.Context) error {
	if g.tuned || g.tuning.Examples.Count == 0 {
		return nil
	}
	g.tuned = true
	w, err := g.begin(ctx, filepath.Join(g.dir, countlog.TuningFolder), g.tuning)
	if err != nil {
		return err
	}
	return errors.Join(g.fill(ctx, w, true), w.Sync())
}

// chooseTau chooses the temperature that the rule asks about, on the tuning images.
func (g *drawing) chooseTau(ctx context.Context) error {
	if err := g.tune(ctx); err != nil {
		return err
	}
	foretold, err := countlog.Tuning(g.dir, g.run)
	if err != nil {
		return err
	}
	l := rs.Lipschitz{Lambda: g.run.Model.Lambda}
	g.Until.Tau, err = rs.ChooseTau(foretold, l, g.Until.Alpha)
	return err
}

// end closes the folders. After an error, a run without a row is taken back, unless it was stopped
// while it had rows for tuning, from which the same call goes on.
func (g *drawing) end(ctx context.Context, failed error) (err error) {
	back := failed != nil && (g.main == nil || g.main.Count() == 0)
	if back && ctx.Err() != nil {
		rows := func(w *countlog.Writer) bool { return w.Count() > 0 }
		back = !slices.ContainsFunc(g.writers, rows)
	}
	for _, w := range slices.Backward(g.writers) {
		if back {
			err = errors.Join(err, w.Abandon())
		} else {
			err = errors.Join(err, w.Close())
		}
	}
	return err
}
