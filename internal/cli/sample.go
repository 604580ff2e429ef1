package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/spf13/cobra"
)

func sampleCommand() *cobra.Command {
	s := draws{sigma: 0.5, images: 200, tuning: 50, n0: 100, n: 10000, seed: 1}
	var ref, out, noise, part string
	var block, batch int
	var ahead bool
	var maps []string
	var which chosen
	c := &cobra.Command{
		Use:   "sample MODEL",
		Short: "Sample a model's predictions under noise into a run's folder",
		Long: `Sample the predictions of a model under Gaussian noise on the test split and keep the votes and margin
histograms as a run: run.json and a table with one line an image. Stopped and started again with the same flags, it
goes on where it stopped.

MODEL is a folder that train wrote, or an ONNX file, which ONNX Runtime runs on the CPU (lipsmooth setup --onnx); what is
understood of a file says lipsmooth info. Nothing is proved of a file: votes certify it, and what rests on a Lipschitz constant
that --lipschitz claims is said to.`,
		Example: `  lipsmooth sample models/mnist-0.25 --sigma 0.25 --n 10000 --out runs/mnist-0.25
  lipsmooth sample models/mnist-0.25 --sigma 0.25 --n 100000 --until "radius>=0.5" --out runs/half
  lipsmooth sample models/mnist-0.25 --sigma 0.25 --images 0 --n 100000 --out runs/all --estimate
  lipsmooth sample resnet.onnx --data cifar10 --mean 0.49,0.48,0.45 --std 0.25,0.24,0.26 --sigma 0.25 --out runs/resnet`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := which.name(cmd, args); err != nil {
				return err
			}
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
			m, d, err := which.load(cmd, ref)
			if err != nil {
				return err
			}
			defer m.close()
			if m.model().Lambda == 0 {
				if s.until.method == "lipschitz" && s.until.rule != "" || cmd.Flags().Changed("tuning") && s.tuning > 0 {
					return fmt.Errorf("soft votes, whose temperature --tuning images are for, need a Lipschitz constant: of %s none is known; --lipschitz claims one", which.ref)
				}
				s.tuning = 0
			}
			run, _, err := s.plans(d.Len())
			if errors.Is(err, errNoTuning) && !cmd.Flags().Changed("tuning") {
				s.tuning = 0
				fmt.Fprintf(cmd.ErrOrStderr(), "note: all %d images are sampled: none are left to choose the temperature of soft votes on (certify --tau gives one)\n", d.Len())
			}
			if run.Count < s.images && run.Count < d.Len() {
				fmt.Fprintf(cmd.ErrOrStderr(), "note: %d images are sampled, every %dth of %d\n", run.Count, run.Stride, d.Len())
			}
			from := sampling{classifier: m, log: cmd.ErrOrStderr(), data: d, block: block, batch: batch}
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
	which.bind(f)
	f.StringVar(&ref, "data", "", "dataset: mnist, cifar10, or a path; default: the one that MODEL was trained on, which an ONNX file doesn't say")
	f.StringVar(&out, "out", "run", "folder of the run")
	f.Float64Var(&s.sigma, "sigma", s.sigma, "standard deviation of the noise, images being in [0, 1]")
	f.IntVar(&s.images, "images", s.images, "how many at most, evenly spread over the test split; 0 is all")
	f.IntVar(&s.tuning, "tuning", s.tuning, "other images, to choose the temperature of soft votes on")
	f.IntVar(&s.n0, "n0", s.n0, "draws an image to select the class with")
	f.IntVar(&s.n, "n", s.n, "draws an image to estimate with")
	f.Uint64Var(&s.seed, "seed", s.seed, "seed of the noise")
	f.StringArrayVar(&maps, "scores", nil, "log the scores of all classes by a map, "+strings.Join(rs.ScoreMapNames(), ", ")+", and a factor of the logits; once for each")
	f.StringVar(&noise, "noise", "gaussian", "gaussian, as float32 has it, or discrete: exact on the grid of 8-bit images")
	f.StringVar(&s.until.rule, "until", "", "end an image's draws, at most n, where a question is settled: radius>=0.5, or width<=5%")
	f.StringVar(&s.until.method, "method", "twobound", "with --until: whose radius is asked about: mono, twobound, lipschitz")
	f.Float64Var(&s.until.alpha, "alpha", certify.Default().Alpha, "with --until: error probability of its certificate")
	f.Float64Var(&s.until.tau, "tau", -1, "with --until and lipschitz: temperature of soft votes; default: chosen on the tuning images")
	f.StringVar(&part, "shard", "", "draw part I of N only, I from 0, as I/N, into OUT/shard-I-of-N; auto: which one Slurm or Kubernetes says; see lipsmooth job")
	f.IntVar(&block, "block", defaultBlock, "draws a block, part of the run's settings: each block has its own stream of random numbers")
	f.IntVar(&batch, "batch", 0, "blocks drawn at once, which changes the rate alone; 0 finds the best number in the first seconds of a long run")
	f.BoolVar(&ahead, "estimate", false, "say how long the run takes and how large it gets, and draw none of it")
	return c
}

// defaultBlock draws are few enough to begin with, and enough to draw one block at a time.
const defaultBlock = 100
