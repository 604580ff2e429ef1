package sample_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// served is a classifier on the host, with a claimed Lipschitz constant or none.
type served struct {
	sample.Predictor
	lambda float64
}

func (served) Shape() ([3]int, int) { return size, classes }

func (s served) Identity() countlog.Model { return identity("served", s.lambda) }

func identity(name string, lambda float64) countlog.Model {
	m := countlog.Model{Name: name, Hash: name}
	if lambda > 0 {
		m.Lambda = rs.Claim(lambda)
	}
	return m
}

func (served) MarginError(float64) (float64, error) { return 0, nil }

func (served) Runtime() (string, map[string]string) {
	return "Go", map[string]string{"served": "1"}
}

func (s served) At(sigma float64) (sample.Predictor, error) {
	if sigma > 10 {
		return nil, errors.New("too much noise")
	}
	return s.Predictor, nil
}

// onGraph is a classifier on a backend.
type onGraph struct {
	network
	lambda float64
}

func (g onGraph) Identity() countlog.Model { return identity("graph", g.lambda) }

func (onGraph) MarginError(reach float64) (float64, error) { return 1e-6 * reach, nil }

// small is a plan of 10 images of the 40, and 5 for tuning.
func smallPlan() sample.Plan {
	p := sample.Default()
	p.Sigma, p.Images, p.Tuning, p.N0, p.N, p.Block = 0.3, 10, 5, 20, 200, 50
	return p
}

