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

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/cobra"
)

// verification checks a run, and says what was checked.
type verification struct {
	dir, model, data string
	denoiser         string // of an ONNX file; empty is beside it
	redraw           int
	w, log           io.Writer
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

func (v *verification) run(ctx context.Context) error {
	r, err := certify.Open(v.dir)
	if err != nil {
		return err
	}
	if _, err := r.ChooseTau(certify.Default()); err != nil { // which checks the tuning images
		return err
	}
	if err := r.Load(); err != nil {
		return err
	}
	v.checked("%s: every setting, format %d", filepath.Join(v.dir, countlog.RunFile), r.Format)
	v.checked("%s: %d rows: indices, labels, draws, class selected, margins", filepath.Join(v.dir,
		countlog.CountsFile), len(r.Rows))
	var tuning []rs.Evidence
	if t, err := countlog.Open(filepath.Join(v.dir, countlog.TuningFolder)); err == nil {
		if tuning, err = t.All(); err != nil {
			return err
		}
		v.checked("%s: %d rows, of the same model and dataset, and of other images",
			filepath.Join(v.dir, countlog.TuningFolder), len(tuning))
	}
	m, d, err := v.ofModel(r, slices.Concat(r.Rows, tuning))
	if err != nil {
		return err
	}
	if file, ok := m.(*onnx.Classifier); ok {
		defer file.Close()
	}
	v.renamed(r.Run, m, d)
	found, err := r.Verify(v.dir)
	if v.verified(found); err != nil {
		return err
	}
	var images certify.Pixels
	if d != nil {
		images = d
	}
	found, err = r.VerifyAttacks(v.dir, images)
	if v.verified(found); err != nil {
		return err
	}
	if v.redraw > 0 {
		if err := v.drawAgain(ctx, r, m, d); err != nil {
			return err
		}
	}
	if len(r.Rows) < r.Examples.Count {
		fmt.Fprintf(v.w, "note: %d of %d examples: sampling isn't finished\n", len(r.Rows),
			r.Examples.Count)
	}
	return nil
}

// renamed notes names that differ from those in run.json, of a model and a dataset with its hashes.
func (v *verification) renamed(run countlog.Run, m sample.Classifier, d *data.Dataset) {
	here := run
	if m != nil {
		here.Model = m.Identity()
	}
	if d != nil {
		here.Dataset.Name = d.Name
	}
	if names := countlog.Renamed(run, here); names != "" {
		fmt.Fprintf(v.w, "note: %s: %s; the hashes are equal\n", filepath.Join(v.dir, countlog.RunFile), names)
	}
}

// ofModel checks the model, whose weights are hashed and whose Λ is proved again, and the dataset;
// nil where there is none.
func (v *verification) ofModel(r *certify.Run, rows []rs.Evidence) (m sample.Classifier,
	d *data.Dataset, err error) {

	from := cmp.Or(v.model, filepath.Join(v.dir, certify.ModelFolder))
	if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) && v.model == "" {
		fmt.Fprintf(v.w, "note: no model in %s, and none given with --model: not checked\n", from)
		d, err := v.ofData(r, rows, v.data)
		return nil, d, err
	}
	if isONNX(from) {
		return v.ofFile(r, rows, from)
	}
	own, err := loadTrained(from)
	if err != nil {
		return nil, nil, err
	}
	if err := r.CheckModel(own.Identity(), from); err != nil {
		return nil, nil, err
	}
	v.checked("%s: hash of the weights, and Λ = %.6g proved again", from, r.Model.Lambda.Value())
	ref := v.data
	if v.redraw > 0 {
		ref = cmp.Or(ref, own.Dataset)
	}
	if d, err = v.ofData(r, rows, ref); err != nil {
		return nil, nil, err
	}
	return own, d, v.marginError(r.Run, own)
}

// ofFile is ofModel for an ONNX file.
func (v *verification) ofFile(r *certify.Run, rows []rs.Evidence, from string) (m sample.Classifier,
	d *data.Dataset, err error) {

	if d, err = v.ofData(r, rows, v.data); err != nil {
		return nil, nil, err
	}
	if d == nil {
		return nil, nil, fmt.Errorf("%s: an ONNX file is opened for a dataset: give it with --data",
			from)
	}
	options, err := onnx.OptionsOf(r.Model, from, v.denoiser)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", filepath.Join(v.dir, countlog.RunFile), err)
	}
	file, err := serve(from, options, d)
	if err != nil {
		return nil, nil, err
	}
	if err := r.CheckModel(file.Identity(), from); err != nil {
		file.Close()
		return nil, nil, err
	}
	v.checked("%s: hash of the file", from)
	return file, d, nil
}

