package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lipsmooth/lipsmooth/internal/help"
	"github.com/lipsmooth/lipsmooth/internal/terminal"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// sampling is what sample is asked for.
type sampling struct {
	plan  sample.Plan
	which chosen
	data  string
	out   string
	ahead bool
	found string // by a proof from an ONNX file

	shard string
	maps  []string
	sign  signing
}

func sampleCommand() *cobra.Command {
	s := sampling{plan: sample.Default()}
	c := &cobra.Command{
		Use:   "sample MODEL",
		Short: "Sample a model's predictions under noise into a run's folder",
		Long: `Sample the predictions of a model under Gaussian noise on images. The votes and margin
histograms are kept as a run: run.json and a table with one line an image. Stopped and started again
with the same flags, sample goes on where it stopped.

MODEL is a folder that train wrote, which XLA runs, or an ONNX file, which ONNX Runtime runs on the
CPU (lipsmooth setup --onnx), or XLA where that is faster for a long run. --runtime chooses for
either. The votes of a run belong to its runtime, since the noise and the last bits of logits
differ. ONNX Runtime may be faster for a folder too: with --estimate, each --runtime says its draws
a second. --float32 of certify needs a model's folder on XLA. lipsmooth info says what is understood
of a file.

Votes certify any file. Where it can, sample first proves a file's Lipschitz constant, of the
function that is sampled, with --std. That takes about a minute at most, and a note says what was
found. --lipschitz claims a constant of other files, and what rests on it says "claimed".

The images are the test split of a model that was trained here. Of an ONNX file, they are all images
of a folder without splits, or its test or val folder (--split). --classes says which folders are
which outputs, and --labels which images are: sample prints the mapping of the first and last
classes, and the accuracy at the end. Images without labels are certified too.

Soft votes (certify --method lipschitz) need a temperature. --tuning draws other images to choose it
on; certify --tau gives one.`,
		Example: `  lipsmooth sample models/mnist-0.25 --sigma 0.25 --n 10000 --out runs/mnist-0.25
  lipsmooth sample models/mnist-0.25 --sigma 0.25 --tuning 50 --out runs/soft
  lipsmooth sample models/mnist-0.25 --sigma 0.25 --n 100000 --until "radius>=0.5" --out runs/half
  lipsmooth sample models/mnist-0.25 --sigma 0.25 --images 0 --n 100000 --out runs/all --estimate
  lipsmooth sample models/mnist-0.25 --sigma 0.25 --images 0 --shard 0/4 --out runs/all
  lipsmooth sample models/mnist-0.25 --sigma 0.25 --noise discrete --out runs/exact
  lipsmooth sample models/mnist-0.25 --sigma 0.25 --scores ramp,t=1 --out runs/scores
  lipsmooth sample resnet.onnx --data cifar10 --mean 0.49,0.48,0.45 --std 0.25,0.24,0.26
  lipsmooth sample net.onnx --data photos --labels labels.tsv --classes imagenet
  lipsmooth sample resnet.onnx --data cifar10 --denoiser d.onnx --schedule cosine`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.which.name(cmd, args); err != nil {
				return err
			}
			if err := s.parse(cmd.Flags()); err != nil {
				return err
			}
			return s.run(cmd)
		},
	}
	s.bind(c.Flags())
	help.Group(c, "What to sample", "data images tuning sigma", append(slices.Clone(setNames),
		"model", "noise", "scores")...)
	help.Group(c, "How much", "n0 n until estimate shard", "method", "alpha", "tau", "seed",
		"block-draws")
	help.Group(c, "Model file", "mean std lipschitz denoiser", slices.DeleteFunc(
		append(slices.Clone(onnxNames), "random"), func(name string) bool {
			return slices.Contains([]string{"mean", "std", "denoiser"}, name)
		})...)
	help.Group(c, "Output", "out", "sign")
	help.Group(c, "Device", "runtime", "precision", "blocks-at-once")
	return c
}

