package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/internal/terminal"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/prove"
	"github.com/spf13/cobra"
)

// verification checks a run, and says what was checked.
type verification struct {
	dir, model, data string
	job              string // folder of the job that a run at another noise level belongs to
	denoiser         string // of an ONNX file; empty is beside it
	signedBy         string // file of a public key; empty is anyone
	redraw           int
	seed             uint64       // that picks the rows to draw again
	files            data.Options // of the dataset, where they aren't where the run says
	w, log           io.Writer

	run  *certify.Run
	rows []rs.Evidence // with those of the tuning images
}

func (v *verification) checked(format string, args ...any) {
	fmt.Fprintf(v.w, "checked: "+format+"\n", args...)
}

// verified prints what a verification without the device found.
func (v *verification) verified(found *certify.Verification) {
	for _, line := range found.Checked {
		fmt.Fprintln(v.w, "checked:", line)
	}
	for _, line := range found.Notes {
		fmt.Fprintln(v.w, "note:", line)
	}
}

// all checks the run, and those of the same job at other noise levels.
func (v *verification) all(ctx context.Context) error {
	if err := v.one(ctx); err != nil {
		return err
	}
	levels, err := filepath.Glob(filepath.Join(v.dir, figures.SigmaFolder, "*", countlog.RunFile))
	if err != nil {
		return err
	}
	for _, file := range levels {
		level := *v
		level.dir, level.job = filepath.Dir(file), v.dir
		if err := level.one(ctx); err != nil {
			return err
		}
	}
	return nil
}

// one checks one run. Of a job's run at another noise level, there are no tables and no attacks.
func (v *verification) one(ctx context.Context) (err error) {
	if v.run, err = certify.Read(v.dir); err != nil {
		return err
	}
	found, rows, err := v.run.VerifyLog()
	v.rows = rows
	if v.verified(found); err != nil {
		return err
	}
	if v.job == "" || v.signedBy != "" {
		if found, err = v.run.VerifySignature(v.signedBy); err != nil {
			return err
		}
		v.verified(found)
	}
	m, d, err := v.ofModel(ctx)
	if err != nil {
		return err
	}
	if file, ok := m.(*onnx.Classifier); ok {
		defer file.Close()
	}
	v.renamed(m, d)
	var images certify.Pixels
	if d != nil {
		images, v.run.File = d, d.File
	}
	if v.job == "" {
		if err := v.tables(images); err != nil {
			return err
		}
	}
	if err := v.again(ctx, m, d); err != nil {
		return err
	}
	for _, note := range v.run.Notes() {
		fmt.Fprintln(v.w, "note:", note)
	}
	return nil
}

// tables computes the tables again.
func (v *verification) tables(images certify.Pixels) error {
	found, err := v.run.Verify(v.dir)
	if v.verified(found); err != nil {
		return err
	}
	found, err = v.run.VerifyAttacks(v.dir, images)
	v.verified(found)
	return err
}

// renamed notes names that differ from those in run.json, of a model and a dataset with its hashes.
func (v *verification) renamed(m sample.Classifier, d *data.Dataset) {
	here := v.run.Run
	if m != nil {
		here.Model = m.Identity()
	}
	if d != nil {
		here.Dataset.Name = d.Name
	}
	if names := countlog.Renamed(v.run.Run, here); names != "" {
		fmt.Fprintf(v.w, "note: %s: %s; the hashes are equal\n",
			filepath.Join(v.dir, countlog.RunFile), names)
	}
}

// ofModel checks the model, whose weights are hashed and whose Λ is proved again, and the dataset;
// nil where there is none.
func (v *verification) ofModel(ctx context.Context) (m sample.Classifier, d *data.Dataset,
	err error) {

	from := cmp.Or(v.model, filepath.Join(cmp.Or(v.job, v.dir), certify.ModelFolder))
	if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) && v.model == "" {
		fmt.Fprintf(v.w, "note: no model in %s, and none given with --model: not checked\n", from)
		d, err := v.ofData(v.data)
		return nil, d, err
	}
	if isONNX(from) {
		return v.ofFile(ctx, from)
	}
	own, err := loadTrained(from)
	if err != nil {
		return nil, nil, err
	}
	if err := v.run.CheckModel(own.Identity(), from); err != nil {
		return nil, nil, err
	}
	if lambda := v.run.Model.Lambda; lambda.Known() {
		v.checked("%s: hash of the weights, and Λ = %.6g proved again", from, lambda.Value())
	} else {
		v.checked("%s: hash of the weights", from)
	}
	if v.job == "" {
		if err := v.bounds(own, from); err != nil {
			return nil, nil, err
		}
	}
	ref := v.data
	if v.redraw > 0 {
		ref = cmp.Or(ref, own.Dataset)
	}
	if d, err = v.ofData(ref); err != nil {
		return own, d, err
	}
	file := filepath.Join(v.dir, countlog.RunFile)
	switch off, err := sample.MarginError(own, v.run.Run); {
	case v.run.MarginError == 0 && off > 0:
		fmt.Fprintf(v.w, "note: %s: no margin_error, and the model proves %.4g: an older version wrote "+
			"the run, or its backend's sums have no bound\n", file, off)
	case v.run.MarginError == 0:
	case err != nil:
		return own, d, err
	default:
		if err := v.run.CheckMarginError(off); err != nil {
			return own, d, err
		}
		v.checked("%s: margin_error = %.4g proved again", file, off)
	}
	return own, d, nil
}

