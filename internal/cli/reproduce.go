package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/lipsmooth/lipsmooth/internal/terminal"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/attack"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/spf13/cobra"
)

// preset is the size of a main job.
type preset struct {
	name    string
	doc     string
	data    string // unless --data says another; "" is mnist
	train   func(*training.Config)
	sigma   float64     // of sampling, unless --sigma says another
	draws   sample.Plan // sigma and seed are the job's
	sweep   sample.Plan // at each σ of the figure against σ
	sigmas  []float64   // those besides the job's own
	observe int         // steps to each layer's steepest slope
	attack  attack.Config
	beside  []string // what figures are drawn beside, unless --beside says another
}

var presets = []preset{
	{
		name: "smoke", sigma: 0.5, doc: "under a minute; what tests use",
		train: func(c *training.Config) {
			c.Epochs, c.Images, c.Width, c.CheckpointEvery = 1, 3840, 8, 10
		},
		draws: draws(20, 10, 50, 200),
		sweep: draws(10, 5, 50, 100), sigmas: []float64{0.25},
		observe: 5, attack: attacks(4, 2, 1, 50, 100),
	},
	{
		name: "quick", sigma: 0.5, doc: "a few minutes on two cores",
		train: func(*training.Config) {},
		draws: draws(200, 50, 100, 10000),
		sweep: draws(100, 25, 100, 1000), sigmas: []float64{0.12, 0.25, 0.5, 0.75, 1},
		observe: 50, attack: attacks(10, 10, 16, 100, 500),
	},
	{
		name: "paper", sigma: 0.5, doc: "n = 100,000 on 500 images, hours",
		train: func(c *training.Config) { c.Epochs, c.Width = 20, 32 },
		draws: draws(500, 100, 100, 100000),
		sweep: draws(500, 100, 100, 10000), sigmas: []float64{0.12, 0.25, 0.5, 0.75, 1},
		observe: training.ObserveSteps, attack: attack.Default(),
	},
	best("mnist-best", "MNIST's test split by prototypes; 45 minutes of a core", 20),
	best("cifar10-best", "CIFAR-10's test split by a network; 2 hours of a core", 100),
	best("cifar10-radius", "CIFAR-10's test split, for the average radius; 22 minutes of a core",
		100),
}

// best is the training preset of that name, trained without noise, on a whole test split. The
// certificate that counts needs no noise. So there are few draws, and attacks of so many steps on
// the classifier without noise alone. Prototypes certify most in [0, 1], so attacks stay there.
func best(name, doc string, steps int) preset {
	of, err := training.PresetByName(name)
	if err != nil {
		panic(err)
	}
	attacks := attack.Default()
	attacks.Images, attacks.Steps, attacks.Classifiers = 100, steps, []string{"clean"}
	attacks.Box = of.Config.Architecture == "prototypes"
	return preset{
		name: name, data: of.Data, doc: doc, sigma: 0.12,
		train: func(c *training.Config) {
			seed := c.Seed
			*c = of.Config
			c.Seed = seed
		},
		draws: fewDraws(10000, 50), sweep: fewDraws(200, 100), sigmas: []float64{0.25, 0.5},
		observe: 10, attack: attacks, beside: []string{figures.Published + of.Data},
	}
}

// draws is a plan of that size.
func draws(images, tuning, n0, n int) sample.Plan {
	p := sample.Default()
	p.Images, p.Tuning, p.N0, p.N = images, tuning, n0, n
	return p
}

// fewDraws is a plan of so few draws an image that a usual block would be larger.
func fewDraws(images, n int) sample.Plan {
	p := draws(images, 0, 10, n)
	p.Block = p.N0
	return p
}

// attacks are of that size.
func attacks(images, steps, samples, trial, draws int) attack.Config {
	c := attack.Default()
	c.Images, c.Steps, c.Samples, c.Trial, c.Draws = images, steps, samples, trial, draws
	return c
}

// job is what reproduce is asked for.
type job struct {
	preset
	data, out string
	alpha     float64
	seed      uint64
}