// bind binds the flags to the plan.
func (s *sampling) bind(f *pflag.FlagSet) {
	f.SetNormalizeFunc(renamed("block", "block-draws", "batch", "blocks-at-once"))
	s.which.bind(f)
	p := &s.plan
	f.StringVar(&s.data, "data", "", "dataset: mnist, cifar10, or a path; default: the one that "+
		"MODEL was trained on, which an ONNX file doesn't say")
	f.StringVar(&s.out, "out", "run", "folder of the run")
	f.Float64Var(&p.Sigma, "sigma", p.Sigma, "standard deviation of the noise, images being in [0, 1]")
	f.IntVar(&p.Images, "images", p.Images, "how many, evenly spread over the split; 0 is all")
	f.IntVar(&p.Tuning, "tuning", p.Tuning, "other images, to choose the temperature of soft votes on")
	f.IntVar(&p.N0, "n0", p.N0, "draws an image to select the class with")
	f.IntVar(&p.N, "n", p.N, "draws an image to estimate with")
	f.Uint64Var(&p.Seed, "seed", p.Seed, "seed of the noise")
	f.StringArrayVar(&s.maps, "scores", nil, "log the scores of all classes by a map, "+
		strings.Join(rs.ScoreMapNames(), ", ")+", and a factor of the logits; once for each")
	f.StringVar(&p.Noise, "noise", p.Noise, sample.Gaussian+", as float32 has it, or "+
		countlog.Discrete+": exact on the grid of 8-bit images")
	f.StringVar(&s.which.precision, "precision", countlog.Float32, fmt.Sprintf("of matrix products "+
		"and convolutions, part of what is certified: %s, %s on NVIDIA GPUs, or %s; Λ needs %[1]s",
		countlog.Float32, countlog.TF32, countlog.BF16))
	f.StringVar(&p.Until.Rule, "until", "", "end an image's draws, at most n, where a question is "+
		"settled: radius>=0.5, or width<=5%")
	f.StringVar(&p.Until.Method, "method", p.Until.Method,
		"with --until: whose radius is asked about: "+
			strings.Join(countlog.Rangers(), ", "))
	f.Float64Var(&p.Until.Alpha, "alpha", p.Until.Alpha, "with --until: error probability of its "+
		"certificate")
	f.Float64Var(&p.Until.Tau, "tau", p.Until.Tau, "with --until and lipschitz: temperature of soft "+
		"votes; default: chosen on the tuning images")
	f.StringVar(&s.shard, "shard", "", "draw part I of N only, I from 0, as I/N, into "+
		"OUT/shard-I-of-N; auto: which one Slurm or Kubernetes says; see lipsmooth job")
	f.IntVar(&p.Block, "block-draws", p.Block, "draws a block, part of the run's settings: each "+
		"block has its own stream of random numbers")
	f.IntVar(&p.Batch, "blocks-at-once", p.Batch,
		"blocks drawn at once, which changes the rate alone; 0 finds "+
			"the best number in the first seconds of a long run")
	s.sign.bind(f)
	f.BoolVar(&s.ahead, "estimate", false, "say how long the run takes and how large it gets, and "+
		"draw none of it")
}

// parse completes the plan by the flags that aren't its fields, and checks it.
func (s *sampling) parse(f *pflag.FlagSet) (err error) {
	p := &s.plan
	p.Precision = s.which.precision
	if p.Until.Rule == "" {
		for _, flag := range []string{"method", "alpha", "tau"} {
			if f.Changed(flag) {
				return fmt.Errorf("--%s says what --until asks about, and there is no --until; "+
					"certify has flags of its own", flag)
			}
		}
	} else if err := checkTau(f.Changed, p.Until.Tau); err != nil {
		return err
	}
	if s.shard != "" && s.which.runtime == byFastest {
		return fmt.Errorf("--runtime %s: may differ from shard to shard: name one", byFastest)
	}
	if s.shard != "" {
		if p.Shard, err = sample.ParseShard(s.shard, os.Getenv); err != nil {
			return fmt.Errorf("--shard %w", err)
		}
		s.out = filepath.Join(s.out, sample.ShardFolder(p.Shard))
	}
	for _, text := range s.maps {
		m, err := rs.ParseScoreMap(text)
		if err != nil {
			return fmt.Errorf("--scores: %w", err)
		}
		p.Scores = append(p.Scores, m)
	}
	return cmp.Or(flagged(f, p.Check()), s.sign.load())
}

