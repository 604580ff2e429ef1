package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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

// check names the first flag that is out of range.
func (s draws) check() error {
	if err := checkSigma(s.sigma); err != nil {
		return err
	}
	for _, f := range []struct {
		flag         string
		value, least int
	}{{"images", s.images, 0}, {"tuning", s.tuning, 0}, {"n0", s.n0, 1}, {"n", s.n, 1}, {"block", s.block, 1}} {
		if err := checkLeast(f.flag, f.value, f.least); err != nil {
			return err
		}
	}
	return nil
}

// plans are the images of a run and others, to choose a temperature on.
func (s draws) plans(size int) (run, tuning countlog.Plan, err error) {
	run = countlog.Every(size)
	if s.images > 0 {
		run = countlog.Spread(size, s.images)
	}
	if s.tuning == 0 {
		return run, tuning, nil
	}
	if run.Stride < 2 {
		return run, tuning, fmt.Errorf("%d of %d images leave none to choose a temperature on: sample at most %d, or give --tuning 0", run.Count, size, size/2)
	}
	// Halfway between the images of the run.
	count := min(s.tuning, run.Count)
	return run, countlog.Plan{Start: run.Start + run.Stride/2, Stride: run.Count / count * run.Stride, Count: count}, nil
}

// tuningDraws of the estimation draw are enough to choose a temperature.
const tuningDraws = 1000

// marginRadius is the margin that the last bin of the histograms starts at, in units of Λ.
const marginRadius = 4

// sampling draws a run and its tuning images into the folder out. What is complete needs no device.
// Seconds count this call alone.
func sampling(ctx context.Context, o *opened, m *training.Model, d *data.Dataset, out string, s draws, log io.Writer) (seconds float64, err error) {
	if err := m.Fits(d); err != nil {
		return 0, err
	}
	hash, err := d.Hash()
	if err != nil {
		return 0, err
	}
	plan, tuning, err := s.plans(d.Len())
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	run := countlog.Run{
		Format:     countlog.Format,
		Model:      countlog.Model{Name: modelName(m), Hash: m.Hash, Lambda: m.Lambda.Value(), LambdaSource: countlog.Proved},
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
	// The run's folder is asked first: where it holds another run, nothing is drawn for it.
	w, err := openRun(ctx, o, out, run, log)
	if err != nil {
		return 0, err
	}
	defer w.Close()
	what := fmt.Sprintf("sampling σ=%g", s.sigma)
	if s.tuning > 0 {
		run.Examples, run.N = tuning, min(s.n, tuningDraws)
		t, err := openRun(ctx, o, filepath.Join(out, tuningFolder), run, log)
		if err != nil {
			return 0, err
		}
		defer t.Close()
		if err := fill(ctx, o, m, d, t, what+" (for the temperature)", log); err != nil {
			return 0, err
		}
	}
	err = fill(ctx, o, m, d, w, what, log)
	return time.Since(begun).Seconds(), err
}

// openRun opens a run's folder to write in. A new run opens the device, which run.json names.
func openRun(ctx context.Context, o *opened, dir string, run countlog.Run, log io.Writer) (*countlog.Writer, error) {
	there, err := countlog.ReadRun(dir)
	switch {
	case err == nil:
		run.Backend = there.Backend
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	default:
		if err := o.open(ctx); err != nil {
			return nil, err
		}
		run.Backend, run.Versions, run.Created = o.String(), o.Versions, time.Now().UTC().Truncate(time.Second)
	}
	w, err := countlog.Create(dir, run)
	if err == nil && w.Dropped() != nil {
		fmt.Fprintln(log, "sampling: dropped an incomplete line:", w.Dropped())
	}
	return w, err
}

// fill draws the rows that a run lacks.
func fill(ctx context.Context, o *opened, m *training.Model, d *data.Dataset, w *countlog.Writer, what string, log io.Writer) error {
	run := w.Run()
	if w.Count() == run.Examples.Count {
		return nil
	}
	if err := o.open(ctx); err != nil {
		return err
	}
	if o.String() != run.Backend {
		return fmt.Errorf("%s: %d of %d examples were drawn on backend %s; this is %s, whose draws may differ: set GOMLX_BACKEND, or choose another --out",
			what, w.Count(), run.Examples.Count, run.Backend, o)
	}
	sampler, err := sample.New(o.backend, sample.Classifier{
		Logits: m.Logits, Store: m.Store, Size: [3]int{d.Height, d.Width, d.Channels}, Classes: d.Classes(),
	}, sample.Settings{Block: run.Block, Edges: run.Edges()})
	if err != nil {
		return err
	}
	defer sampler.Close()
	return sampler.Run(ctx, w, d, progress(log, what, "images", w.Count(), run.Examples.Count))
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
		Args:    one("model's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.check(); err != nil {
				return err
			}
			m, err := training.Load(args[0])
			if err != nil {
				return err
			}
			if ref == "" {
				ref = m.Dataset
			}
			d, err := data.Load(ref, data.Test)
			if err != nil {
				if !cmd.Flags().Changed("data") {
					err = fmt.Errorf("%w; the model was trained on it: give its path with --data", err)
				}
				return err
			}
			o := &opened{log: cmd.ErrOrStderr()}
			seconds, err := sampling(cmd.Context(), o, m, d, out, s, cmd.ErrOrStderr())
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
	f.IntVar(&s.tuning, "tuning", s.tuning, "other images, to choose the temperature of soft votes on; no more than --images")
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