// run does what is not done yet, and prints the table.
func (j *job) run(ctx context.Context, w *terminal.Printer, log io.Writer) error {
	if err := cmp.Or(checkSigma(j.sigma), checkAlpha(j.alpha)); err != nil {
		return err
	}
	others, otherNotes, err := readOthers(j.beside, j.alpha)
	if err != nil {
		return fmt.Errorf("--beside: %w", err)
	}
	trainSet, testSet, err := data.Open(j.data)
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "data: %v, %v\n", trainSet, testSet)
	begun := time.Now()
	o := &opened{log: log}
	m, err := o.train(ctx, training.Job{Config: j.config(trainSet), Train: trainSet, Test: testSet,
		Dir: filepath.Join(j.out, certify.ModelFolder), Progress: trainingProgress(log), Log: log})
	if err != nil {
		return err
	}
	fmt.Fprintln(log, m.Summary())
	trained := time.Since(begun).Seconds()
	sampled, err := j.sample(ctx, o, m, testSet)
	if err != nil {
		return err
	}
	if err := j.bounds(m.Hash, testSet, log); err != nil {
		return err
	}
	attacking := time.Now()
	a, err := j.attackAll(ctx, o, m, testSet)
	if err != nil {
		return err
	}
	attacked := time.Since(attacking).Seconds()

	in, more, err := figures.Read(j.out, config(j.alpha, -1))
	if err != nil {
		return err
	}
	in.Beside, more = others, append(more, otherNotes...)
	run := in.Runs[0]
	x, err := run.Certify(config(j.alpha, -1))
	if err != nil {
		return err
	}
	paths, notes, err := figures.Look{Style: figures.Styles[0]}.Save(in,
		filepath.Join(j.out, "figures"))
	if err != nil {
		return err
	}
	x.Notes, x.File = slices.Concat(x.Notes, more[len(run.Notes()):], notes), testSet.File
	if err := report(w, x, j.out); err != nil {
		return err
	}
	var wrong error // an attack inside a certificate, which the page shows too
	if a != nil {
		fmt.Fprintln(w)
		wrong = reportAttacks(w, a, j.out, certify.Default().Radii)
	}
	if _, err := writePage(j.out, pagePath(j.out), testSet); err != nil {
		return err
	}
	fmt.Fprintf(w, "\ntraining %.0f s, sampling %.0f s, attacks %.0f s, in all %.0f s on %s\nopen:\n",
		trained, sampled, attacked, time.Since(begun).Seconds(),
		run.Backend)
	for _, path := range slices.Concat([]string{pagePath(j.out)}, paths,
		[]string{filepath.Join(j.out, "table.tsv"), filepath.Join(j.out, "certificates.tsv")}) {
		fmt.Fprintln(w, " ", path)
	}
	var attacks []certify.Attack
	if a != nil {
		attacks, x.Config.Box = a.Attacks, a.Settings.Box
	}
	conclude(w, x.Conclusion(attacks))
	return wrong
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

// sample draws the run and those at other noise. Where temperatures are chosen, half the images of
// a small dataset at most are taken, which leaves some to choose on.
func (j *job) sample(ctx context.Context, o *opened, m *training.Model,
	d *data.Dataset) (seconds float64, err error) {
	from := sample.Drawer{Classifier: m, Images: d, Open: o.get}
	defer from.Close()
	one := func(dir string, sigma float64, p sample.Plan) error {
		p.Sigma, p.Seed, p.Images = sigma, j.seed, min(p.Images, d.Len())
		if p.Tuning > 0 {
			p.Images = min(p.Images, max(1, d.Len()/2))
		}
		r, err := drawRun(ctx, &from, p, dir, o.log)
		seconds += r.Seconds
		return err
	}
	if err := one(j.out, j.sigma, j.draws); err != nil {
		return 0, err
	}
	// The job's own σ is sampled again: radii of unequal n don't compare.
	for _, sigma := range slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(j.sigmas),
		j.sigma)))) {
		if err := one(filepath.Join(j.out, figures.SigmaFolder, fmt.Sprint(sigma)), sigma,
			j.sweep); err != nil {
			return 0, err
		}
	}
	return seconds, nil
}

