package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/lip"
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
	scores []string // maps whose scores of all classes are logged
	grid   bool     // noise on the images' own grid
	until  until    // zero draws n of every image
	shard  shard    // zero draws every image
}

// until is when an image's draws end early.
type until struct {
	rule, method string
	alpha, tau   float64 // tau is negative where it is to be chosen
}

// check names the first flag that is out of range.
func (u until) check(changed func(flag string) bool) error {
	if u.rule == "" {
		for _, flag := range []string{"method", "alpha", "tau"} {
			if changed(flag) {
				return fmt.Errorf("--%s says what --until asks about, and there is no --until; certify has flags of its own", flag)
			}
		}
		return nil
	}
	if _, err := rs.ParseRule(u.rule); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	if err := cmp.Or(checkTau(changed, u.tau), checkAlpha(u.alpha)); err != nil {
		return err
	}
	// With no run yet: whether the method can be asked at all.
	of := countlog.Run{Model: countlog.Model{Lambda: 1}, Until: countlog.Until{Rule: u.rule, Method: u.method}}
	if _, _, err := of.Ranger(); err != nil {
		return fmt.Errorf("--method: %w", err)
	}
	return nil
}

// firstStop draws are the least that an image gets, growth is how many times as many it gets by the next stop.
const firstStop, stopGrowth = 100, 1.5

// of is the rule of a run of n draws, in blocks.
func (u until) of(n, block int) countlog.Until {
	rule, _ := rs.ParseRule(u.rule) // checked
	return countlog.Until{Rule: rule.String(), Method: u.method, Alpha: u.alpha, Tau: max(0, u.tau), Stops: rs.Stops(firstStop, block, n, stopGrowth)}
}

// check names the first flag that is out of range.
func (s draws) check() error {
	if err := checkSigma(s.sigma); err != nil {
		return err
	}
	for _, f := range []struct {
		flag         string
		value, least int
	}{{"images", s.images, 0}, {"tuning", s.tuning, 0}, {"n0", s.n0, 1}, {"n", s.n, 1}} {
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
		return run, tuning, fmt.Errorf("%d of %d images leave none to choose a temperature on: sample fewer, or give --tuning 0", run.Count, size)
	}
	// Halfway between the images of the run.
	start := run.Start + run.Stride/2
	between := (size - start + run.Stride - 1) / run.Stride
	count := min(s.tuning, between)
	return run, countlog.Plan{Start: start, Stride: between / count * run.Stride, Count: count}, nil
}

// tuningDraws of the estimation draw are enough to choose a temperature.
const tuningDraws = 1000

// marginRadius is the margin that the last bin of the histograms starts at, in units of Λ.
const marginRadius = 4

// sampling draws from a model on a dataset, compiled once for all runs. What is complete needs no device.
type sampling struct {
	*opened
	model    *training.Model
	data     *data.Dataset
	block    int                        // draws that a stream of random numbers is for
	batch    int                        // blocks at once; 0 is found
	proof    *lip.Proof                 // of the model, once it was needed
	samplers map[string]*sample.Sampler // by what they are made for
}

func (s *sampling) close() {
	for _, p := range s.samplers {
		p.Close()
	}
}

