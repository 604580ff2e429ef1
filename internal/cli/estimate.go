package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// An estimate is of a run that isn't drawn yet, and of its tuning images.
type estimate struct {
	run, tuning countlog.Run
	start       float64 // seconds to open the device and compile
	image       float64 // seconds an image takes beside its draws
	draw        float64 // seconds a draw takes
	row         func(draws int) (bytes float64)
}

const (
	pilotImages  = 8
	pilotSeconds = 3.0
	pilotLeast   = 0.5 // seconds, of which draws are the most
	pilotGrowth  = 4   // times as many draws in the next pilot
)

// estimate draws pilots, of ever more draws until one takes some seconds, or the run's number takes half a one, into a folder that is
// deleted.
func (s *sampling) estimate(ctx context.Context, d draws) (e estimate, err error) {
	e.run, e.tuning, err = s.plan(d)
	if err != nil {
		return e, err
	}
	folder, err := os.MkdirTemp("", "lipsmooth-estimate-*")
	if err != nil {
		return e, err
	}
	defer os.RemoveAll(folder)

	images, pilots := min(pilotImages, e.run.Examples.Count), 0
	pilot := func(images, n int) (seconds, row float64, err error) {
		begun := time.Now()
		r := e.run
		r.Shard, r.Until, r.N = countlog.Shard{}, countlog.Until{}, n
		r.Examples.Stride, r.Examples.Count = r.Examples.Stride*max(1, r.Examples.Count/images), images
		pilots++
		dir := filepath.Join(folder, fmt.Sprint(pilots))
		w, err := s.create(ctx, dir, r)
		if err != nil {
			return 0, 0, err
		}
		if err := errors.Join(s.fill(ctx, w, "a pilot"), w.Close()); err != nil {
			return 0, 0, err
		}
		seconds = time.Since(begun).Seconds()
		text, err := os.ReadFile(filepath.Join(dir, countlog.CountsFile))
		return seconds, float64(len(text)-bytes.IndexByte(text, '\n')-1) / float64(images), err
	}
	if e.start, _, err = pilot(1, e.run.Block); err != nil {
		return e, err
	}
	type point struct {
		n            int
		seconds, row float64
	}
	var last [2]point
	for n := e.run.Block; ; n *= pilotGrowth {
		if n < e.run.N && e.run.N < pilotGrowth*n && last[1].n > 0 {
			n = e.run.N // whose size is then exact
		}
		p := point{n: n}
		if p.seconds, p.row, err = pilot(images, n); err != nil {
			return e, err
		}
		last[0], last[1] = last[1], p
		if last[0].n > 0 && (p.seconds > pilotSeconds || n >= e.run.N && p.seconds > pilotLeast) {
			break
		}
	}
	a, b := last[0], last[1]
	e.draw = max(1e-9, b.seconds-a.seconds) / float64(images*(b.n-a.n))
	e.image = max(0, b.seconds/float64(images)-float64(e.run.N0+b.n)*e.draw)
	// A row grows with the logarithm of the draws: by digits, and by bins that were empty.
	slope := (b.row - a.row) / math.Log(float64(b.n)/float64(a.n))
	e.row = func(draws int) float64 { return b.row + slope*math.Log(float64(draws)/float64(b.n)) }
	return e, nil
}

// of is what a run takes, the start aside.
func (e estimate) of(r countlog.Run) (seconds, size float64) {
	blocks := func(n int) float64 { return float64((n + r.Block - 1) / r.Block * r.Block) }
	images := float64(r.Examples.Count)
	return images * (e.image + e.draw*(blocks(r.N0)+blocks(r.N))), images * e.row(r.N)
}

// print says what a run into the folder dir takes.
func (e estimate) print(w io.Writer, dir string, d draws) {
	seconds, size := e.of(e.run)
	what := fmt.Sprintf("%d images of %d + %d draws", e.run.Examples.Count, e.run.N0, e.run.N)
	if e.tuning.Examples.Count > 0 {
		s, b := e.of(e.tuning)
		seconds, size = seconds+s, size+b
		what += fmt.Sprintf(", and %d of %d + %d to choose a temperature on", e.tuning.Examples.Count, e.tuning.N0, e.tuning.N)
	}
	most := ""
	if d.until.rule != "" {
		most = "at most "
	}
	fmt.Fprintf(w, "%s: %s: %s%v (%.1f s of it to start, then %.0f draws/s) and %s%s; nothing was drawn into it\n", dir, what, most,
		time.Duration((e.start+seconds)*1e9).Round(time.Second), e.start, 1/e.draw, most, byteSize(size))
}

// byteSize is a number of bytes in words.
func byteSize(n float64) string {
	for _, unit := range []string{"bytes", "KiB", "MiB", "GiB"} {
		if n < 1024 {
			return fmt.Sprintf("%.3g %s", n, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%.3g TiB", n)
}
