package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/version"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/attack"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
)

// attackBatch images are attacked at once.
const attackBatch = 10

// effort is how much is spent on attacks.
type effort struct {
	images                   int // spread over the run; 0 is all
	steps, samples, restarts int // of an attack, draws a gradient
	trial, draws             int // that find the boundary along a ray, and that judge
}

// fullEffort is that of attack's defaults.
var fullEffort = effort{images: 50, steps: 20, samples: 32, restarts: 1, trial: 200, draws: 2000}

// attacking attacks a run.
type attacking struct {
	*opened
	model       *training.Model
	data        *data.Dataset
	run         *certify.Run
	notes       []string
	classifiers []string
	alpha       float64
	on          string // backend it must be; empty where any will do

	effort
	seed uint64
	box  bool

	rows      []rs.Evidence // of the images attacked
	kept      *attacks
	certified map[certify.Aim]float64 // the largest radius that any method certifies of the true class
}

// attackers are the names in a list of classifiers that the run has; all stands for every one.
func attackers(list string, r *certify.Run) (names, notes []string, err error) {
	var known []string
	for _, c := range certify.Attacked {
		known = append(known, c.Name)
	}
	chosen := strings.Split(list, ",")
	if list == "all" {
		chosen = known
	}
	for _, c := range known { // each once, in that order: what breaks one is tried on the next
		if i := slices.Index(chosen, c); i < 0 {
			continue
		}
		if c == "soft" && r != nil && !(r.Tau > 0) {
			if list != "all" {
				return nil, nil, fmt.Errorf("--classifier soft: the temperature of soft votes is %v, none or that of hard votes: give one with --tau", r.Tau)
			}
			notes = append(notes, "soft votes aren't attacked: no temperature above 0")
			continue
		}
		names = append(names, c)
	}
	for _, c := range chosen {
		if !slices.Contains(known, c) {
			return nil, nil, fmt.Errorf("--classifier: no classifier %q; known: %s, all", c, strings.Join(known, ", "))
		}
	}
	return names, notes, nil
}

// spread are rows spread over the run.
func (a *attacking) spread() []rs.Evidence {
	sorted := slices.SortedFunc(slices.Values(a.run.Rows), func(x, y rs.Evidence) int { return cmp.Compare(x.Index, y.Index) })
	if a.images == 0 || a.images > len(sorted) {
		return sorted
	}
	for i := range a.images {
		sorted[i] = sorted[i*len(sorted)/a.images]
	}
	return sorted[:a.images]
}

// config certifies what is attacked.
func (a *attacking) config() certify.Config { return config(a.alpha, a.run.Tau) }

// settings are everything that decides what is found.
func (a *attacking) settings() (certify.AttackSettings, error) {
	hash, err := a.run.Hash()
	s := a.run.Settings(a.config())
	s.Images = len(a.rows)
	space := "the l2 ball"
	if a.box {
		space = "the l2 ball within [0, 1]"
	}
	return certify.AttackSettings{
		Caption: fmt.Sprintf("%s; attacks on %s in %s: %d steps, %d samples, %d restarts, %d draws along a ray, %d to judge, seed %d",
			s.Caption(), strings.Join(a.classifiers, ", "), space, a.steps, a.samples, a.restarts, a.trial, a.draws, a.seed),
		Lipsmooth: version.String(), RunHash: hash, Alpha: a.alpha, Tau: a.run.Tau, Images: len(a.rows), Classifiers: a.classifiers, Box: a.box,
		Steps: a.steps, Samples: a.samples, Restarts: a.restarts, Trial: a.trial, Draws: a.draws, Seed: a.seed,
	}, err
}

// missing reports whether the table lacks one of an image's lines.
func (a *attacking) missing(e rs.Evidence) bool {
	return slices.ContainsFunc(a.classifiers, func(c string) bool { return !a.kept.there[certify.Aim{Index: e.Index, Classifier: c}] })
}

