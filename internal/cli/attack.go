package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/help"
	"github.com/lipsmooth/lipsmooth/internal/terminal"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training/attack"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
)

// attacked is what the command attack is asked for.
type attacked struct {
	attack.Config
	dir, model, data, out string
	radii                 []float64
	anew                  bool
	files                 data.Options // as those of verification
}

// job opens the run, and the model and the dataset that were sampled.
func (q *attacked) job(ctx context.Context, o *opened) (j attack.Job, err error) {
	folder := cmp.Or(q.model, filepath.Join(q.dir, certify.ModelFolder))
	run, err := certify.Load(q.dir, config(q.Alpha, q.Tau))
	if err != nil {
		return j, err
	}
	if _, _, err := run.AttackSettings(q.Config); err != nil { // before anything large is read
		return j, err
	}
	if _, err := os.Stat(folder); q.model == "" && errors.Is(err, os.ErrNotExist) {
		return j, fmt.Errorf("%s: no model there: give its folder, or the ONNX file, with --model",
			folder)
	}
	o.precision = run.Model.Precision
	j = attack.Job{Run: run, Config: q.Config, Dir: cmp.Or(q.out, q.dir), Replace: q.anew}
	if isONNX(folder) {
		err := q.ofFile(ctx, o, folder, &j)
		return j, err
	}
	m, err := loadTrained(folder)
	if err != nil {
		return j, err
	}
	d, err := loadOf(run.Dataset, cmp.Or(q.data, m.Dataset), q.files)
	if err != nil && q.data == "" {
		err = fmt.Errorf("%w; the model was trained on it: give its path with --data", err)
	}
	j.Classifier, j.Images = m, d
	return j, err
}

// ofFile gives a job the classifier of an ONNX file, and the dataset.
func (q *attacked) ofFile(ctx context.Context, o *opened, from string, j *attack.Job) error {
	if q.data == "" {
		return fmt.Errorf("%s doesn't say what it classifies: give a dataset with --data", from)
	}
	d, err := loadOf(j.Run.Dataset, q.data, q.files)
	if err != nil {
		return err
	}
	file, err := fileOf(j.Run, from, "", d)
	if err != nil {
		return err
	}
	defer file.Close()
	j.Images = d
	j.Classifier, err = o.network(ctx, file)
	return err
}

// attackRun makes the attacks that a job lacks, on the backend named, or on any where on is empty.
func attackRun(ctx context.Context, o *opened, j attack.Job, on string) (*certify.Assessment,
	error) {

	missing, err := j.Missing()
	if err != nil {
		return nil, err
	}
	if missing > 0 {
		if err := o.open(ctx); err != nil {
			return nil, err
		}
		if on != "" && o.String() != on {
			return nil, fmt.Errorf("attacking: begun on backend %s; this is %s, whose draws may "+
				"differ: set GOMLX_BACKEND", on, o)
		}
	}
	var said *terminal.Progress
	j.Progress = func(done, total int) {
		if said == nil {
			said = terminal.NewProgress(o.log, "attacking", "images", total-missing, total)
		}
		said.At(done)
	}
	return attack.Run(ctx, o.backend, j)
}

// reportAttacks prints what attacks found and writes the table of the gap, and returns an error
// where one succeeded inside a certificate.
func reportAttacks(w *terminal.Printer, a *certify.Assessment, dir string, radii []float64) error {
	fmt.Fprintln(w, a.Settings.Caption)
	if err := w.Table("gap", a.Table(radii), a.Summary(radii)); err != nil {
		return err
	}
	for _, note := range a.Notes {
		fmt.Fprintln(w, "note:", note)
	}
	if err := a.Save(dir, radii); err != nil {
		return err
	}
	alpha := a.Settings.Alpha
	for _, line := range a.Within {
		fmt.Fprintf(w, "note: %s: within what α = %.3g lets fail\n", line, alpha)
	}
	for _, line := range a.Beyond {
		fmt.Fprintln(w, "WRONG CERTIFICATE:", line)
	}
	if len(a.Beyond) > 0 {
		return fmt.Errorf("%d attacks succeeded inside a certificate, beyond what α = %.3g lets fail: "+
			"a certificate or an attack is wrong; the first: %s", len(a.Beyond), alpha, a.Beyond[0])
	}
	if len(a.Within) > 0 {
		fmt.Fprintf(w, "no more attacks succeeded inside a certificate than α = %.3g lets\n", alpha)
		return nil
	}
	fmt.Fprintln(w, "no attack succeeded inside a certificate")
	return nil
}