// bounds proves every bound of the model again, once for all runs of a job.
func (v *verification) bounds(m *training.Model, from string) error {
	there, note, err := m.CheckBounds(from)
	switch {
	case err != nil:
		return err
	case note != "":
		fmt.Fprintln(v.w, "note:", note)
	case there:
		v.checked("%s: every bound proved again", filepath.Join(from, training.BoundsFile))
	}
	return nil
}

// ofFile is ofModel for an ONNX file.
func (v *verification) ofFile(ctx context.Context, from string) (m sample.Classifier,
	d *data.Dataset, err error) {

	if d, err = v.ofData(v.data); err != nil {
		return nil, nil, err
	}
	if d == nil {
		return nil, nil, fmt.Errorf("%s: an ONNX file is opened for a dataset: give it with --data",
			from)
	}
	file, err := fileOf(v.run, from, v.denoiser, d)
	if err != nil {
		return nil, nil, err
	}
	if !v.run.Model.Lambda.Proved() {
		v.checked("%s: hash of the file", from)
		return file, d, nil
	}
	bound, unproved := prove.Of(ctx, file, prove.Options{})
	if err := v.run.CheckProof(bound, unproved, from); err != nil {
		file.Close()
		return nil, nil, err
	}
	v.checked("%s: hash of the file, and Λ = %.6g proved again", from, v.run.Model.Lambda.Value())
	return file, d, nil
}

// fileOf opens the ONNX file that a run was sampled from as the run read it.
func fileOf(r *certify.Run, from, denoiser string, d *data.Dataset) (*onnx.Classifier, error) {
	options, err := onnx.OptionsOf(r.Model, from, denoiser)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(r.Dir, countlog.RunFile), err)
	}
	file, err := serve(from, options, d)
	if err != nil {
		return nil, err
	}
	if err := r.CheckModel(file.Identity(), from); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// ofData checks a dataset and the labels of the rows; nil where none is given.
func (v *verification) ofData(ref string) (*data.Dataset, error) {
	if ref == "" {
		fmt.Fprintln(v.w, "note: no dataset given with --data: not checked")
		return nil, nil
	}
	d, err := datasetOf(v.run, v.rows, ref, v.files)
	if err == nil {
		v.checked("%s: hash of the dataset, and the labels of %d rows", ref, len(v.rows))
	}
	return d, err
}

// datasetOf loads a dataset by its name or path, and checks that a run with these rows is of it.
// files say how it is read, where they aren't where the run says.
func datasetOf(r *certify.Run, rows []rs.Evidence, ref string, files data.Options) (*data.Dataset,
	error) {
	d, err := loadOf(r.Dataset, ref, files)
	if err != nil {
		return nil, err
	}
	of, err := d.Identity()
	if err != nil {
		return nil, err
	}
	if err := r.CheckDataset(of, d.Label, rows, ref); err != nil {
		return nil, err
	}
	known := data.Names()
	if name := r.Dataset.Name; name != d.Name && slices.Contains(known, name) &&
		slices.Contains(known, d.Name) {
		return nil, fmt.Errorf("%s: dataset.name: %s, but its hash is that of %s",
			filepath.Join(r.Dir, countlog.RunFile), name, d.Name)
	}
	if want := sample.GridNoise(r.Noise.Steps, r.Sigma, d.Size()); r.Noise.Steps > 0 &&
		r.Noise != want && r.Noise != sample.OlderGridNoise(r.Noise.Steps, d.Size()) {
		return nil, fmt.Errorf("%s: noise.rounding: %v, but on %d steps and images of %s it is %v",
			filepath.Join(r.Dir, countlog.RunFile), r.Noise.Rounding, r.Noise.Steps, ref,
			want.Rounding)
	}
	return d, nil
}

// fewImages are predicted without noise in pure Go: a device would take longer to open and compile.
const fewImages = 1000

// again predicts every row's image without noise once more, and draws some rows again, where the
// model and the dataset are there.
func (v *verification) again(ctx context.Context, m sample.Classifier, d *data.Dataset) error {
	switch {
	case v.redraw > 0 && m == nil:
		return fmt.Errorf("--redraw %d: needs the model: give it with --model", v.redraw)
	case v.redraw > 0 && d == nil:
		return fmt.Errorf("--redraw %d: needs the dataset: give it with --data", v.redraw)
	case m == nil || d == nil || v.redraw == 0 && v.run.Model.Random:
		return nil
	}
	o := &opened{log: v.log, precision: v.run.Model.Precision}
	onDevice := v.redraw > 0 || o.precision != ""
	if onDevice && begunBy(v.run.Run) != runtimeOf(m) {
		other, free, err := o.other(ctx, m)
		if err != nil {
			return err
		}
		defer free()
		m = other
	}
	s := sample.Drawer{Classifier: m, Images: d, Open: o.get}
	defer s.Close()
	if !onDevice && len(v.run.Rows) <= fewImages {
		s.Open = func(context.Context) (compute.Backend, error) { return device.PureGo() }
	}
	if err := v.cleanAgain(ctx, &s); err != nil {
		return fmt.Errorf("%s: %w", v.dir, err)
	}
	if v.redraw == 0 {
		return nil
	}
	if err := v.drawAgain(ctx, &s); err != nil {
		return fmt.Errorf("--redraw %d: %w", v.redraw, err)
	}
	return nil
}

