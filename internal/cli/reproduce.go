package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
)

// Folders in that of a main job.
const (
	modelFolder = "model"
	sweepFolder = "sigma" // runs at other noise, one a folder
)

// preset is the size of a main job.
type preset struct {
	name   string
	doc    string
	train  func(*training.Config)
	draws  draws
	sweep  []float64 // further σ, for the figure against σ
	sweepN int       // estimation draws there
	images int       // images there
}

var presets = []preset{
	{
		name: "smoke", doc: "under a minute; what tests use",
		train: func(c *training.Config) {
			c.Epochs, c.Images, c.Width, c.CheckpointEvery = 1, 3840, 8, 10
		},
		draws: draws{images: 20, tuning: 10, n0: 50, n: 200},
		sweep: []float64{0.25}, sweepN: 100, images: 10,
	},
	{
		name: "quick", doc: "a few minutes on two cores",
		train: func(*training.Config) {},
		draws: draws{images: 200, tuning: 50, n0: 100, n: 10000},
		sweep: []float64{0.12, 0.25, 0.75, 1}, sweepN: 1000, images: 200,
	},
	{
		name: "paper", doc: "n = 100,000 on 500 images, hours",
		train: func(c *training.Config) { c.Epochs, c.Width = 20, 32 },
		draws: draws{images: 500, tuning: 100, n0: 100, n: 100000},
		sweep: []float64{0.12, 0.25, 0.75, 1}, sweepN: 10000, images: 500,
	},
}

func presetNames() string {
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

func presetByName(name string) (preset, error) {
	for _, p := range presets {
		if p.name == name {
			return p, nil
		}
	}
	return preset{}, fmt.Errorf("--preset: no preset %q; known: %s", name, presetNames())
}

// job is what reproduce is asked for.
type job struct {
	preset
	data, out    string
	sigma, alpha float64
	seed         uint64
}

// run does what is not done yet, and prints the table.
func (j *job) run(ctx context.Context, w, log io.Writer) error {
	if err := cmp.Or(checkSigma(j.sigma), checkAlpha(j.alpha)); err != nil {
		return err
	}
	trainSet, testSet, err := data.Open(j.data)
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "data: %v, %v\n", trainSet, testSet)
	begun := time.Now()
	o := &opened{log: log}
	m, err := train(ctx, o, j.config(trainSet), trainSet, testSet, filepath.Join(j.out, modelFolder), terminal(w))
	if err != nil {
		return err
	}
	fmt.Fprintln(log, summary(m))
	trained := time.Since(begun).Seconds()
	sampled, err := j.sample(ctx, o, m, testSet)
	if err != nil {
		return err
	}

	l, err := load(j.out, j.alpha, -1)
	if err != nil {
		return err
	}
	results, err := l.certify("all", j.alpha)
	if err != nil {
		return err
	}
	in, err := drawing(l, j.out, j.alpha)
	if err != nil {
		return err
	}
	paths, notes, err := draw(in, nil, filepath.Join(j.out, "figures"))
	if err != nil {
		return err
	}
	l.notes = append(l.notes, notes...)
	if err := report(w, l, results, j.out, j.alpha, defaultRadii); err != nil {
		return err
	}
	fmt.Fprintf(w, "\ntraining %.0f s, sampling %.0f s, in all %.0f s on %s\nopen:\n", trained, sampled, time.Since(begun).Seconds(), l.Run.Backend)
	for _, path := range append(paths, filepath.Join(j.out, "table.tsv"), filepath.Join(j.out, "certificates.tsv")) {
		fmt.Fprintln(w, " ", path)
	}
	return nil
}

func (j *job) config(d *data.Dataset) training.Config {
	c := training.Default()
	c.Sigma, c.Seed = j.sigma, j.seed
	if d.Channels == 3 {
		c.Flip, c.Crop = true, 2
	}
	j.train(&c)
	return c
}

// sample draws the run and those at other noise. Of a small dataset half the images at most are
// taken, which leaves some to choose temperatures on.
func (j *job) sample(ctx context.Context, o *opened, m *training.Model, d *data.Dataset) (seconds float64, err error) {
	from := sampling{opened: o, model: m, data: d, block: defaultBlock}
	defer from.close()
	s := j.draws
	s.sigma, s.seed, s.images = j.sigma, j.seed, min(s.images, max(1, d.Len()/2))
	if seconds, err = from.run(ctx, j.out, s); err != nil {
		return 0, err
	}
	s.n, s.images = j.sweepN, min(j.images, s.images)
	for _, s.sigma = range j.sweep {
		if s.sigma == j.sigma {
			continue
		}
		more, err := from.run(ctx, filepath.Join(j.out, sweepFolder, fmt.Sprint(s.sigma)), s)
		if err != nil {
			return 0, err
		}
		seconds += more
	}
	return seconds, nil
}

func reproduceCommand() *cobra.Command {
	var j job
	var name string
	var doc strings.Builder
	for _, p := range presets {
		fmt.Fprintf(&doc, "  %-6s %s\n", p.name, p.doc)
	}
	c := &cobra.Command{
		Use:   "reproduce",
		Short: "The main job: train, sample, certify, draw",
		Long: `Train a Lipschitz-bounded classifier with Gaussian noise, sample its noisy predictions, certify them by
every method, draw the figures and print the table. Stopped at any point and run again with the same flags, it goes
on from what is done and ends with the same numbers.

Presets:
` + doc.String(),
		Example: "  lipsmooth reproduce --data mnist --preset quick --sigma 0.5 --out runs/mnist",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if j.preset, err = presetByName(name); err != nil {
				return err
			}
			if j.out == "" {
				j.out = filepath.Join("runs", strings.TrimSuffix(filepath.Base(j.data), filepath.Ext(j.data))+"-"+name)
			}
			return j.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&j.data, "data", "mnist", "dataset: mnist, cifar10, or a path")
	f.StringVar(&name, "preset", "quick", "size of the job: "+presetNames())
	f.Float64Var(&j.sigma, "sigma", 0.5, "standard deviation of the noise, in training and sampling, images being in [0, 1]")
	f.Float64Var(&j.alpha, "alpha", 0.001, "error probability of each certificate")
	f.Uint64Var(&j.seed, "seed", 1, "seed of everything random")
	f.StringVar(&j.out, "out", "", "folder of the job (default: runs/<data>-<preset>)")
	return c
}