// run attacks and reports.
func (q *attacked) run(cmd *cobra.Command) error {
	if err := cmp.Or(checkTau(cmd.Flags().Changed, q.Tau), checkRadii(q.radii),
		flagged(cmd.Flags(), q.Check())); err != nil {
		return err
	}
	o := &opened{log: cmd.ErrOrStderr()}
	j, err := q.job(cmd.Context(), o)
	if err != nil {
		return err
	}
	a, err := attackRun(cmd.Context(), o, j, "")
	if other, ok := errors.AsType[*attack.OtherSettingsError](err); ok {
		return fmt.Errorf("%w: --anew replaces them, or choose another --out", other)
	}
	if err != nil {
		return err
	}
	return reportAttacks(printer(cmd), a, j.Dir, q.radii)
}

// bind binds the flags.
func (q *attacked) bind(c *cobra.Command) {
	f := c.Flags()
	f.SetNormalizeFunc(renamed("trial", "ray-draws", "samples", "gradient-draws", "draws",
		"judge-draws"))
	f.StringSliceVar(&q.Classifiers, "classifier", q.Classifiers,
		"classifiers, separated by commas, or all")
	f.IntVar(&q.Images, "images", q.Images, "how many, spread over the run; 0 is all")
	f.IntVar(&q.Steps, "steps", q.Steps, "steps of an attack")
	f.IntVar(&q.Samples, "gradient-draws", q.Samples, "draws of the noise a gradient")
	f.IntVar(&q.Restarts, "restarts", q.Restarts, "of each attack")
	f.IntVar(&q.Trial, "ray-draws", q.Trial, "draws that find the boundary along a ray")
	f.IntVar(&q.Draws, "judge-draws", q.Draws, "draws that judge a perturbed image")
	f.Uint64Var(&q.Seed, "seed", q.Seed, "seed of the attack")
	f.BoolVar(&q.Box, "box", false, "keep perturbed images in [0, 1]")
	f.Float64Var(&q.Alpha, "alpha", q.Alpha,
		"error probability of each certificate, and of all findings")
	f.Float64Var(&q.Tau, "tau", q.Tau,
		"temperature of soft votes, in logits; default: chosen on RUN/tuning")
	f.Float64SliceVar(&q.radii, "radii", certify.Default().Radii, "radii of the table")
	f.StringVar(&q.model, "model", "", "model's folder, or the ONNX file; default: RUN/model")
	f.StringVar(&q.data, "data", "",
		"dataset: mnist, cifar10, or a path; default: the one trained on, which an ONNX file "+
			"doesn't say")
	bindFiles(f, &q.files)
	f.StringVar(&q.out, "out", "", "folder for attack.tsv, attack.npy and gap.tsv; default: RUN")
	f.BoolVar(&q.anew, "anew", false, "in place of attacks with other settings that lie there")
}

func attackCommand() *cobra.Command {
	q := attacked{Config: attack.Default()}
	var doc strings.Builder
	for _, c := range certify.Attacked {
		fmt.Fprintf(&doc, "  %-6s %s; certified by %s\n", c.Name, c.Doc, strings.Join(c.Methods, ", "))
	}
	c := &cobra.Command{
		Use:   "attack RUN",
		Short: "Attack a run's classifiers: the gap between what is certified and what attacks achieve",
		Long: `Look for the smallest perturbation of each image that makes a classifier wrong. The
attacks are DDN and PGD in l2, through the mean over the noise, by margin and cross-entropy. Fresh
draws judge each perturbed image. An image counts where another class has more votes than the
label, at a level at which all findings hold at once with probability 1-α. Perturbed images may
leave [0, 1], as certificates cover them. The flag --box keeps them inside, a weaker attack. The
method distance certifies images in [0, 1] alone, so only attacks with --box can contradict it.

Attacks need gradients, so XLA runs the ONNX file of a run that was sampled from one (--model).

The command prints certified and empirical accuracy, their difference, the area under each, and the
median of certified over empirical radius, image by image. It writes three files:

  attack.tsv  a line an image and classifier
  attack.npy  the perturbed image of each line (float32, [lines, h, w, c]; 0 where none was found)
  gap.tsv     the table of accuracies

An attack that succeeds inside a certificate, beyond what α lets fail, is an error. The same command
goes on from where it stopped.

Classifiers:
` + doc.String(),
		Example: `  lipsmooth attack runs/mnist-0.5 --images 100 --restarts 2
  lipsmooth attack runs/mnist-0.5 --classifier soft,clean --steps 50 --anew`,
		Args: one("run's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q.dir = args[0]
			return q.run(cmd)
		},
	}
	q.bind(c)
	help.Group(c, "What to attack", "classifier images data model", "classes", "labels", "box")
	help.Group(c, "How hard", "steps restarts", "gradient-draws", "ray-draws", "judge-draws", "seed")
	help.Group(c, "What is certified", "alpha radii", "tau")
	help.Group(c, "Output", "out anew")
	return c
}
