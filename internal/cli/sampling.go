package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// tuningDraws of the estimation draw are enough to choose a temperature.
const tuningDraws = 1000

// sampling draws from a classifier on a dataset, made ready once for all runs. What is complete needs no device.
type sampling struct {
	classifier
	log      io.Writer
	data     *data.Dataset
	block    int                        // draws that a stream of random numbers is for
	batch    int                        // blocks at once; 0 is found
	samplers map[string]*sample.Sampler // by what they are made for
}

// of returns the sampler of a run, made when it is needed first.
func (s *sampling) of(run countlog.Run) (*sample.Sampler, error) {
	key := fmt.Sprint(run.Scores, run.Noise)
	if _, compiled := s.classifier.(*trainedModel); run.Noise != (countlog.Noise{}) || !compiled { // which serves every σ
		key += fmt.Sprint(run.Sigma)
	}
	if p := s.samplers[key]; p != nil {
		return p, nil
	}
	settings, err := sample.SettingsOf(run)
	if err != nil {
		return nil, err
	}
	settings.Batch = s.batch
	p, err := s.sampler(s.data, run, settings)
	if err != nil {
		return nil, err
	}
	if s.samplers == nil {
		s.samplers = map[string]*sample.Sampler{}
	}
	s.samplers[key] = p
	return p, nil
}

func (s *sampling) close() {
	for _, p := range s.samplers {
		p.Close()
	}
}

// run draws a run and its tuning images into the folder dir. Seconds count this call alone.
func (s *sampling) run(ctx context.Context, dir string, d draws) (seconds float64, err error) {
	begun := time.Now()
	run, tuning, err := s.plan(d)
	if err != nil {
		return 0, err
	}
	what := fmt.Sprintf("sampling σ=%g", d.sigma)
	tune := func() error {
		t, err := s.create(ctx, filepath.Join(dir, countlog.TuningFolder), tuning)
		if err != nil {
			return err
		}
		return errors.Join(s.fill(ctx, t, what+" (for the temperature)"), t.Close())
	}
	if d.until.rule != "" {
		if d.until.method == "lipschitz" && d.until.tau < 0 {
			if d.until.tau, err = s.chooseTau(dir, d, run, tune); err != nil {
				return 0, err
			}
		}
		run.Until = d.until.of(run.N, run.Block)
		if _, _, err := run.Ranger(); err != nil {
			return 0, fmt.Errorf("--until with --method: %w", err)
		}
	}
	// The run's folder is asked first: where it holds another run, nothing is drawn for it.
	w, err := s.create(ctx, dir, run)
	if err != nil {
		return 0, err
	}
	defer w.Close()
	if tuning.Examples.Count > 0 {
		if err := tune(); err != nil {
			return 0, err
		}
	}
	err = s.fill(ctx, w, what)
	return time.Since(begun).Seconds(), err
}

// chooseTau draws the tuning images and chooses the temperature of the soft votes that a rule asks about.
func (s *sampling) chooseTau(dir string, d draws, run countlog.Run, tune func() error) (float64, error) {
	if d.tuning == 0 {
		return 0, fmt.Errorf("--until with --method lipschitz needs a temperature: give --tau, or images to choose it on (--tuning)")
	}
	if err := tune(); err != nil {
		return 0, err
	}
	foretold, err := countlog.Tuning(dir, run)
	if err != nil {
		return 0, err
	}
	return rs.ChooseTau(foretold, rs.Lipschitz{Lambda: run.Model.Lambda}, d.until.alpha)
}

// plan says what is to be drawn.
func (s *sampling) plan(d draws) (run, tuning countlog.Run, err error) {
	if err := s.fits(s.data); err != nil {
		return run, tuning, err
	}
	hash, err := s.data.Hash()
	if err != nil {
		return run, tuning, err
	}
	examples, others, err := d.plans(s.data.Len())
	if err != nil {
		return run, tuning, err
	}
	run = countlog.Run{
		Format:     countlog.Format,
		Model:      s.model(),
		Dataset:    countlog.Dataset{Name: s.data.Name, Hash: hash, Split: s.data.Split, Classes: s.data.Classes(), Size: s.data.Len()},
		Examples:   examples,
		Sigma:      d.sigma,
		N0:         d.n0,
		N:          d.n,
		Seed:       d.seed,
		Block:      s.block,
		MarginBins: countlog.DefaultMarginBins,
		Scores:     d.scores,
	}
	if d.grid {
		run.Noise = sample.GridNoise(sample.GridSteps(d.sigma), s.data.Height*s.data.Width*s.data.Channels)
	}
	if run.MarginMax, err = s.marginMax(s.data, d.sigma); err != nil {
		return run, tuning, err
	}
	if run.MarginError, err = s.marginError(run); err != nil {
		fmt.Fprintln(s.log, "sampling: no margin_error is logged:", err)
	}
	tuning = run
	tuning.Examples, tuning.N, tuning.Scores = others, min(d.n, tuningDraws), nil
	if d.shard.of > 0 {
		if run, err = d.shard.part(run); err != nil {
			return run, tuning, err
		}
		tuning = tuning.Part(d.shard.index, d.shard.of)
	}
	return run, tuning, nil
}

// create opens a run's folder to write in. A new run opens the device, which run.json names.
func (s *sampling) create(ctx context.Context, dir string, run countlog.Run) (*countlog.Writer, error) {
	there, err := countlog.ReadBegun(dir)
	switch {
	case err == nil:
		run.Backend, run.MarginError = there.Backend, there.MarginError // which another processor's last bits, or an older version, may have else
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	default:
		if err := s.open(ctx); err != nil {
			return nil, err
		}
		if run.MarginError > 0 && !s.standard() {
			fmt.Fprintf(s.log, "sampling: no margin_error is logged: float32 sums on backend %s aren't known to follow the standard model\n", s.classifier)
			run.MarginError = 0
		}
		run.Backend, run.Versions, run.Created = s.String(), s.versions(), time.Now().UTC().Truncate(time.Second)
	}
	w, err := countlog.Create(dir, run)
	if err == nil && w.Dropped() != nil {
		fmt.Fprintln(s.log, "sampling: dropped an incomplete line:", w.Dropped())
	}
	if err == nil && w.Renamed() != "" {
		fmt.Fprintf(s.log, "sampling: %s: %s; the hashes are equal\n", dir, w.Renamed())
	}
	return w, err
}

// fill draws the rows that a run lacks.
func (s *sampling) fill(ctx context.Context, w *countlog.Writer, what string) error {
	run := w.Run()
	if w.Count() == run.Examples.Count {
		return nil
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	if s.String() != run.Backend {
		return fmt.Errorf("%s: begun on backend %s; this is %s, whose draws may differ: set GOMLX_BACKEND, or choose another --out", what, run.Backend, s.classifier)
	}
	p, err := s.of(run)
	if err != nil {
		return err
	}
	err = p.Run(ctx, w, s.data, progress(s.log, what, "images", w.Count(), run.Examples.Count))
	if _, ok := s.classifier.(*onnxModel); ok && errors.Is(err, sample.ErrRandom) {
		err = fmt.Errorf("%w; with --random votes certify what it answers most often", err)
	}
	return err
}
