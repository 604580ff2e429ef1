package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs"
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
	tau              float64
	redraw           int
	w, log           io.Writer
}

func (v *verification) checked(format string, args ...any) {
	fmt.Fprintf(v.w, "checked: "+format+"\n", args...)
}

func (v *verification) run(ctx context.Context) error {
	l, err := load(v.dir, 0.001, -1)
	if err != nil {
		return err
	}
	v.checked("%s: every setting, format %d", filepath.Join(v.dir, countlog.RunFile), l.Run.Format)
	v.checked("%s: %d rows: indices, labels, draws, class selected, margins", filepath.Join(v.dir, countlog.CountsFile), len(l.Rows))
	var tuning []rs.Evidence
	if t, err := countlog.Open(filepath.Join(v.dir, tuningFolder)); err == nil {
		if tuning, err = t.All(); err != nil {
			return err
		}
		v.checked("%s: %d rows, of the same model and dataset, and of other images", filepath.Join(v.dir, tuningFolder), len(tuning))
	}
	m, d, err := v.ofModel(l.Run, slices.Concat(l.Rows, tuning))
	if err != nil {
		return err
	}
	if file, ok := m.(*onnx.Classifier); ok {
		defer file.Close()
	}
	for _, t := range []written{certificatesWritten, tableWritten, intervalsWritten} {
		if err := v.table(t); err != nil {
			return err
		}
	}
	if err := v.attacks(l, d); err != nil {
		return err
	}
	if v.redraw > 0 {
		if err := v.drawAgain(ctx, l, m, d); err != nil {
			return err
		}
	}
	if len(l.Rows) < l.Run.Examples.Count {
		fmt.Fprintf(v.w, "note: %d of %d examples: sampling isn't finished\n", len(l.Rows), l.Run.Examples.Count)
	}
	return nil
}

// ofModel checks the model, whose weights are hashed and whose Λ is proved again, and the dataset; nil where there is none.
func (v *verification) ofModel(run countlog.Run, rows []rs.Evidence) (m sample.Classifier, d *data.Dataset, err error) {
	from := cmp.Or(v.model, filepath.Join(v.dir, modelFolder))
	if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) && v.model == "" {
		fmt.Fprintf(v.w, "note: no model in %s, and none given with --model: not checked\n", from)
		d, err := v.ofData(run, rows, v.data)
		return nil, d, err
	}
	ref := v.data
	var own *training.Model
	if !isONNX(from) {
		if own, err = v.own(run, from); err != nil {
			return nil, nil, err
		}
		if v.redraw > 0 {
			ref = cmp.Or(ref, own.Dataset)
		}
	}
	if d, err = v.ofData(run, rows, ref); err != nil {
		return nil, nil, err
	}
	if own != nil {
		return own, d, v.marginError(run, own)
	}
	if d == nil {
		return nil, nil, fmt.Errorf("%s: an ONNX file is opened for a dataset: give it with --data", from)
	}
	options, err := onnx.OptionsOf(run.Model, from, v.denoiser)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", filepath.Join(v.dir, countlog.RunFile), err)
	}
	file, err := serve(from, options, d)
	if err != nil {
		return nil, nil, err
	}
	if hash := file.Identity().Hash; hash != run.Model.Hash {
		file.Close()
		return nil, nil, v.otherModel(run, from, hash)
	}
	v.checked("%s: hash of the file", from)
	return file, d, nil
}

// own checks a model that was trained here.
func (v *verification) own(run countlog.Run, folder string) (*training.Model, error) {
	m, err := training.Load(folder)
	if err != nil {
		return nil, err
	}
	if m.Hash != run.Model.Hash {
		return nil, v.otherModel(run, folder, m.Hash)
	}
	file := filepath.Join(v.dir, countlog.RunFile)
	if lambda := m.Lambda.Value(); lambda != run.Model.Lambda {
		return nil, fmt.Errorf("%s: model.lambda: %v, but that of %s is %v", file, run.Model.Lambda, folder, lambda)
	}
	if run.Model.LambdaSource != countlog.Proved {
		return nil, fmt.Errorf("%s: model.lambda_source: %q, but that of %s is %s", file, run.Model.LambdaSource, folder, countlog.Proved)
	}
	v.checked("%s: hash of the weights, and Λ = %.6g proved again", folder, run.Model.Lambda)
	return m, nil
}