// of returns the sampler of a run, made when it is needed first.
func (s *sampling) of(run countlog.Run) (*sample.Sampler, error) {
	key := fmt.Sprint(run.Scores, run.Noise)
	if run.Noise != (countlog.Noise{}) {
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
	p, err := sample.New(s.backend, sample.Classifier{
		Logits: s.model.Logits, Store: s.model.Store, Size: [3]int{s.data.Height, s.data.Width, s.data.Channels}, Classes: s.data.Classes(),
	}, settings)
	if err != nil {
		return nil, err
	}
	if s.samplers == nil {
		s.samplers = map[string]*sample.Sampler{}
	}
	s.samplers[key] = p
	return p, nil
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
		t, err := s.create(ctx, filepath.Join(dir, tuningFolder), tuning)
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
	log, err := countlog.Open(filepath.Join(dir, tuningFolder))
	if err != nil {
		return 0, err
	}
	rows, err := log.All()
	if err != nil {
		return 0, err
	}
	return rs.ChooseTau(rows, run.N, run.Model.Lambda, d.until.alpha), nil
}

// plan says what is to be drawn.
func (s *sampling) plan(d draws) (run, tuning countlog.Run, err error) {
	if err := s.model.Fits(s.data); err != nil {
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
		Model:      countlog.Model{Name: modelName(s.model), Hash: s.model.Hash, Lambda: s.model.Lambda.Value(), LambdaSource: countlog.Proved},
		Dataset:    countlog.Dataset{Name: s.data.Name, Hash: hash, Split: s.data.Split, Classes: s.data.Classes(), Size: s.data.Len()},
		Examples:   examples,
		Sigma:      d.sigma,
		N0:         d.n0,
		N:          d.n,
		Seed:       d.seed,
		Block:      s.block,
		MarginMax:  float64(float32(marginRadius * s.model.Lambda.Value())),
		MarginBins: countlog.DefaultMarginBins,
		Scores:     d.scores,
	}
	if d.grid {
		run.Noise = sample.GridNoise(sample.GridSteps(d.sigma), s.data.Height*s.data.Width*s.data.Channels)
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

// marginError proves what float32 does to the margins of a run: a float32 above the bound, so that processors whose last bits differ agree.
func (s *sampling) marginError(run countlog.Run) (float64, error) {
	if s.proof == nil {
		p, err := s.model.Prove()
		if err != nil {
			return 0, err
		}
		s.proof = &p
	}
	r, err := s.model.Rounding(*s.proof, sample.Reach(run.Sigma, s.model.Input.Entries(), run.Noise.Rounding))
	if err != nil {
		return 0, err
	}
	return float64(math.Nextafter32(float32(r.Margin.Value()), math.MaxFloat32)), nil
}

// create opens a run's folder to write in. A new run opens the device, which run.json names.
func (s *sampling) create(ctx context.Context, dir string, run countlog.Run) (*countlog.Writer, error) {
	there, err := countlog.ReadRun(dir)
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
			fmt.Fprintf(s.log, "sampling: no margin_error is logged: float32 sums on backend %s aren't known to follow the standard model\n", s)
			run.MarginError = 0
		}
		run.Backend, run.Versions, run.Created = s.String(), s.Versions, time.Now().UTC().Truncate(time.Second)
	}
	w, err := countlog.Create(dir, run)
	if err == nil && w.Dropped() != nil {
		fmt.Fprintln(s.log, "sampling: dropped an incomplete line:", w.Dropped())
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
		return fmt.Errorf("%s: begun on backend %s; this is %s, whose draws may differ: set GOMLX_BACKEND, or choose another --out", what, run.Backend, s)
	}
	p, err := s.of(run)
	if err != nil {
		return err
	}
	return p.Run(ctx, w, s.data, progress(s.log, what, "images", w.Count(), run.Examples.Count))
}

func sampleCommand() *cobra.Command {
	s := draws{sigma: 0.5, images: 200, tuning: 50, n0: 100, n: 10000, seed: 1}
	var ref, out, noise, part string
	var block, batch int
	var ahead bool
	var maps []string
	c := &cobra.Command{
		Use:   "sample MODEL",
		Short: "Sample a model's predictions under noise into a run's folder",
		Long: `Sample the predictions of a trained model under Gaussian noise on the test split and keep the votes
and margin histograms as a run: run.json and a table with one line an image. Stopped and started again with the
same flags, it goes on where it stopped.`,
		Example: `  lipsmooth sample models/mnist-0.25 --sigma 0.25 --n 10000 --out runs/mnist-0.25
  lipsmooth sample models/mnist-0.25 --sigma 0.25 --n 100000 --until "radius>=0.5" --out runs/half
  lipsmooth sample models/mnist-0.25 --sigma 0.25 --images 0 --n 100000 --out runs/all --estimate`,
		Args: one("model's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cmp.Or(s.check(), checkLeast("block", block, 1), checkLeast("batch", batch, 0), s.until.check(cmd.Flags().Changed)); err != nil {
				return err
			}
			if part != "" {
				var err error
				if s.shard, err = parseShard(part, os.Getenv); err != nil {
					return err
				}
				if s.until.rule != "" && s.until.method == "lipschitz" && s.until.tau < 0 {
					return fmt.Errorf("--until with --method lipschitz chooses a temperature on all tuning images, and a shard has some: give --tau")
				}
				out = filepath.Join(out, s.shard.folder())
			}
			for _, text := range maps {
				m, err := rs.ParseScoreMap(text)
				if err != nil {
					return fmt.Errorf("--scores: %w", err)
				}
				s.scores = append(s.scores, m.String())
			}
			switch noise {
			case "gaussian":
			case countlog.Discrete:
				s.grid = true
			default:
				return fmt.Errorf("--noise %s: known: gaussian, %s", noise, countlog.Discrete)
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
			from := sampling{opened: &opened{log: cmd.ErrOrStderr()}, model: m, data: d, block: block, batch: batch}
			defer from.close()
			if ahead {
				e, err := from.estimate(cmd.Context(), s)
				if err == nil {
					e.print(cmd.OutOrStdout(), out, s)
				}
				return err
			}
			seconds, err := from.run(cmd.Context(), out, s)
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
	f.IntVar(&s.tuning, "tuning", s.tuning, "other images, to choose the temperature of soft votes on")
	f.IntVar(&s.n0, "n0", s.n0, "draws an image to select the class with")
	f.IntVar(&s.n, "n", s.n, "draws an image to estimate with")
	f.Uint64Var(&s.seed, "seed", s.seed, "seed of the noise")
	f.StringArrayVar(&maps, "scores", nil, "log the scores of all classes by a map, "+strings.Join(rs.ScoreMapNames(), ", ")+", and a factor of the logits; once for each")
	f.StringVar(&noise, "noise", "gaussian", "gaussian, as float32 has it, or discrete: exact on the grid of 8-bit images")
	f.StringVar(&s.until.rule, "until", "", "end an image's draws, at most n, where a question is settled: radius>=0.5, or width<=5%")
	f.StringVar(&s.until.method, "method", "twobound", "with --until: whose radius is asked about: mono, twobound, lipschitz")
	f.Float64Var(&s.until.alpha, "alpha", 0.001, "with --until: error probability of its certificate")
	f.Float64Var(&s.until.tau, "tau", -1, "with --until and lipschitz: temperature of soft votes; default: chosen on the tuning images")
	f.StringVar(&part, "shard", "", "draw part I of N only, I from 0, as I/N, into OUT/shard-I-of-N; auto: which one Slurm or Kubernetes says; see lipsmooth job")
	f.IntVar(&block, "block", defaultBlock, "draws a block, part of the run's settings: each block has its own stream of random numbers")
	f.IntVar(&batch, "batch", 0, "blocks drawn at once, which changes the rate alone; 0 finds the best number in the first seconds of a long run")
	f.BoolVar(&ahead, "estimate", false, "say how long the run takes and how large it gets, and draw none of it")
	return c
}

// defaultBlock draws are few enough to begin with, and enough to draw one block at a time.
const defaultBlock = 100

// modelName is what runs and captions call a model.
func modelName(m *training.Model) string {
	return fmt.Sprintf("%s-%s-%d", m.Config.Architecture, m.Config.Convolution, m.Config.Width)
}
