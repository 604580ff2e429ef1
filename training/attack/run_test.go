package attack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// pictures are a batch as a split of a dataset.
type pictures struct{ Batch }

func (p pictures) Images(dst []float32, indices []int) error {
	for k, i := range indices {
		copy(dst[k*values:][:values], p.Batch.Images[i*values:])
	}
	return nil
}

func (p pictures) Label(i int) int { return p.Labels[i] }

func (p pictures) Shape() ([3]int, int) { return [3]int{side, side, 1}, 3 }

func (p pictures) Identity() (countlog.Dataset, error) {
	return countlog.Dataset{Name: "pictures", Hash: "of pictures", Classes: 3}, nil
}

// linearJob attacks a linear classifier without noise on 12 images, in two batches. Each is
// certified nine tenths of the way to the boundary.
func linearJob(t *testing.T) (j Job, distance []float64) {
	c, b, distance := problem(12, 3)
	of, _ := pictures{b}.Identity()
	run := &certify.Run{Run: countlog.Run{Sigma: 0.5, Dataset: of,
		Model: countlog.Model{Hash: "of a test", Lambda: rs.Claim(1)}}, Tau: -1}
	for i, r := range distance {
		e := rs.Evidence{Index: i, Label: b.Labels[i],
			Clean: rs.Clean{Class: b.Labels[i], Margin: 0.9 * r}}
		if r == 0 {
			e.Clean = rs.Clean{Class: (b.Labels[i] + 2) % 3}
		}
		run.Rows = append(run.Rows, e)
	}
	config := Default()
	config.Classifiers, config.Images, config.Steps = []string{"clean"}, 0, 10
	return Job{Run: run, Classifier: c, Images: pictures{b}, Config: config,
		Dir: filepath.Join(t.TempDir(), "attacks")}, distance
}

// A run is attacked, stopped and gone on with, to the same attacks. What is complete needs no
// device.
func TestRun(t *testing.T) {
	j, distance := linearJob(t)
	whole, err := Run(ctx, backend, j)
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Attacks) != 12 || len(whole.Beyond)+len(whole.Within) != 0 || len(whole.Gaps) != 1 {
		t.Errorf("%+v", whole)
	}
	for i, x := range whole.Attacks {
		if x.Index != i || x.Radius < distance[i]*(1-1e-6) || x.Radius > distance[i]*1.02 {
			t.Errorf("boundary at %v, found %+v", distance[i], x)
		}
	}
	if row := whole.Table([]float64{0}).Rows[1]; row[0] != "clean" || row[1] != "attack" ||
		row[2] != "0.917" { // 11 of 12
		t.Error(row)
	}
	again, err := Run(ctx, nil, j)
	if err != nil || !reflect.DeepEqual(whole, again) {
		t.Error(again, err)
	}

	stopping, stop := context.WithCancel(ctx)
	k := j
	k.Dir = filepath.Join(t.TempDir(), "stopped")
	k.Progress = func(done, total int) {
		if stop(); done != 10 || total != 12 {
			t.Errorf("%d of %d", done, total)
		}
	}
	if _, err := Run(stopping, backend, k); !errors.Is(err, context.Canceled) ||
		!strings.Contains(err.Error(), "stopped with 10 of 12 images") {
		t.Error(err)
	}
	if missing, err := k.Missing(); missing != 2 || err != nil {
		t.Error(missing, err)
	}
	k.Progress = nil
	if _, err := Run(ctx, backend, k); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{certify.AttackFile, certify.AttackImagesFile} {
		a, err := os.ReadFile(filepath.Join(j.Dir, file))
		b, err2 := os.ReadFile(filepath.Join(k.Dir, file))
		if err != nil || err2 != nil || string(a) != string(b) {
			t.Errorf("%s: stopped on the way, it differs: %v, %v", file, err, err2)
		}
	}
}

// An image without a label can't be attacked.
func TestRunUnlabelled(t *testing.T) {
	j, _ := linearJob(t)
	j.Run.Rows[3].Label = -1
	if _, err := j.Missing(); err == nil || !strings.Contains(err.Error(), "example 3 has no label") {
		t.Error(err)
	}
}

// Every setting tells attacks apart, and others are replaced where that is asked for.
func TestRunOfOthers(t *testing.T) {
	j, _ := linearJob(t)
	j.Config.Images, j.Config.Steps = 2, 3
	if _, err := Run(ctx, backend, j); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"seed": func(c *Config) { c.Seed = 2 }, "steps": func(c *Config) { c.Steps = 4 },
		"images": func(c *Config) { c.Images = 3 }, "box": func(c *Config) { c.Box = true },
		"alpha": func(c *Config) { c.Alpha = 0.01 }, "restarts": func(c *Config) { c.Restarts = 2 },
		"trial": func(c *Config) { c.Trial = 9 }, "draws": func(c *Config) { c.Draws = 9 },
		"samples": func(c *Config) { c.Samples = 9 }, "tau": func(c *Config) { c.Tau = 1 },
	} {
		k := j
		change(&k.Config)
		_, err := Run(ctx, backend, k)
		if _, ok := errors.AsType[*OtherSettingsError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	j.Config.Images, j.Replace = 1, true
	if a, err := Run(ctx, backend, j); err != nil || len(a.Attacks) != 1 {
		t.Error(a, err)
	}
}

// What is refused leaves nothing behind.
func TestRunRefuses(t *testing.T) {
	for want, change := range map[string]func(*Job){
		"sampled from model another": func(j *Job) { j.Run.Model.Hash = "another" },
		"sampled on dataset another": func(j *Job) { j.Run.Dataset.Hash = "another" },
		"example 0: label 5":         func(j *Job) { j.Run.Rows[0].Label = 5 },
		"discrete noise":             func(j *Job) { j.Run.Noise.Kind = countlog.Discrete },
		"steps 0":                    func(j *Job) { j.Config.Steps = 0 },
		"images -1":                  func(j *Job) { j.Config.Images = -1 },
		"classifier: no classifier":  func(j *Job) { j.Config.Classifiers = []string{"hard"} },
		"classifier: none":           func(j *Job) { j.Config.Classifiers = nil },
		"classifier soft: ":          func(j *Job) { j.Config.Classifiers = []string{"soft"} },
		"classifier clean: the run has no Lipschitz": func(j *Job) {
			j.Run.Model.Lambda = rs.Constant{}
		},
		"alpha 2":    func(j *Job) { j.Config.Alpha = 2 },
		"no backend": func(*Job) {},
		"the model takes [4 4 1] and knows 2": func(j *Job) {
			c := j.Classifier.(network)
			c.classes = 2
			j.Classifier = c
		},
	} {
		j, _ := linearJob(t)
		on := backend
		if change(&j); want == "no backend" {
			on = nil
		}
		if _, err := Run(ctx, on, j); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if _, err := os.Stat(j.Dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: left %s behind: %v", want, j.Dir, err)
		}
	}
}