// search attacks what a folder's table lacks, and appends to it batch by batch.
func (a *attacking) search(ctx context.Context, dir string) (err error) {
	size := [3]int{a.data.Height, a.data.Width, a.data.Channels}
	settings, err := a.settings()
	if err != nil {
		return err
	}
	if a.kept, err = openAttacks(dir, settings, len(a.rows)*len(a.classifiers), size); err != nil {
		return err
	}
	defer a.kept.close()
	if !slices.ContainsFunc(a.rows, a.missing) {
		return nil
	}
	if err := a.certify(); err != nil {
		return err
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	if a.on != "" && a.String() != a.on {
		return fmt.Errorf("attacking: begun on backend %s; this is %s, whose draws may differ: set GOMLX_BACKEND", a.on, a)
	}
	target, err := attack.New(a.backend, attack.Classifier{Logits: a.model.Logits, Store: a.model.Store, Size: size, Classes: a.data.Classes()})
	if err != nil {
		return err
	}
	defer target.Close()
	done := 0
	for _, e := range a.rows {
		if !a.missing(e) {
			done++
		}
	}
	said := progress(a.log, "attacking", "images", done, len(a.rows))
	for some := range slices.Chunk(a.rows, attackBatch) {
		found, images, err := a.batch(ctx, target, some)
		if err == nil {
			err = a.kept.append(found)
		}
		if err != nil {
			if ctx.Err() != nil {
				err = fmt.Errorf("attack: stopped with %d of %d images; the same command goes on from there: %w", done, len(a.rows), ctx.Err())
			}
			return err
		}
		done += images
		said(done)
	}
	return nil
}

// certify finds the largest radii certified.
func (a *attacking) certify() (err error) {
	var none []certify.Attack
	for _, name := range a.classifiers {
		for _, e := range a.rows {
			none = append(none, certify.Attack{Index: e.Index, Label: e.Label, Classifier: name, Tau: a.run.Tau})
		}
	}
	a.certified, err = a.run.Largest(none, a.config())
	return err
}

// batch attacks every classifier on a batch and returns what is missing, of so many images.
func (a *attacking) batch(ctx context.Context, target *attack.Target, rows []rs.Evidence) (missing []finding, images int, err error) {
	if !slices.ContainsFunc(rows, a.missing) {
		return nil, 0, nil
	}
	// The last batch is filled up, so that all have one shape.
	batch := min(attackBatch, len(a.rows))
	indices := make([]int, batch)
	b := attack.Batch{Images: make([]float32, batch*a.data.Size()), Labels: make([]int, batch)}
	for i := range indices {
		e := rows[min(i, len(rows)-1)]
		indices[i], b.Labels[i] = e.Index, e.Label
	}
	if err := a.data.Images(b.Images, indices); err != nil {
		return nil, 0, err
	}
	search := attack.Search{
		Steps: a.steps, Restarts: a.restarts, Trial: a.trial, Draws: a.draws, Box: a.box,
		// All findings on all images hold at once with probability 1-α.
		Level:  rs.SimultaneousAlpha(a.alpha, len(a.rows)*len(a.classifiers)),
		Losses: []attack.Loss{attack.Margin{}, attack.CrossEntropy{Temperature: a.run.Model.Lambda / 4}},
	}
	var starts [][]float32
	for _, name := range a.classifiers {
		s := attack.Smoothed{Sigma: a.run.Sigma}
		search.Samples = a.samples
		switch name {
		case "soft":
			s.Tau = a.run.Tau
		case "clean":
			s.Sigma, search.Samples = 0, 1
		}
		within := make([]float64, batch)
		for i, index := range indices {
			within[i] = a.certified[certify.Aim{Index: index, Classifier: name}]
		}
		found, err := search.Smallest(ctx, target, b, s, starts, within, a.seed)
		if err != nil {
			return nil, 0, err
		}
		start := make([]float32, len(b.Images))
		for i, f := range found {
			copy(start[i*a.data.Size():], f.Perturbation)
			aim := certify.Aim{Index: indices[i], Classifier: name}
			if i >= len(rows) || a.kept.there[aim] {
				continue
			}
			missing = append(missing, finding{aim, b.Labels[i], s.Tau, within[i], f})
		}
		starts = append(starts, start)
	}
	for _, e := range rows {
		if a.missing(e) {
			images++
		}
	}
	return missing, images, nil
}

// report prints the gap and writes it into the folder of attacks, and returns an error where one succeeded inside a certificate.
func (a *attacking) report(w io.Writer, dir string, radii []float64) error {
	attacks, _, err := certify.ReadAttacks(dir)
	if err != nil {
		return err
	}
	settings, err := a.settings()
	if err != nil {
		return err
	}
	gaps, err := a.run.Gaps(attacks, a.config())
	if err != nil {
		return err
	}
	t := certify.GapTable(gaps, radii)
	fmt.Fprintln(w, settings.Caption)
	if err := t.WriteText(w); err != nil {
		return err
	}
	for _, note := range a.notes {
		fmt.Fprintln(w, "note:", note)
	}
	settings.Radii = radii
	if err := t.WriteFile(filepath.Join(dir, certify.GapFile), settings); err != nil {
		return err
	}
	beyond, within, err := a.run.Crossings(attacks, a.config())
	if err != nil {
		return err
	}
	for _, line := range within {
		fmt.Fprintf(w, "note: %s: within what α = %v lets fail\n", line, a.alpha)
	}
	for _, line := range beyond {
		fmt.Fprintln(w, "WRONG CERTIFICATE:", line)
	}
	if len(beyond) > 0 {
		return fmt.Errorf("%d attacks succeeded inside a certificate, beyond what α = %v lets fail: a certificate or an attack is wrong; the first: %s", len(beyond), a.alpha, beyond[0])
	}
	if len(within) > 0 {
		fmt.Fprintf(w, "no more attacks succeeded inside a certificate than α = %v lets\n", a.alpha)
		return nil
	}
	fmt.Fprintln(w, "no attack succeeded inside a certificate")
	return nil
}

// asked is what the command attack is asked for, besides effort and seed.
type asked struct {
	dir, model, data, out, list string
	tau                         float64
	radii                       []float64
	anew                        bool
}

// check checks the flags.
func (q *asked) check(a *attacking, changed func(string) bool) error {
	if err := cmp.Or(checkAlpha(a.alpha), checkRadii(q.radii), checkLeast("images", a.images, 0), checkLeast("steps", a.steps, 1),
		checkLeast("samples", a.samples, 1), checkLeast("restarts", a.restarts, 1), checkLeast("trial", a.trial, 1), checkLeast("draws", a.draws, 1)); err != nil {
		return err
	}
	if changed("tau") && !(0 <= q.tau && q.tau <= math.MaxFloat32) {
		return fmt.Errorf("--tau %v: must be at least 0 and finite", q.tau)
	}
	_, _, err := attackers(q.list, nil)
	return err
}

// open reads the run, and the model and the dataset that it is of.
func (q *asked) open(a *attacking) (err error) {
	if a.run, err = load(q.dir, config(a.alpha, q.tau)); err != nil {
		return err
	}
	var left []string
	if a.classifiers, left, err = attackers(q.list, a.run); err != nil {
		return err
	}
	a.notes = append(a.run.Notes(), left...)
	if kind := a.run.Noise.Kind; kind != "" {
		return fmt.Errorf("%s: sampled with %s noise, and attacks are made for Gaussian noise alone", q.dir, kind)
	}
	from := verification{dir: q.dir, model: q.model, data: q.data, w: io.Discard, log: io.Discard}
	folder := q.model
	if folder == "" {
		folder = filepath.Join(q.dir, certify.ModelFolder)
		if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: no model there: give its folder with --model", folder)
		}
	}
	if isONNX(folder) {
		return fmt.Errorf("%s: attacks follow the gradient, which an ONNX file doesn't have: give the folder of a model that was trained here", folder)
	}
	if a.model, err = from.own(a.run.Run, folder); err != nil {
		return err
	}
	if a.data, err = from.ofData(a.run.Run, a.run.Rows, cmp.Or(q.data, a.model.Dataset)); err != nil {
		if q.data == "" {
			err = fmt.Errorf("%w; the model was trained on it: give its path with --data", err)
		}
		return err
	}
	a.rows = a.spread()
	return nil
}