// run draws, or estimates, and prints what came of it.
func (s *sampling) run(cmd *cobra.Command) error {
	d, closing, err := s.which.load(cmd, s.data)
	if err != nil {
		return err
	}
	defer closing()
	w, log := cmd.OutOrStdout(), cmd.ErrOrStderr()
	if s.found, err = s.prove(cmd.Context(), d, log); err != nil {
		return err
	}
	free, err := s.onRuntime(cmd.Context(), d, log)
	if err != nil {
		return err
	}
	defer free()
	said := sync.OnceFunc(func() {
		if set, ok := d.Images.(*data.Dataset); ok {
			printSet(log, set)
		}
		if s.found != "" {
			printNotes(log, []string{s.found})
		}
	})
	if s.ahead {
		e, err := d.Estimate(cmd.Context(), s.plan)
		if err != nil {
			return s.hint(d, err)
		}
		said()
		printEstimate(w, s.out, e, s.plan.Until.Rule != "")
		return nil
	}
	s.plan.Progress = func(at sample.Progress) {
		if at.Done > at.Begun {
			said()
		}
	}
	r, err := drawRun(cmd.Context(), d, s.plan, s.out, log)
	if err != nil {
		return s.hint(d, err)
	}
	said()
	if err := s.sign.run(s.out); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: complete after %.1f s; next: lipsmooth certify %s\n",
		s.out, r.Seconds, quoted(s.out))
	return printAccuracy(w, log, s.out)
}

// drawRun draws a run into the folder dir, and shows how far it is and what to know of it. The
// plan's own Progress is called first.
func drawRun(ctx context.Context, d *sample.Drawer, p sample.Plan, dir string, log io.Writer) (
	sample.Result, error) {

	var said *terminal.Progress
	own := p.Progress
	p.Progress = func(at sample.Progress) {
		if own != nil {
			own(at)
		}
		if at.Done > at.Begun {
			said.At(at.Done)
			return
		}
		what := fmt.Sprintf("sampling σ=%g", at.Sigma)
		if at.Tuning {
			what += " (for the temperature)"
		}
		said = terminal.NewProgress(log, what, "images", at.Begun, at.Total)
	}
	r, err := d.Draw(ctx, p, dir)
	printNotes(log, r.Notes)
	return r, err
}

// hint says which flag helps against an error.
func (s *sampling) hint(d *sample.Drawer, err error) error {
	if no, ok := errors.AsType[*sample.NoLipschitz](err); ok && no.Precision == "" {
		if s.found != "" {
			err = fmt.Errorf("%w: %s", err, s.found)
		}
		if isONNX(s.which.ref) {
			err = fmt.Errorf("%w; --lipschitz claims one", err)
		}
		return err
	}
	return hintONNX(d.Classifier, s.which.file, err)
}

func printNotes(log io.Writer, notes []string) {
	for _, note := range notes {
		fmt.Fprintln(log, "note:", note)
	}
}

// printEstimate says what a run into the folder dir takes, at most where a rule ends draws.
func printEstimate(w io.Writer, dir string, e sample.Estimate, rule bool) {
	what := fmt.Sprintf("%d images of %d + %d draws", e.Run.Examples.Count, e.Run.N0, e.Run.N)
	if t := e.Tuning; t.Examples.Count > 0 {
		what += fmt.Sprintf(", and %d of %d + %d to choose a temperature on",
			t.Examples.Count, t.N0, t.N)
	}
	memory, most := "", ""
	if e.Memory > 0 {
		memory = ", with " + byteSize(e.Memory) + " of memory"
	}
	if rule {
		most = "at most "
	}
	fmt.Fprintf(w, "%s: %s: %s%v (%.1f s of it to start, then %.0f draws/s) and %s%s%s; "+
		"nothing was drawn into it\n", dir, what, most,
		time.Duration(e.Seconds*1e9).Round(time.Second), e.Start, e.Rate, most, byteSize(e.Bytes),
		memory)
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