func (v *verification) otherModel(run countlog.Run, from, hash string) error {
	return fmt.Errorf("%s: sampled from model %.12s, but %s holds %.12s", filepath.Join(v.dir, countlog.RunFile), run.Model.Hash, from, hash)
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
		return fmt.Errorf("%s: margin_error: %v, but under this noise its model's is %v", file, run.MarginError, off)
	}
	v.checked("%s: margin_error = %.4g proved again", file, off)
	return nil
}

// ofData checks a dataset and the labels of rows; nil where none is given.
func (v *verification) ofData(run countlog.Run, rows []rs.Evidence, ref string) (*data.Dataset, error) {
	if ref == "" {
		fmt.Fprintln(v.w, "note: no dataset given with --data: not checked")
		return nil, nil
	}
	d, err := data.Load(ref, run.Dataset.Split)
	if err != nil {
		return nil, err
	}
	hash, err := d.Hash()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(v.dir, countlog.RunFile)
	if hash != run.Dataset.Hash {
		return nil, fmt.Errorf("%s: sampled on dataset %.12s, but %s is %.12s", file, run.Dataset.Hash, ref, hash)
	}
	if d.Len() != run.Dataset.Size || d.Classes() != run.Dataset.Classes {
		return nil, fmt.Errorf("%s: %d images of %d classes, but %s has %d of %d", file, run.Dataset.Size, run.Dataset.Classes, ref, d.Len(), d.Classes())
	}
	if want := sample.GridNoise(run.Noise.Steps, d.Height*d.Width*d.Channels); run.Noise.Steps > 0 && run.Noise != want {
		return nil, fmt.Errorf("%s: noise.rounding: %v, but on %d steps and images of %s it is %v", file, run.Noise.Rounding, run.Noise.Steps, ref, want.Rounding)
	}
	for _, e := range rows {
		if want := d.Label(e.Index); e.Label != want {
			return nil, fmt.Errorf("%s: example %d: label %d, but the dataset has %d", v.dir, e.Index, e.Label, want)
		}
	}
	v.checked("%s: hash of the dataset, and the labels of %d rows", ref, len(rows))
	return d, nil
}

// written is a table that certify writes.
type written struct {
	file   string
	method int // column
	drop   int // columns at the end that no evidence decides
	// table makes it again for the columns and caption found.
	table    func(l *loaded, c *figures.Certified, columns []string, caption string) *figures.Table
	optional bool
}

var certificatesWritten = written{"certificates.tsv", 2, 0, func(l *loaded, c *figures.Certified, _ []string, _ string) *figures.Table {
	return certificates(l.Run.Model, c)
}, false}

var tableWritten = written{"table.tsv", 0, 1, func(_ *loaded, c *figures.Certified, columns []string, _ string) *figures.Table {
	return accuracyTable(c, radiiOf(columns))
}, false}

var intervalsWritten = written{intervalFile, 0, 0, func(_ *loaded, c *figures.Certified, columns []string, caption string) *figures.Table {
	level := 0.0 // of no interval: the table is another then
	if found := levelCaption.FindStringSubmatch(caption); found != nil {
		if percent, err := strconv.ParseFloat(found[1], 64); err == nil && 0 < percent && percent < 100 {
			level = percent / 100
		}
	}
	if level == 0 {
		return &figures.Table{Columns: columns}
	}
	return intervalTable(c, radiiOf(columns), level)
}, true}

// radiiOf are the radii that columns are of.
func radiiOf(columns []string) (radii []float64) {
	for _, name := range columns {
		if r, err := strconv.ParseFloat(strings.TrimPrefix(name, "r="), 64); err == nil && strings.HasPrefix(name, "r=") {
			radii = append(radii, r)
		}
	}
	return radii
}