func text(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A run is drawn after its tuning images, is complete then, and goes on to the same bytes where it
// was stopped.
func TestDraw(t *testing.T) {
	c, dir := served{newPlain(), 3}, filepath.Join(t.TempDir(), "runs", "a")
	draw := func(ctx context.Context, dir string, progress func(sample.Progress)) (sample.Result,
		error) {
		p := smallPlan()
		p.Progress = progress
		return sample.Draw(ctx, nil, c, pictures{}, p, dir)
	}
	var seen []sample.Progress
	r, err := draw(context.Background(), dir, func(p sample.Progress) { seen = append(seen, p) })
	if err != nil {
		t.Fatal(err)
	}
	run, err := countlog.ReadRun(dir)
	if err != nil || run.Backend != "Go" || run.Versions["served"] != "1" || run.MarginMax != 12 ||
		run.Examples.Count != 10 || r.Run.Created != run.Created || r.Run.Seed != 1 {
		t.Errorf("%+v, %+v, %v", run, r.Run, err)
	}
	last := sample.Progress{Sigma: 0.3, Done: 10, Total: 10}
	if len(seen) != 17 || !seen[0].Tuning || seen[5].Done != 5 || seen[6].Tuning || seen[16] != last {
		t.Errorf("progress %+v", seen)
	}
	again, err := draw(context.Background(), dir, func(sample.Progress) { t.Error("drawn again") })
	if err != nil || again.Run.Created != run.Created {
		t.Errorf("%+v, %v", again, err)
	}

	for _, tuning := range []bool{true, false} {
		stopped := filepath.Join(t.TempDir(), "run")
		ctx, cancel := context.WithCancel(context.Background())
		_, err = draw(ctx, stopped, func(p sample.Progress) {
			if p.Tuning == tuning && p.Done == 3 {
				cancel()
			}
		})
		cancel()
		refused(t, err, "stopped with", "the same command goes on")
		if _, err := draw(context.Background(), stopped, nil); err != nil {
			t.Fatal(err)
		}
		for _, folder := range []string{"", countlog.TuningFolder} {
			if text(t, stopped, folder, countlog.CountsFile) != text(t, dir, folder, countlog.CountsFile) {
				t.Errorf("stopped, the run has other rows in %q", folder)
			}
		}
	}

	other := smallPlan()
	other.Sigma = 0.4
	_, err = sample.Draw(context.Background(), nil, c, pictures{}, other, dir)
	refused(t, err, "holds another run: sigma is 0.3 there, 0.4 here")
	if _, err := os.Stat(filepath.Join(dir, countlog.RunFile)); err != nil {
		t.Error(err)
	}
}

// Examples drawn again have the counts of the run. The margin error is that of the log.
func TestAgain(t *testing.T) {
	c, dir := served{newPlain(), 3}, filepath.Join(t.TempDir(), "run")
	p := smallPlan()
	p.Images = 12 // which don't divide the 40 of the dataset
	r, err := sample.Draw(t.Context(), nil, c, pictures{}, p, dir)
	if err != nil {
		t.Fatal(err)
	}
	log, err := countlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := log.All()
	if err != nil {
		t.Fatal(err)
	}
	d := sample.Drawer{Classifier: c, Images: pictures{}}
	defer d.Close()
	var some []int
	for _, e := range rows[:5] {
		some = append(some, e.Index)
	}
	drawn, err := d.Again(t.Context(), log.Run, some, nil)
	if err != nil || len(drawn) != 5 {
		t.Fatal(len(drawn), err)
	}
	clean, err := d.Clean(t.Context(), log.Run, some, nil)
	if err != nil || clean[4] != rows[4].Clean {
		t.Errorf("%v without noise, logged %v, %v", clean, rows[4].Clean, err)
	}
	if err := d.CheckMarginMax(t.Context(), log.Run); err != nil {
		t.Error(err)
	}
	wider := log.Run
	wider.MarginMax *= 4
	refused(t, d.CheckMarginMax(t.Context(), wider), "margin_max")
	for _, e := range drawn {
		i := slices.IndexFunc(rows, func(row rs.Evidence) bool { return row.Index == e.Index })
		if !reflect.DeepEqual(rows[i], e) {
			t.Errorf("%+v, drawn again %+v", rows[i], e)
		}
	}
	if off, err := sample.MarginError(c, log.Run); off != r.Run.MarginError || err != nil {
		t.Errorf("margin error %v, %v, logged %v", off, err, r.Run.MarginError)
	}
	log.Run.Backend = "another"
	_, err = d.Again(t.Context(), log.Run, some, nil)
	refused(t, err, "drawn on backend another; this is Go")
	log.Run.Model.Random = true
	_, err = d.Again(t.Context(), log.Run, some, nil)
	refused(t, err, "answers by chance")
}

// unlucky has an image that can't be read: the first of the run.
type unlucky struct{ pictures }

func (u unlucky) Images(dst []float32, indices []int) error {
	if slices.Contains(indices, 0) {
		return errors.New("no such image")
	}
	return u.pictures.Images(dst, indices)
}

// A start that is refused, or fails before the first row, leaves no folder.
func TestDrawRefused(t *testing.T) {
	above := t.TempDir()
	nan := wrong{newPlain(), func(z []float32) ([]float32, error) {
		z[0] = float32(math.NaN())
		return z, nil
	}}
	for says, c := range map[string]struct {
		change func(*sample.Plan)
		c      sample.Classifier
		images sample.Images
	}{
		"sigma 0: must be positive":   {change: func(p *sample.Plan) { p.Sigma = 0 }},
		"n0 0: must be at least 1":    {change: func(p *sample.Plan) { p.N0 = 0 }},
		"noise pink: known":           {change: func(p *sample.Plan) { p.Noise = "pink" }},
		"want at most as many shards": {change: func(p *sample.Plan) { p.Shard.Of = 11 }},
		"leaves none for tuning":      {change: func(p *sample.Plan) { p.Images = 0 }},
		"method: no method": {change: func(p *sample.Plan) {
			p.Until.Rule, p.Until.Method = "radius>=1", "best"
		}},
		"too much noise":             {change: func(p *sample.Plan) { p.Sigma = 11 }},
		"need a Lipschitz constant":  {c: served{newPlain(), 0}},
		"NaN or infinite":            {c: served{nan, 3}},
		"no backend is given":        {c: onGraph{dense(nil), 3}},
		"images 1×1×63 of 5 classes": {images: small{}},
		"no such image":              {images: unlucky{}},
	} {
		p, m, images := smallPlan(), sample.Classifier(served{newPlain(), 3}), sample.Images(pictures{})
		if c.change != nil {
			c.change(&p)
		}
		if c.c != nil {
			m = c.c
		}
		if c.images != nil {
			images = c.images
		}
		_, err := sample.Draw(context.Background(), nil, m, images, p, filepath.Join(above, "a", "b"))
		refused(t, err, says)
		if files, _ := os.ReadDir(above); len(files) > 0 {
			t.Fatalf("%s: %s is left", says, files[0].Name())
		}
	}
}

// On a backend, run.json names it, and margins without a Lipschitz constant are looked for.
func TestDrawOnBackend(t *testing.T) {
	onEach(t, func(t *testing.T, b compute.Backend) {
		p := smallPlan()
		p.Tuning = 0
		for _, lambda := range []float64{0, 2} {
			dir := filepath.Join(t.TempDir(), "run")
			r, err := sample.Draw(context.Background(), b, onGraph{dense(nil), lambda}, pictures{}, p, dir)
			if err != nil {
				t.Fatal(err)
			}
			e, _ := math.Frexp(r.Run.MarginMax)
			if !strings.HasPrefix(r.Run.Backend, b.String()) || r.Run.Versions["go"] == "" ||
				lambda > 0 && r.Run.MarginMax != 8 || e != 0.5 || !(r.Run.MarginError > 0) {
				t.Errorf("Λ = %v: %+v", lambda, r.Run)
			}
			if log, err := countlog.Open(dir); err != nil || log.Run.Examples.Count != 10 {
				t.Errorf("%v", err)
			}
		}
	})
}

// A rule that asks about soft votes asks at a temperature chosen on the tuning images, drawn first.
func TestDrawUntil(t *testing.T) {
	p := smallPlan()
	p.N, p.Until.Rule, p.Until.Method = 2000, "radius>=0.01", "lipschitz"
	dir := filepath.Join(t.TempDir(), "run")
	r, err := sample.Draw(context.Background(), nil, served{newPlain(), 3}, pictures{}, p, dir)
	if err != nil {
		t.Fatal(err)
	}
	u := r.Run.Until
	if u.Tau < 0 || u.Stops[len(u.Stops)-1] != 2000 || !strings.Contains(text(t, dir, "run.json"),
		`"lipschitz"`) {
		t.Errorf("%+v", u)
	}
	if tuning, err := countlog.ReadRun(filepath.Join(dir, countlog.TuningFolder)); err != nil ||
		tuning.Until.Rule != "" {
		t.Errorf("tuning: %+v, %v", tuning, err)
	}
	p.Tuning = 0
	refused(t, p.Check(), "until: lipschitz asks for a temperature")
	p.Until.Method = "twobound"
	if err := p.Check(); err != nil {
		t.Error(err)
	}
}

// An estimate counts the bytes of the log it doesn't draw.
func TestEstimate(t *testing.T) {
	p := smallPlan()
	p.N = 1000
	c := served{newPlain(), 3}
	d := sample.Drawer{Classifier: c, Images: pictures{}}
	defer d.Close()
	e, err := d.Estimate(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := d.Draw(context.Background(), p, dir); err != nil {
		t.Fatal(err)
	}
	is := len(text(t, dir, countlog.CountsFile)) + len(text(t, dir, countlog.TuningFolder,
		countlog.CountsFile))
	if math.Abs(e.Bytes-float64(is)) > 0.3*float64(is) || !(e.Seconds > e.Start) || e.Rate <= 0 ||
		e.Tuning.Examples.Count != 5 {
		t.Errorf("%+v, and the log has %d bytes", e, is)
	}
}

// spoiled are pictures of which one can't be read.
type spoiled struct {
	pictures
	bad int
}

func (s spoiled) Check(indices []int) error {
	if slices.Contains(indices, s.bad) {
		return fmt.Errorf("image %d is broken", s.bad)
	}
	return nil
}

// The images of a run are looked at before its folder is made, and no others.
func TestDrawLooksFirst(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	p := smallPlan()
	p.Tuning = 0
	c := served{newPlain(), 3}
	if _, err := sample.Draw(t.Context(), nil, c, spoiled{bad: 36}, p, dir); err == nil ||
		!strings.Contains(err.Error(), "image 36 is broken") {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("a folder is left")
	}
	if _, err := sample.Draw(t.Context(), nil, c, spoiled{bad: 37}, p, dir); err != nil {
		t.Error(err)
	}
}