// bounds writes the table of the model's bounds, unless its folder has that. The search runs in
// pure Go, since each layer has a graph of its own: XLA would take longer to compile it. Weights
// are of one backend, so the model is loaded anew.
func (j *job) bounds(hash string, d *data.Dataset, log io.Writer) error {
	folder := filepath.Join(j.out, certify.ModelFolder)
	if has, err := training.HasBounds(folder, hash); has || err != nil {
		return err
	}
	m, err := training.Load(folder)
	if err != nil {
		return err
	}
	fmt.Fprintln(log, "bounds: looking for the steepest slope of each layer")
	on, err := device.PureGo()
	if err != nil {
		return err
	}
	defer on.Finalize()
	b := training.Bounds{Sigma: j.sigma}
	if err := b.Observe(on, m, j.observe); err != nil {
		return err
	}
	if err := b.ObserveLogits(on, m, d); err != nil {
		return err
	}
	t, _, err := b.Table(m)
	if err != nil {
		return err
	}
	return t.WriteFile(filepath.Join(folder, training.BoundsFile), b.Caption(m))
}

// attackAll attacks every classifier of the run on a few images; nil where the folder holds attacks
// with other settings, which are kept.
func (j *job) attackAll(ctx context.Context, o *opened, m *training.Model,
	d *data.Dataset) (*certify.Assessment, error) {

	run, err := certify.Load(j.out, config(j.alpha, -1))
	if err != nil {
		return nil, err
	}
	c := j.attack
	c.Alpha, c.Seed = j.alpha, j.seed
	a, err := attackRun(ctx, o, attack.Job{Run: run, Classifier: m, Images: d, Config: c, Dir: j.out},
		run.Backend)
	if other, ok := errors.AsType[*attack.OtherSettingsError](err); ok {
		fmt.Fprintf(o.log, "attacks: %s is of other settings, and kept\n", other.Path)
		return nil, nil
	}
	return a, err
}

func reproduceCommand() *cobra.Command {
	var j job
	var name string
	var sigma float64
	var beside []string
	var doc strings.Builder
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
		fmt.Fprintf(&doc, "  %-18s %s\n", p.name, p.doc)
	}
	c := &cobra.Command{
		Use:   "reproduce",
		Short: "The main job: train, sample, attack, certify, draw, report",
		Long: `Train a Lipschitz-bounded classifier with Gaussian noise, sample its noisy predictions,
look for the steepest slope of each layer beside its bound, attack a few images, certify by every
method, draw the figures, print the tables, and make one page of it all, report.html. Stopped at any
point and run again with the same flags, it goes on from what is done and ends with the same
numbers. Attacks with other settings that lie in the folder are kept. An attack inside a certificate
ends it with status 1.

Presets:
` + doc.String(),
		Example: `  lipsmooth reproduce --data mnist --preset quick --sigma 0.5 --out runs/mnist
  lipsmooth reproduce --preset smoke --out runs/smoke
  lipsmooth reproduce --data cifar10 --sigma 0.25 --out runs/cifar10`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if j.preset, err = named.Find("preset", name, presets,
				func(p preset) string { return p.name }); err != nil {
				return fmt.Errorf("--preset: %w", err)
			}
			if cmd.Flags().Changed("sigma") {
				j.sigma = sigma
			}
			if !cmd.Flags().Changed("data") {
				j.data = cmp.Or(j.preset.data, j.data)
			}
			if beside != nil || j.data != j.preset.data { // published curves are of the preset's data
				j.beside = beside
			}
			if j.out == "" {
				j.out = filepath.Join("runs", strings.TrimSuffix(filepath.Base(j.data),
					filepath.Ext(j.data))+"-"+name)
			}
			return j.run(cmd.Context(), printer(cmd), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&j.data, "data", "mnist", "dataset: mnist, cifar10, or a path; default: the preset's")
	f.StringVar(&name, "preset", "quick", "size of the job: "+strings.Join(names, ", "))
	f.Float64Var(&sigma, "sigma", 0.5,
		"standard deviation of the noise, in training and sampling, images being in [0, 1] "+
			"(presets without noise in training: 0.12, in sampling alone)")
	f.Float64Var(&j.alpha, "alpha", certify.Default().Alpha, "error probability of each certificate")
	f.Uint64Var(&j.seed, "seed", 1, "seed of everything random")
	f.StringVar(&j.out, "out", "", "folder of the job (default: runs/<data>-<preset>)")
	f.StringArrayVar(&beside, "beside", nil, besideDoc+
		"; default: published curves, where the preset trains for records")
	return c
}