// marginError proves a run's margin_error again, where there is one.
func (v *verification) marginError(run countlog.Run, m *training.Model) error {
	if run.MarginError == 0 {
		return nil
	}
	off, err := m.MarginError(sample.Reach(run.Sigma, m.Input.Entries(), run.Noise.Rounding))
	if err != nil {
		return err
	}
	file := filepath.Join(v.dir, countlog.RunFile)
	if !(math.Abs(off/run.MarginError-1) <= 0x1p-22) { // another processor's last bits may differ
		return fmt.Errorf("%s: margin_error: %v, but under this noise its model's is %v", file,
			run.MarginError, off)
	}
	v.checked("%s: margin_error = %.4g proved again", file, off)
	return nil
}

// ofData checks a dataset and the labels of rows; nil where none is given.
func (v *verification) ofData(r *certify.Run, rows []rs.Evidence, ref string) (*data.Dataset,
	error) {

	if ref == "" {
		fmt.Fprintln(v.w, "note: no dataset given with --data: not checked")
		return nil, nil
	}
	d, err := data.Load(ref, r.Dataset.Split)
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
	if want := sample.GridNoise(r.Noise.Steps, d.Size()); r.Noise.Steps > 0 && r.Noise != want {
		return nil, fmt.Errorf("%s: noise.rounding: %v, but on %d steps and images of %s it is %v",
			filepath.Join(v.dir, countlog.RunFile), r.Noise.Rounding, r.Noise.Steps, ref, want.Rounding)
	}
	v.checked("%s: hash of the dataset, and the labels of %d rows", ref, len(rows))
	return d, nil
}

// drawAgain draws some examples once more and compares every count.
func (v *verification) drawAgain(ctx context.Context, r *certify.Run, m sample.Classifier,
	d *data.Dataset) error {

	switch {
	case m == nil:
		return fmt.Errorf("--redraw %d: needs the model: give it with --model", v.redraw)
	case d == nil:
		return fmt.Errorf("--redraw %d: needs the dataset: give it with --data", v.redraw)
	}
	if r.Model.Random {
		return fmt.Errorf("--redraw %d: the model of %s answers by chance: no draw can be made again",
			v.redraw, v.dir)
	}
	some := countlog.Spread(r.Examples.Count, v.redraw)
	s := sample.Drawer{Classifier: m, Images: d, Open: (&opened{log: v.log}).get}
	defer s.Close()
	backend, err := s.Backend(ctx)
	if err != nil {
		return err
	}
	if backend != r.Backend {
		return fmt.Errorf("--redraw %d: %s was drawn on backend %s; this is %s, whose draws may "+
			"differ: set GOMLX_BACKEND", v.redraw, v.dir, r.Backend, backend)
	}
	folder, err := os.MkdirTemp("", "lipsmooth-verify-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	again := r.Run
	again.Shard = countlog.Shard{}
	again.Examples = countlog.Plan{Start: r.Examples.At(some.Start),
		Stride: some.Stride * r.Examples.Stride, Count: some.Count}
	w, err := countlog.Create(folder, again)
	if err != nil {
		return err
	}
	defer w.Close()
	said := progress(v.log, "drawing again", "images", 0, some.Count)
	if err := s.Fill(ctx, w, 0, said); err != nil {
		return err
	}
	log, err := countlog.Open(folder)
	if err != nil {
		return err
	}
	drawn, err := log.All()
	if err != nil {
		return err
	}
	compared, err := r.CheckDrawn(drawn)
	if err != nil {
		return err
	}
	if compared == 0 {
		return fmt.Errorf("--redraw %d: none of these examples is in %s: redraw more", v.redraw, v.dir)
	}
	v.checked("%d examples drawn again on %s: every count is the same", compared, backend)
	return nil
}

func verifyCommand() *cobra.Command {
	v := verification{}
	c := &cobra.Command{
		Use:   "verify RUN",
		Short: "Check a run: its log, hashes, tables, and some of its draws",
		Long: `Check a run against what it says of itself:

  run.json and the counts      every setting and every row
  the model                    the hash of its weights and its Λ, proved again (RUN/model, or --model)
  the dataset                  its hash and the labels (--data)
  certificates.tsv, table.tsv, intervals.tsv, results/
                               computed again from the log, with the settings beside them
  attack.tsv, gap.tsv          computed again from what the log certifies
  attack.npy                   the distance of each perturbed image from its own (--data)
  some examples                drawn again on the device, every count compared (--redraw)

Prints what was checked, and ends at the first difference with status 1. Tables that an older
version wrote have no settings beside them: they are noted, and not compared.`,
		Example: "  lipsmooth verify runs/mnist-0.25 --data mnist --redraw 5",
		Args:    one("run's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLeast("redraw", v.redraw, 0); err != nil {
				return err
			}
			v.dir, v.w, v.log = args[0], cmd.OutOrStdout(), cmd.ErrOrStderr()
			return v.run(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&v.data, "data", "", "dataset to check against: mnist, cifar10, or a path")
	f.StringVar(&v.model, "model", "", "model's folder, or the ONNX file; default: RUN/model")
	f.StringVar(&v.denoiser, "denoiser", "", "the denoiser's ONNX file; default: beside the model's")
	f.IntVar(&v.redraw, "redraw", 0, "examples to draw again, spread over the run")
	return c
}