// run attacks and reports.
func (q *asked) run(ctx context.Context, a *attacking, w io.Writer) error {
	if err := q.open(a); err != nil {
		return err
	}
	out := cmp.Or(q.out, q.dir)
	if q.anew {
		settings, err := a.settings()
		if err == nil {
			err = removeOtherAttacks(out, settings)
		}
		if err != nil {
			return err
		}
	}
	if err := a.search(ctx, out); err != nil {
		return err
	}
	return a.report(w, out, q.radii)
}

func attackCommand() *cobra.Command {
	a := attacking{effort: fullEffort, seed: 1, alpha: certify.Default().Alpha}
	var q asked
	var doc strings.Builder
	for _, c := range certify.Attacked {
		fmt.Fprintf(&doc, "  %-6s %s; certified by %s\n", c.Name, c.Doc, strings.Join(c.Methods, ", "))
	}
	c := &cobra.Command{
		Use:   "attack RUN",
		Short: "Attack a run's classifiers: the gap between what is certified and what attacks achieve",
		Long: `Look for the smallest perturbation of each image that makes a classifier wrong: DDN and PGD in l2 through the mean
over the noise, by margin and cross-entropy. What is found is judged by draws of its own: it counts where more votes go
to another class than to the label at a level at which all findings hold at once with probability 1-α. Perturbed images may
leave [0, 1], as certificates cover them; --box keeps them inside, a weaker attack.

Prints certified and empirical accuracy, their difference, the area under each, and the median of certified over empirical
radius, image by image; writes attack.tsv, a line an image and classifier, attack.npy, the perturbed image of each line (float32,
[lines, h, w, c]; 0 where none was found), and gap.tsv. An attack that succeeds inside a certificate, beyond what α lets fail, is an
error. Stopped and started again with the same flags, it goes on where it stopped.

Classifiers:
` + doc.String(),
		Example: "  lipsmooth attack runs/mnist-0.5 --images 100 --restarts 2",
		Args:    one("run's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := q.check(&a, cmd.Flags().Changed); err != nil {
				return err
			}
			a.opened, q.dir = &opened{log: cmd.ErrOrStderr()}, args[0]
			return q.run(cmd.Context(), &a, cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&q.list, "classifier", "all", "classifiers, separated by commas, or all")
	f.IntVar(&a.images, "images", a.images, "how many, spread over the run; 0 is all")
	f.IntVar(&a.steps, "steps", a.steps, "steps of an attack")
	f.IntVar(&a.samples, "samples", a.samples, "draws of the noise a gradient")
	f.IntVar(&a.restarts, "restarts", a.restarts, "of each attack")
	f.IntVar(&a.trial, "trial", a.trial, "draws that find the boundary along a ray")
	f.IntVar(&a.draws, "draws", a.draws, "draws that judge a perturbed image")
	f.Uint64Var(&a.seed, "seed", a.seed, "seed of the attack")
	f.BoolVar(&a.box, "box", false, "keep perturbed images in [0, 1]")
	f.Float64Var(&a.alpha, "alpha", a.alpha, "error probability of each certificate, and of all findings")
	f.Float64Var(&q.tau, "tau", -1, "temperature of soft votes, in logits; default: chosen on RUN/tuning")
	f.Float64SliceVar(&q.radii, "radii", certify.Default().Radii, "radii of the table")
	f.StringVar(&q.model, "model", "", "model's folder; default: RUN/model")
	f.StringVar(&q.data, "data", "", "dataset: mnist, cifar10, or a path; default: the one trained on")
	f.StringVar(&q.out, "out", "", "folder for attack.tsv, attack.npy and gap.tsv; default: RUN")
	f.BoolVar(&q.anew, "anew", false, "in place of attacks with other settings that lie there")
	return c
}
