package cli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/spf13/cobra"
)

// loaded is a run read from its folder.
type loaded struct {
	figures.Sampled
	notes []string // what a reader must know
}

// load reads a run, and chooses the temperature on its tuning images unless tau is given (not negative).
func load(dir string, alpha, tau float64) (*loaded, error) {
	if err := checkAlpha(alpha); err != nil {
		return nil, err
	}
	log, err := countlog.Open(dir)
	if err != nil {
		return nil, err
	}
	l := &loaded{Sampled: figures.Sampled{Run: log.Run, Tau: tau}}
	if err := ofModel(dir, log.Run); err != nil {
		return nil, err
	}
	if l.Rows, err = log.All(); err != nil {
		return nil, err
	}
	if len(l.Rows) == 0 {
		return nil, fmt.Errorf("%s: no example is sampled yet", dir)
	}
	if len(l.Rows) < log.Planned() {
		l.notes = append(l.notes, fmt.Sprintf("%s: %d of %d examples: sampling isn't finished", dir, len(l.Rows), log.Planned()))
	}
	if tau >= 0 {
		return l, nil
	}
	folder := filepath.Join(dir, tuningFolder)
	tuning, err := countlog.Open(folder)
	if errors.Is(err, os.ErrNotExist) {
		l.notes = append(l.notes, fmt.Sprintf("%s: no tuning images: give a temperature with --tau for soft votes", dir))
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	if err := alike(folder, tuning.Run, dir, log.Run); err != nil {
		return nil, err
	}
	if tuning.Run.Sigma != log.Run.Sigma {
		return nil, fmt.Errorf("%s was sampled with σ = %v, %s with %v", folder, tuning.Run.Sigma, dir, log.Run.Sigma)
	}
	rows, err := tuning.All()
	if err != nil {
		return nil, err
	}
	for _, e := range rows {
		if log.Run.Examples.Position(e.Index) >= 0 {
			return nil, fmt.Errorf("%s: image %d is one of those to certify: a temperature chosen on it isn't sound", folder, e.Index)
		}
	}
	l.Tau = rs.ChooseTau(rows, log.Run.N, log.Run.Model.Lambda, alpha)
	return l, nil
}

// ofModel checks a run against the model that lies in its folder, if one does.
func ofModel(dir string, run countlog.Run) error {
	folder := filepath.Join(dir, modelFolder)
	info, err := training.ReadInfo(folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && info.Hash != run.Model.Hash {
		err = fmt.Errorf("%s: sampled from model %.12s, but %s holds %.12s: this evidence is of another model", filepath.Join(dir, countlog.RunFile), run.Model.Hash, folder, info.Hash)
	}
	return err
}

// alike says why two runs can't stand in one figure or table, or nil.
func alike(dir string, run countlog.Run, otherDir string, other countlog.Run) error {
	if a, b := run.Model, other.Model; a != b {
		return fmt.Errorf("%s was sampled from model %s (%.12s, Λ = %v), %s from %s (%.12s, Λ = %v)", dir, a.Name, a.Hash, a.Lambda, otherDir, b.Name, b.Hash, b.Lambda)
	}
	if a, b := run.Dataset, other.Dataset; a != b {
		return fmt.Errorf("%s was sampled on dataset %s %s (%.12s), %s on %s %s (%.12s)", dir, a.Name, a.Split, a.Hash, otherDir, b.Name, b.Split, b.Hash)
	}
	return nil
}

// certified is what one method says of a run.
type certified struct {
	figures.Curve
	seconds float64
}

// methods reads a list of methods; all is every sound one, and known to be.
func methods(list string, unsound bool) (names []string, all bool, err error) {
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "all" {
			return rs.MethodNames(), true, nil
		}
		entry, err := rs.MethodByName(name)
		if err != nil {
			return nil, false, fmt.Errorf("--method: %w, all", err)
		}
		if entry.Unsound && !unsound {
			return nil, false, fmt.Errorf("--method %s is unsound: its certificates may fail more often than α; --unsound computes them all the same, for comparison", name)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, false, nil
}

// certify certifies a run by each method of a list; all stands for the sound ones that the run has what they need for.
func (l *loaded) certify(list string, unsound bool, alpha float64) ([]certified, error) {
	names, all, err := methods(list, unsound)
	if err != nil {
		return nil, err
	}
	var out []certified
	for _, name := range names {
		if entry, _ := rs.MethodByName(name); entry.Unsound {
			l.notes = append(l.notes, name+" is unsound: its certificates may fail more often than α")
		}
		begun := time.Now()
		curves, err := l.Certify(alpha, []string{name})
		switch {
		case err == nil:
			out = append(out, certified{curves[0], time.Since(begun).Seconds()})
		case all:
			l.notes = append(l.notes, fmt.Sprintf("left out: %v", err))
		default:
			return nil, err
		}
	}
	return out, nil
}

// defaultRadii are those of the paper's tables.
var defaultRadii = []float64{0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2}

// accuracyTable has a row for each method: certified accuracy at the radii, average certified radius, seconds.
func accuracyTable(results []certified, radii []float64) *figures.Table {
	t := &figures.Table{Columns: []string{"method"}}
	for _, r := range radii {
		t.Columns = append(t.Columns, "r="+strconv.FormatFloat(r, 'g', -1, 64))
	}
	t.Columns = append(t.Columns, "average radius", "seconds")
	for _, c := range results {
		row := []string{c.Method}
		for _, r := range radii {
			row = append(row, fmt.Sprintf("%.3f", rs.CertifiedAccuracy(c.Results, r)))
		}
		t.Rows = append(t.Rows, append(row, fmt.Sprintf("%.4f", rs.AverageRadius(c.Results)), fmt.Sprintf("%.3f", c.seconds)))
	}
	return t
}

// certificates has a row for each image and method: what was certified, and what α was spent on.
func certificates(l *loaded, results []certified) *figures.Table {
	t := &figures.Table{Columns: []string{"index", "label", "method", "class", "radius", "alpha spent", "bounds"}}
	for i, e := range l.Rows {
		for _, c := range results {
			r := c.Results[i]
			var bounds []string
			for _, s := range r.Ledger {
				side := "lower"
				if s.Upper {
					side = "upper"
				}
				bounds = append(bounds, fmt.Sprintf("%s %s %s %.17g at %d×%g", s.Of, side, s.Bound, s.Value, s.Times, s.Alpha))
			}
			t.Rows = append(t.Rows, []string{
				strconv.Itoa(e.Index), strconv.Itoa(e.Label), c.Method, strconv.Itoa(r.Class), strconv.FormatFloat(r.Radius, 'g', -1, 64),
				strconv.FormatFloat(r.Alpha(), 'g', -1, 64), strings.Join(bounds, "; "),
			})
		}
	}
	return t
}

// writeTable writes a table as TSV, whole or not at all.
func writeTable(path string, t *figures.Table, caption string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	next := path + ".new"
	f, err := os.Create(next)
	if err != nil {
		return err
	}
	defer os.Remove(next)
	err = t.WriteTSV(f, caption)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(next, path)
}

// report prints a run's table and writes it, with the certificates of each image, into its folder.
func report(w io.Writer, l *loaded, results []certified, dir string, alpha float64, radii []float64) error {
	caption := l.Settings(alpha).Caption()
	fmt.Fprintln(w, caption)
	t := accuracyTable(results, radii)
	if err := t.WriteText(w); err != nil {
		return err
	}
	for _, note := range l.notes {
		fmt.Fprintln(w, "note:", note)
	}
	if err := writeTable(filepath.Join(dir, "table.tsv"), t, caption); err != nil {
		return err
	}
	return writeTable(filepath.Join(dir, "certificates.tsv"), certificates(l, results), caption)
}

func certifyCommand() *cobra.Command {
	var alpha, tau float64
	var method, bound, out string
	var radii []float64
	var unsound bool
	var list strings.Builder
	for _, m := range rs.Methods {
		fmt.Fprintf(&list, "  %-15s %s\n", m.Name, m.Doc)
	}
	list.WriteString("\nBounds:\n")
	for _, b := range rs.Bounds {
		fmt.Fprintf(&list, "  %-15s %s\n", b.Name, b.Doc)
	}
	c := &cobra.Command{
		Use:   "certify RUN",
		Short: "Certify l2 radii from a run's evidence, by any method, without a device",
		Long: `Certify l2 radii from the votes and margins in a run's folder. Each certificate holds with probability 1-α over
the noise drawn. Prints certified accuracy at each radius and the average certified radius, and writes table.tsv and
certificates.tsv: one line an image and method, with what α was spent on.

Methods:
` + list.String(),
		Example: "  lipsmooth certify runs/mnist-0.25 --method mono,lipschitz --alpha 0.001",
		Args:    one("run's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("tau") && !(0 <= tau && tau <= math.MaxFloat64) {
				return fmt.Errorf("--tau %v: must be at least 0 and finite", tau)
			}
			if err := checkRadii(radii); err != nil {
				return err
			}
			if _, _, err := methods(method, unsound); err != nil {
				return err
			}
			var chosen rs.Bound
			if bound != "" {
				var err error
				if chosen, err = rs.BoundByName(bound); err != nil {
					return fmt.Errorf("--bound: %w", err)
				}
			}
			l, err := load(args[0], alpha, tau)
			if err != nil {
				return err
			}
			l.Bound = chosen
			results, err := l.certify(method, unsound, alpha)
			if err != nil {
				return err
			}
			if out == "" {
				out = args[0]
			}
			return report(cmd.OutOrStdout(), l, results, out, alpha, radii)
		},
	}
	f := c.Flags()
	f.StringVar(&method, "method", "all", "methods, separated by commas, or all that are sound")
	f.BoolVar(&unsound, "unsound", false, "let --method name an unsound shortcut, for comparison")
	f.StringVar(&bound, "bound", "", "confidence bound of every method (default: clopper-pearson on votes, betting on soft votes)")
	f.Float64Var(&alpha, "alpha", 0.001, "error probability of each certificate")
	f.Float64Var(&tau, "tau", -1, "temperature of soft votes, in logits; default: chosen on RUN/tuning")
	f.Float64SliceVar(&radii, "radii", defaultRadii, "radii of the table")
	f.StringVar(&out, "out", "", "folder for table.tsv and certificates.tsv; default: RUN")
	return c
}