var (
	alphaCaption   = regexp.MustCompile(`α = ([^ ,]+)`)
	tauCaption     = regexp.MustCompile(`τ = ([^ ,]+)`)
	byBoundCaption = regexp.MustCompile(`, bound ([^ ,]+)`)
	float32Caption = regexp.MustCompile(`, margins less [^ ,]+ for float32`)
	levelCaption   = regexp.MustCompile(`; ([^ ]+)% confidence intervals`)
	scoresCaption  = regexp.MustCompile(`scores (\S+) (t=[^ ,]+)`)
)

// table computes a table from the log again, where certify left one, and compares line by line.
func (v *verification) table(t written) error {
	path := filepath.Join(v.dir, t.file)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if !t.optional {
			fmt.Fprintf(v.w, "note: %s: not there: nothing to compare\n", path)
		}
		return nil
	}
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	caption := lines[0]
	found := alphaCaption.FindStringSubmatch(caption)
	if len(lines) < 3 || found == nil {
		return fmt.Errorf("%s:1: want a caption that says α, column names and rows", path)
	}
	alpha, err := strconv.ParseFloat(found[1], 64)
	if err != nil || checkAlpha(alpha) != nil {
		return fmt.Errorf("%s:1: α = %s: must lie between 0 and 1", path, found[1])
	}
	l, err := load(v.dir, alpha, v.tau)
	if err != nil {
		return err
	}
	if found := scoresCaption.FindStringSubmatch(caption); found != nil {
		l.Scores = found[1] + "," + found[2]
	}
	l.Float32 = float32Caption.MatchString(caption)
	if found := byBoundCaption.FindStringSubmatch(caption); found != nil {
		if l.Bound, err = rs.BoundByName(found[1]); err != nil {
			return fmt.Errorf("%s:1: %w", path, err)
		}
	}
	// A caption says τ to four digits, and not at all where it is 0 or none.
	tau := 0.0
	if found := tauCaption.FindStringSubmatch(caption); found != nil {
		if tau, err = strconv.ParseFloat(found[1], 64); err != nil || !(tau > 0) {
			return fmt.Errorf("%s:1: τ = %s: must be positive", path, found[1])
		}
	}
	var names []string
	for i, line := range lines[2:] {
		cells := strings.Split(line, "\t")
		if len(cells) <= t.method {
			return fmt.Errorf("%s:%d: %d columns", path, i+3, len(cells))
		}
		if slices.Contains(names, cells[t.method]) {
			continue
		}
		if _, err := rs.MethodByName(cells[t.method]); err != nil {
			return fmt.Errorf("%s:%d: %w", path, i+3, err)
		}
		names = append(names, cells[t.method])
	}
	byHand := ""
	if v.tau < 0 {
		if l.Bound != nil || l.Float32 { // chosen for neither as yet
			if err := l.choose(alpha); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		if fmt.Sprintf("%.4g", l.Tau) != fmt.Sprintf("%.4g", tau) {
			if l.Tau = tau; tau > 0 {
				byHand = " (τ as the caption rounds it: give that of certify with --tau)"
			}
		}
	}
	c, err := l.CertifyRows(l.rows(), alpha, names)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	again := l.caption(c, alpha)
	if _, rest, ok := strings.Cut(caption, "; "); ok {
		again += "; " + rest
	}
	var made bytes.Buffer
	if err := t.table(l, c, strings.Split(lines[1], "\t"), caption).WriteTSV(&made, again); err != nil {
		return err
	}
	if at, want := firstDifference(lines, strings.Split(strings.TrimSuffix(made.String(), "\n"), "\n"), t.drop); at > 0 {
		return fmt.Errorf("%s:%d: differs from what the log gives%s: %s", path, at, byHand, want)
	}
	v.checked("%s: %d lines computed again from the log: %s", path, len(lines), strings.Join(names, ", "))
	return nil
}

