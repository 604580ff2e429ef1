package sample

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// An Estimate says what a run that isn't drawn yet takes, its tuning images included. With a rule
// that ends draws early, it is what the run takes at most.
type Estimate struct {
	Run, Tuning countlog.Run
	Start       float64  // seconds to open the device and compile
	Seconds     float64  // in all, Start among them
	Rate        float64  // draws a second
	Bytes       float64  // of the log
	Notes       []string // as those of a Result
}

const (
	pilotImages  = 8
	pilotSeconds = 3.0
	pilotLeast   = 0.5 // seconds, of which draws are the most
	pilotGrowth  = 4   // times as many draws in the next pilot
)

// cost is what pilots found.
type cost struct {
	image, draw float64                 // seconds an image takes beside its draws, and a draw
	row         func(draws int) float64 // bytes
}

// of is what a run takes, the start aside.
func (c cost) of(r countlog.Run) (seconds, size float64) {
	blocks := func(n int) float64 { return float64((n + r.Block - 1) / r.Block * r.Block) }
	images := float64(r.Examples.Count)
	return images * (c.image + c.draw*(blocks(r.N0)+blocks(r.N))), images * c.row(r.N)
}

// pilot is a short run on the images of another.
type pilot struct {
	n            int     // draws an image
	seconds, row float64 // in all, and bytes a row
}

// Estimate draws pilots of a plan into a temporary folder. Each pilot has more draws than the last,
// until one takes some seconds, or the plan's number takes half a second.
func (d *Drawer) Estimate(ctx context.Context, p Plan) (e Estimate, err error) {
	if e.Run, e.Tuning, err = d.runs(ctx, p); err != nil {
		return e, err
	}
	e.Notes = p.notes(e.Run)
	folder, err := os.MkdirTemp("", "lipsmooth-estimate-*")
	if err != nil {
		return e, err
	}
	defer os.RemoveAll(folder)
	draw := func(images, n int) (pilot, error) {
		dir, err := os.MkdirTemp(folder, "pilot-*")
		if err != nil {
			return pilot{}, err
		}
		return d.pilot(ctx, e.Run, pilotPlan{dir: dir, images: images, n: n, batch: p.Batch})
	}
	first, err := draw(1, e.Run.Block)
	if err != nil {
		return e, err
	}
	e.Start = first.seconds
	images := min(pilotImages, e.Run.Examples.Count)
	var a, b pilot
	for n := e.Run.Block; ; n *= pilotGrowth {
		if n < e.Run.N && e.Run.N < pilotGrowth*n && b.n > 0 {
			n = e.Run.N // whose size is then exact
		}
		a = b
		if b, err = draw(images, n); err != nil {
			return e, err
		}
		enough := b.seconds > pilotSeconds || n >= e.Run.N && b.seconds > pilotLeast
		if a.n > 0 && enough {
			break
		}
	}
	c := costOf(a, b, images, e.Run.N0)
	e.Seconds, e.Bytes = c.of(e.Run)
	if e.Tuning.Examples.Count > 0 {
		seconds, size := c.of(e.Tuning)
		e.Seconds, e.Bytes = e.Seconds+seconds, e.Bytes+size
	}
	e.Seconds, e.Rate = e.Seconds+e.Start, 1/c.draw
	return e, nil
}

// costOf is what two pilots of so many images say.
func costOf(a, b pilot, images, n0 int) cost {
	draw := max(1e-9, b.seconds-a.seconds) / float64(images*(b.n-a.n))
	// A row grows with the logarithm of the draws: by digits, and by bins that were empty.
	slope := (b.row - a.row) / math.Log(float64(b.n)/float64(a.n))
	return cost{
		draw:  draw,
		image: max(0, b.seconds/float64(images)-float64(n0+b.n)*draw),
		row:   func(n int) float64 { return b.row + slope*math.Log(float64(n)/float64(b.n)) },
	}
}

// pilotPlan is how a pilot differs from its run.
type pilotPlan struct {
	dir              string
	images, n, batch int
}

// pilot draws n of some images of a run.
func (d *Drawer) pilot(ctx context.Context, r countlog.Run, p pilotPlan) (pilot, error) {
	begun := time.Now()
	r.Shard, r.Until, r.N = countlog.Shard{}, countlog.Until{}, p.n
	r.Examples.Stride *= max(1, r.Examples.Count/p.images)
	r.Examples.Count = p.images
	w, _, err := d.create(ctx, p.dir, r)
	if err == nil {
		err = errors.Join(d.Fill(ctx, w, p.batch, nil), w.Close())
	}
	if err != nil {
		return pilot{}, fmt.Errorf("a pilot: %w", err)
	}
	done := pilot{n: p.n, seconds: time.Since(begun).Seconds()}
	text, err := os.ReadFile(filepath.Join(p.dir, countlog.CountsFile))
	done.row = float64(len(text)-bytes.IndexByte(text, '\n')-1) / float64(p.images)
	return done, err
}
