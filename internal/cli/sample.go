package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
)

// tuningFolder lies in a run's folder: the same classifier and noise on other images, from which the
// temperature of soft votes is chosen.
const tuningFolder = "tuning"

// draws says how much to sample.
type draws struct {
	sigma  float64
	images int // 0 is every one
	tuning int // images outside those, for the temperature
	n0, n  int
	seed   uint64
	block  int
}

// tuningDraws of the estimation draw are enough to choose a temperature.
const tuningDraws = 1000

// marginRadius is the margin that the last bin of the histograms starts at, in units of Λ.
const marginRadius = 4

// sampling draws a run and its tuning images into the folder out. Seconds count this call alone.
func sampling(ctx context.Context, o *opened, m *training.Model, name string, d *data.Dataset, out string, s draws, log io.Writer) (seconds float64, err error) {
	if err := m.Fits(d); err != nil {
		return 0, err
	}
	hash, err := d.Hash()
	if err != nil {
		return 0, err
	}
	plan := countlog.Every(d.Len())
	if s.images > 0 {
		plan = countlog.Spread(d.Len(), s.images)
	}
	run := countlog.Run{
		Format:     countlog.Format,
		Model:      countlog.Model{Name: name, Hash: m.Hash, Lambda: m.Lambda.Value(), LambdaSource: countlog.Proved},
		Dataset:    countlog.Dataset{Name: d.Name, Hash: hash, Split: d.Split, Classes: d.Classes(), Size: d.Len()},
		Examples:   plan,
		Sigma:      s.sigma,
		N0:         s.n0,
		N:          s.n,
		Seed:       s.seed,
		Block:      s.block,
		MarginMax:  float64(float32(marginRadius * m.Lambda.Value())),
		MarginBins: countlog.DefaultMarginBins,
	}
	if s.tuning > 0 && plan.Stride < 2 {
		return 0, fmt.Errorf("no images are left to choose a temperature from: sample fewer than %d, or none with --tuning 0", d.Len())
	}
	begun := time.Now()
	one := func(run countlog.Run, dir, what string) error {
		if done, err := finished(dir, run); done || err != nil {
			return err
		}
		if err := o.open(ctx); err != nil {
			return err
		}
		run.Backend, run.Versions, run.Created = o.String(), o.Versions, time.Now().UTC().Truncate(time.Second)
		w, err := countlog.Create(dir, run)
		if err != nil {
			return err
		}
		defer w.Close()
		if dropped := w.Dropped(); dropped != nil {
			fmt.Fprintln(log, "sampling: dropped an incomplete line:", dropped)
		}
		sampler, err := sample.New(o.backend, sample.Classifier{
			Logits: m.Logits, Store: m.Store, Size: [3]int{d.Height, d.Width, d.Channels}, Classes: d.Classes(),
		}, sample.Settings{Block: run.Block, Edges: run.Edges()})
		if err != nil {
			return err
		}
		defer sampler.Close()
		if err := sampler.Run(ctx, w, d, progress(log, what, "images", w.Count(), run.Examples.Count)); err != nil {
			return err
		}
		return w.Close()
	}
	if s.tuning > 0 {
		t := run
		// Halfway between the images of the run.
		t.Examples = countlog.Spread(d.Len(), min(s.tuning, plan.Count))
		t.Examples.Stride = max(1, plan.Count/t.Examples.Count) * plan.Stride
		t.Examples.Start = plan.Start + plan.Stride/2
		t.N = min(s.n, tuningDraws)
		if err := one(t, filepath.Join(out, tuningFolder), fmt.Sprintf("sampling σ=%g (for the temperature)", s.sigma)); err != nil {
			return 0, err
		}
	}
	err = one(run, out, fmt.Sprintf("sampling σ=%g", s.sigma))
	return time.Since(begun).Seconds(), err
}

// finished reports whether the folder holds every row of this run, so that no device is needed.
func finished(dir string, want countlog.Run) (bool, error) {
	log, err := countlog.Open(dir)
	if err != nil {
		return false, nil // countlog.Create says what is wrong, if anything is
	}
	have := log.Run
	want.Backend, want.Versions, want.Created = have.Backend, nil, time.Time{}
	have.Versions, have.Created = nil, time.Time{}
	if fmt.Sprint(have) != fmt.Sprint(want) {
		return false, nil
	}
	n, err := log.Count()
	return err == nil && n == log.Planned(), nil
}

func sampleCommand() *cobra.Command {
	s := draws{sigma: 0.5, images: 200, tuning: 50, n0: 100, n: 10000, seed: 1, block: defaultBlock}
	var ref, out string
	c := &cobra.Command{
		Use:   "sample MODEL",
		Short: "Sample a model's predictions under noise into a run's folder",
		Long: `Sample the predictions of a trained model under Gaussian noise on the test split and keep the votes
and margin histograms as a run: run.json and a table with one line an image. Stopped and started again with the
same flags, it goes on where it stopped.`,
		Example: "  lipsmooth sample models/mnist-0.25 --sigma 0.25 --n 10000 --out runs/mnist-0.25",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := training.Load(args[0])
			if err != nil {
				return err
			}
			if ref == "" {
				ref = m.Dataset
			}
			d, err := data.Load(ref, data.Test)
			if err != nil {
				return err
			}
			o := &opened{log: cmd.ErrOrStderr()}
			seconds, err := sampling(cmd.Context(), o, m, modelName(m), d, out, s, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: complete after %.1f s; next: lipsmooth certify %s\n", out, seconds, out)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&ref, "data", "", "dataset: mnist, cifar10, or a path; default: the one trained on")
	f.StringVar(&out, "out", "run", "folder of the run")
	f.Float64Var(&s.sigma, "sigma", s.sigma, "standard deviation of the noise, images being in [0, 1]")
	f.IntVar(&s.images, "images", s.images, "how many, spread over the test split; 0 is all")
	f.IntVar(&s.tuning, "tuning", s.tuning, "further images, to choose the temperature of soft votes on")
	f.IntVar(&s.n0, "n0", s.n0, "draws an image to select the class with")
	f.IntVar(&s.n, "n", s.n, "draws an image to estimate with")
	f.Uint64Var(&s.seed, "seed", s.seed, "seed of the noise")
	f.IntVar(&s.block, "block", s.block, "draws a block, part of the run's settings")
	return c
}

// defaultBlock draws at once are near the best rate on a CPU.
const defaultBlock = 100

// modelName is what runs and captions call a model.
func modelName(m *training.Model) string {
	return fmt.Sprintf("%s-%s-%d", m.Config.Architecture, m.Config.Convolution, m.Config.Width)
}