// firstDifference returns the first line, from 1, that differs but for the last columns of table lines, and what it should be; 0 where none does.
func firstDifference(got, want []string, drop int) (int, string) {
	cut := func(lines []string, i int) string {
		if i >= len(lines) {
			return "no such line"
		}
		cells := strings.Split(lines[i], "\t")
		if i > 0 {
			cells = cells[:max(0, len(cells)-drop)]
		}
		return strings.Join(cells, "\t")
	}
	for i := range max(len(got), len(want)) {
		if a, b := cut(got, i), cut(want, i); a != b {
			return i + 1, strings.ReplaceAll(b, "\t", " ")
		}
	}
	return 0, ""
}

// drawAgain draws some examples once more and compares every count.
func (v *verification) drawAgain(ctx context.Context, l *loaded, m sample.Classifier, d *data.Dataset) error {
	run := l.Run
	switch {
	case m == nil:
		return fmt.Errorf("--redraw %d: needs the model: give it with --model", v.redraw)
	case d == nil:
		return fmt.Errorf("--redraw %d: needs the dataset: give it with --data", v.redraw)
	}
	if run.Model.Random {
		return fmt.Errorf("--redraw %d: the model of %s answers by chance: no draw can be made again", v.redraw, v.dir)
	}
	some := countlog.Spread(run.Examples.Count, v.redraw)
	s := sample.Drawer{Classifier: m, Images: d, Open: (&opened{log: v.log}).get}
	defer s.Close()
	backend, err := s.Backend(ctx)
	if err != nil {
		return err
	}
	if backend != run.Backend {
		return fmt.Errorf("--redraw %d: %s was drawn on backend %s; this is %s, whose draws may differ: set GOMLX_BACKEND", v.redraw, v.dir, run.Backend, backend)
	}
	folder, err := os.MkdirTemp("", "lipsmooth-verify-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	again := run
	again.Shard = countlog.Shard{}
	again.Examples = countlog.Plan{Start: run.Examples.At(some.Start), Stride: some.Stride * run.Examples.Stride, Count: some.Count}
	w, err := countlog.Create(folder, again)
	if err != nil {
		return err
	}
	defer w.Close()
	said := progress(v.log, "drawing again", "images", 0, some.Count)
	if err := s.Fill(ctx, w, 0, said); err != nil {
		return err
	}
	drawn, err := countlog.Open(folder)
	if err != nil {
		return err
	}
	compared := 0
	for e, err := range drawn.Rows() {
		if err != nil {
			return err
		}
		at := slices.IndexFunc(l.Rows, func(row rs.Evidence) bool { return row.Index == e.Index })
		if at < 0 {
			continue
		}
		compared++
		row := l.Rows[at]
		for _, c := range []struct {
			column     string
			there, now any
		}{
			{"label", row.Label, e.Label}, {"clean class and margin", row.Clean, e.Clean}, {"selection", row.Selection, e.Selection},
			{"estimation", row.Estimation, e.Estimation}, {"selection_margins", row.SelectionMargins.Counts, e.SelectionMargins.Counts},
			{"margins", row.Margins.Counts, e.Margins.Counts}, {"scores", row.Scores, e.Scores},
		} {
			if !reflect.DeepEqual(c.there, c.now) {
				return fmt.Errorf("%s: example %d: %s: drawn again, they differ", filepath.Join(v.dir, countlog.CountsFile), e.Index, c.column)
			}
		}
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
		Long: `Check every row of a run's log and every setting of run.json; the model in RUN/model, or --model, against the hash of its
weights and its Λ, proved again; the dataset, with --data, against its hash and the labels; table.tsv and
certificates.tsv, where they are there, against what the log gives; attack.tsv and gap.tsv against what the log certifies, and the
images of attack.npy, with --data, against their distances; and with --redraw some examples, drawn again on the device, against every
count. Says what was checked, and ends at the first difference with status 1.`,
		Example: "  lipsmooth verify runs/mnist-0.25 --data mnist --redraw 5",
		Args:    one("run's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLeast("redraw", v.redraw, 0); err != nil {
				return err
			}
			if err := checkTau(cmd.Flags().Changed, v.tau); err != nil {
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
	f.Float64Var(&v.tau, "tau", -1, "temperature that certify was given; default: chosen on RUN/tuning, or the caption's")
	return c
}