// cleanAgain compares the predictions of all rows without noise.
func (v *verification) cleanAgain(ctx context.Context, s *sample.Drawer) error {
	if v.run.Model.Random {
		return nil
	}
	if err := s.CheckMarginMax(ctx, v.run.Run); err != nil {
		return err
	}
	all := v.run.Pick(len(v.run.Rows), 0)
	clean, err := s.Clean(ctx, v.run.Run, all, terminal.NewProgress(v.log, "predicting again",
		"images", 0, len(all)).At)
	if err != nil {
		return err
	}
	off, err := v.run.CheckClean(all, clean)
	if err != nil {
		return err
	}
	v.checked("%d predictions without noise made again: the classes are the same, and margins "+
		"within %.1g", len(all), off)
	if v.run.Distances {
		v.checked("%d distances proved again", len(all))
	}
	return nil
}

// drawAgain draws some rows once more and compares every count.
func (v *verification) drawAgain(ctx context.Context, s *sample.Drawer) error {
	rows := len(v.run.Rows)
	picked := v.run.Pick(v.redraw, v.seed)
	drawn, err := s.Again(ctx, v.run.Run, picked, terminal.NewProgress(v.log, "drawing again",
		"images", 0, len(picked)).At)
	if err != nil {
		return fmt.Errorf("%s: %w", v.dir, err)
	}
	compared, err := v.run.CheckDrawn(drawn)
	if err != nil {
		return err
	}
	tenth, half := (rows+9)/10, (rows+1)/2
	v.checked("%d of %d examples drawn again on %s (--redraw-seed %d): every count is the same; "+
		"a run with %d false rows would be caught with probability %.2f, with %d false rows %.2f",
		compared,
		rows, v.run.Backend, v.seed, tenth, certify.Caught(rows, tenth, compared), half,
		certify.Caught(rows, half, compared))
	return nil
}

func verifyCommand() *cobra.Command {
	v := verification{}
	c := &cobra.Command{
		Use:   "verify RUN",
		Short: "Check a run: its log, hashes, tables, and some of its draws",
		Long: `Check a run against what it says of itself:

  run.json and the counts      every setting and every row, and their hashes in seal.json
  seal.json.sig                the key that signed the seal (--signed-by)
  the model                    the hash of its weights, its Λ and bounds.tsv, proved again
                               (RUN/model, or --model)
  the dataset                  its hash and the labels (--data)
  certificates.tsv, table.tsv, intervals.tsv, results/
                               computed again from the log, with the settings beside them
  attack.tsv, gap.tsv          computed again from what the log certifies
  attack.npy                   the distance of each perturbed image from its own (--data)
  clean classes and margins    predicted again, all of them (model and --data)
  some examples                drawn again on the device, every count compared (--redraw)
  sigma/*                      the same job's runs at other noise levels: log, model, dataset and
                               predictions, in the same way

Prints what was checked, and ends at the first difference with status 1. Tables that an older
version wrote have no settings beside them: they are noted, and not compared. A run that an older
version wrote has no seal, which is noted too.

Without a signature, whoever can write the folder can change rows and make the seal again. Then only
what was computed again from the model and the data, and the rows that were drawn again, are
certain.
sample --sign and merge --sign sign the seal, as ssh-keygen -Y sign -n lipsmooth does.`,
		Example: `  lipsmooth verify runs/mnist-0.25 --data mnist --redraw 5
  lipsmooth verify runs/mnist-0.25 --signed-by ~/.ssh/id_ed25519.pub`,
		Args: one("run's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLeast("redraw", v.redraw, 0); err != nil {
				return err
			}
			if !cmd.Flags().Changed("redraw-seed") {
				v.seed = rand.Uint64()
			}
			v.dir, v.w, v.log = args[0], cmd.OutOrStdout(), cmd.ErrOrStderr()
			return v.all(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&v.data, "data", "", "dataset to check against: mnist, cifar10, or a path")
	f.StringVar(&v.model, "model", "", "model's folder, or the ONNX file; default: RUN/model")
	f.StringVar(&v.denoiser, "denoiser", "", "the denoiser's ONNX file; default: beside the model's")
	bindFiles(f, &v.files)
	f.StringVar(&v.signedBy, "signed-by", "",
		"OpenSSH public key, a .pub file, that must have signed the run")
	f.IntVar(&v.redraw, "redraw", 0, "examples of each run to draw again, picked at random")
	f.Uint64Var(&v.seed, "redraw-seed", 0,
		"seed that picks the examples to draw again; default: a new "+
			"one, which nobody can foresee")
	return c
}
