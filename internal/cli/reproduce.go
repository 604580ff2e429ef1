package cli

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
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
	doc    string
	train  func(*training.Config)
	draws  draws
	sweep  []float64 // further σ, for the figure against σ
	sweepN int       // estimation draws there
	images int       // images there
}

var presets = map[string]preset{
	"smoke": {
		doc: "under a minute; what tests use",
		train: func(c *training.Config) {
			c.Epochs, c.Images, c.Width, c.CheckpointEvery = 1, 3840, 8, 10
		},
		draws: draws{images: 20, tuning: 10, n0: 50, n: 200},
		sweep: []float64{0.25}, sweepN: 100, images: 10,
	},
	"quick": {
		doc:   "a few minutes on two cores",
		train: func(*training.Config) {},
		draws: draws{images: 200, tuning: 50, n0: 100, n: 10000},
		sweep: []float64{0.12, 0.25, 0.75, 1}, sweepN: 1000, images: 200,
	},
	"paper": {
		doc:   "n = 100,000 on 500 images, hours",
		train: func(c *training.Config) { c.Epochs, c.Width = 20, 32 },
		draws: draws{images: 500, tuning: 100, n0: 100, n: 100000},
		sweep: []float64{0.12, 0.25, 0.75, 1}, sweepN: 10000, images: 500,
	},
}

func presetNames() string { return strings.Join(slices.Sorted(maps.Keys(presets)), ", ") }

func reproduceCommand() *cobra.Command {
	var ref, name, out string
	var sigma, alpha float64
	var seed uint64
	var doc strings.Builder
	for _, name := range []string{"smoke", "quick", "paper"} {
		fmt.Fprintf(&doc, "  %-6s %s\n", name, presets[name].doc)
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
			ctx, w, log := cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			p, ok := presets[name]
			if !ok {
				return fmt.Errorf("no preset %q; known: %s", name, presetNames())
			}
			if !(sigma > 0 && sigma < 100) {
				return fmt.Errorf("--sigma %v: must be positive, in units of images in [0, 1]", sigma)
			}
			if !(0 < alpha && alpha < 1) {
				return fmt.Errorf("--alpha %v: must lie between 0 and 1", alpha)
			}
			if out == "" {
				out = filepath.Join("runs", strings.TrimSuffix(filepath.Base(ref), filepath.Ext(ref))+"-"+name)
			}
			trainSet, testSet, err := data.Open(ref)
			if err != nil {
				return err
			}
			config := training.Default()
			config.Sigma, config.Seed = sigma, seed
			if trainSet.Channels == 3 {
				config.Flip, config.Crop = true, 2
			}
			p.train(&config)
			begun := time.Now()
			o := &opened{log: log}
			if err := o.open(ctx); err != nil {
				return err
			}
			fmt.Fprintf(log, "backend: %s\ndata: %v, %v\n", o.Info, trainSet, testSet)
			m, err := training.Train(ctx, o.backend, config, trainSet, testSet, filepath.Join(out, modelFolder), training.Options{
				Bar: terminal(w), Log: log, Versions: o.Versions,
			})
			if err != nil {
				return err
			}
			trained := time.Since(begun).Seconds()
			fmt.Fprintln(log, summary(m))

			d := p.draws
			d.sigma, d.seed, d.block = sigma, seed, defaultBlock
			sampled, err := sampling(ctx, o, m, modelName(m), testSet, out, d, log)
			if err != nil {
				return err
			}
			for _, other := range p.sweep {
				if other == sigma {
					continue
				}
				s := d
				s.sigma, s.n, s.images = other, p.sweepN, p.images
				t, err := sampling(ctx, o, m, modelName(m), testSet, filepath.Join(out, sweepFolder, fmt.Sprint(other)), s, log)
				if err != nil {
					return err
				}
				sampled += t
			}

			l, err := load(out, alpha, -1)
			if err != nil {
				return err
			}
			results, err := l.certify("all", alpha)
			if err != nil {
				return err
			}
			in, err := drawing(l, out, alpha)
			if err != nil {
				return err
			}
			paths, notes, err := draw(in, nil, filepath.Join(out, "figures"))
			if err != nil {
				return err
			}
			l.notes = append(l.notes, notes...)
			if err := report(w, l, results, out, alpha, defaultRadii); err != nil {
				return err
			}
			fmt.Fprintf(w, "\ntraining %.0f s, sampling %.0f s, in all %.0f s on %s\nopen:\n", trained, sampled, time.Since(begun).Seconds(), o)
			for _, path := range append(paths, filepath.Join(out, "table.tsv"), filepath.Join(out, "certificates.tsv")) {
				fmt.Fprintln(w, " ", path)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&ref, "data", "mnist", "dataset: mnist, cifar10, or a path")
	f.StringVar(&name, "preset", "quick", "size of the job: "+presetNames())
	f.Float64Var(&sigma, "sigma", 0.5, "standard deviation of the noise, in training and sampling, images being in [0, 1]")
	f.Float64Var(&alpha, "alpha", 0.001, "error probability of each certificate")
	f.Uint64Var(&seed, "seed", 1, "seed of everything random")
	f.StringVar(&out, "out", "", "folder of the job (default: runs/<data>-<preset>)")
	return c
}
