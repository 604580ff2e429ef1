package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/spf13/cobra"
)

// loaded is a run read from its folder.
type loaded struct {
	figures.Sampled
	dir   string
	log   *countlog.Log
	notes []string // what a reader must know
	// tuning is what is foretold of other images, to choose a temperature on; nil where it is given, and where there are none.
	tuning       []rs.Evidence
	simultaneous bool // α was shared out over the images
}

// load reads a run with its rows, and chooses the temperature on its tuning images unless tau is given (not negative).
func load(dir string, alpha, tau float64) (*loaded, error) {
	l, err := open(dir, alpha, tau)
	if err != nil {
		return nil, err
	}
	if err := l.choose(alpha); err != nil {
		return nil, err
	}
	if l.Rows, err = l.log.All(); err != nil {
		return nil, err
	}
	return l, l.sampled(len(l.Rows))
}

// Sampled reads a run as every command does, with its checks: the rows, and the temperature of soft votes chosen at alpha on the tuning
// images, negative where there are none.
func Sampled(dir string, alpha float64) (figures.Sampled, error) {
	l, err := load(dir, alpha, -1)
	if err != nil {
		return figures.Sampled{}, err
	}
	return l.Sampled, nil
}

// sampled notes how many rows there are.
func (l *loaded) sampled(rows int) error {
	if rows == 0 {
		return fmt.Errorf("%s: no example is sampled yet", l.dir)
	}
	if rows < l.log.Planned() && l.Run.Backend != countlog.Imported {
		l.notes = append(l.notes, fmt.Sprintf("%s: %d of %d examples: sampling isn't finished", l.dir, rows, l.log.Planned()))
	}
	return nil
}

// rows yields the rows, read as they are needed where they weren't loaded.
func (l *loaded) rows() iter.Seq2[*rs.Evidence, error] {
	if l.Rows == nil {
		return l.log.Rows()
	}
	return figures.EachRow(l.Rows)
}

// open is load without the rows and, before choose, the temperature.
func open(dir string, alpha, tau float64) (*loaded, error) {
	if err := checkAlpha(alpha); err != nil {
		return nil, err
	}
	log, err := countlog.Open(dir)
	if err != nil {
		return nil, err
	}
	l := &loaded{Sampled: figures.Sampled{Run: log.Run, Tau: tau}, dir: dir, log: log}
	if err := ofModel(dir, log.Run); err != nil {
		return nil, err
	}
	if tau >= 0 {
		return l, nil
	}
	if u := log.Run.Until; u.Method == "lipschitz" {
		l.Tau = u.Tau // which the draws ended for
		return l, nil
	}
	folder := filepath.Join(dir, tuningFolder)
	tuning, err := countlog.Open(folder)
	if errors.Is(err, os.ErrNotExist) {
		if log.Run.Model.Lambda > 0 {
			l.notes = append(l.notes, fmt.Sprintf("%s: no tuning images: give a temperature with --tau for soft votes", dir))
		}
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
	if l.tuning, err = log.Run.Foretell(rows); err != nil {
		return nil, err
	}
	return l, nil
}

// choose chooses the temperature on the tuning images, where there are some, for the bound and arithmetic that l has.
func (l *loaded) choose(alpha float64) (err error) {
	if l.tuning != nil {
		l.Tau, err = rs.ChooseTau(l.tuning, rs.Lipschitz{Lambda: l.Run.Model.Lambda, Bound: l.Bound, Float32: l.Float32}, alpha)
	}
	return err
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

// certify certifies a run by each method of a list; all stands for the sound ones that the run has what they need for. Rows
// that weren't loaded are read as they are needed.
func (l *loaded) certify(list string, unsound bool, alpha float64) (*figures.Certified, error) {
	names, all, err := methods(list, unsound)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if entry, _ := rs.MethodByName(name); entry.Unsound {
			l.notes = append(l.notes, name+" is unsound: its certificates may fail more often than α")
		}
	}
	if all {
		names = nil
	}
	c, err := l.CertifyRows(l.rows(), alpha, names)
	if err != nil {
		return nil, err
	}
	l.notes = append(l.notes, leftOut(c.Missing)...)
	if l.Rows == nil {
		err = l.sampled(len(c.Indices))
	}
	return c, err
}

// leftOut notes the methods that were left out, once for each reason.
func leftOut(missing []error) (notes []string) {
	var reasons []string
	methods := map[string][]string{}
	for _, err := range missing {
		method, reason, _ := strings.Cut(err.Error(), ": ")
		if methods[reason] == nil {
			reasons = append(reasons, reason)
		}
		methods[reason] = append(methods[reason], method)
	}
	for _, reason := range reasons {
		notes = append(notes, fmt.Sprintf("left out: %s: %s", strings.Join(methods[reason], ", "), reason))
	}
	return notes
}

// defaultRadii are those of the paper's tables.
var defaultRadii = []float64{0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2}

// accuracyTable has a row for each method: certified accuracy at the radii, average certified radius, seconds.
func accuracyTable(c *figures.Certified, radii []float64) *figures.Table {
	t := &figures.Table{Columns: []string{"method"}}
	for _, r := range radii {
		t.Columns = append(t.Columns, "r="+strconv.FormatFloat(r, 'g', -1, 64))
	}
	t.Columns = append(t.Columns, "average radius", "seconds")
	for i, curve := range c.Curves {
		row := []string{curve.Method}
		for _, r := range radii {
			row = append(row, fmt.Sprintf("%.3f", rs.CertifiedAccuracy(curve.Results, r)))
		}
		t.Rows = append(t.Rows, append(row, fmt.Sprintf("%.4f", rs.AverageRadius(curve.Results)), fmt.Sprintf("%.3f", c.Seconds[i])))
	}
	return t
}

// intervalFile has confidence intervals of certified accuracy.
const intervalFile = "intervals.tsv"

// intervalTable has the ends of the confidence interval of each certified accuracy of accuracyTable.
func intervalTable(c *figures.Certified, radii []float64, level float64) *figures.Table {
	t := &figures.Table{Columns: []string{"method", "end"}}
	for _, r := range radii {
		t.Columns = append(t.Columns, "r="+strconv.FormatFloat(r, 'g', -1, 64))
	}
	for _, curve := range c.Curves {
		low, high := []string{curve.Method, "low"}, []string{curve.Method, "high"}
		for _, r := range radii {
			lo, hi := rs.AccuracyBand(curve.Results, r, level)
			low, high = append(low, fmt.Sprintf("%.3f", lo)), append(high, fmt.Sprintf("%.3f", hi))
		}
		t.Rows = append(t.Rows, low, high)
	}
	return t
}

func intervalCaption(level float64) string {
	return fmt.Sprintf("%g%% confidence intervals of certified accuracy, over images", 100*level)
}

// claimed are the methods whose certificates rest on a Lipschitz constant that is claimed.
func claimed(model countlog.Model, c *figures.Certified) (methods []string) {
	if model.LambdaSource != countlog.Claimed {
		return nil
	}
	for _, curve := range c.Curves {
		if entry, err := rs.MethodByName(curve.Method); err == nil && entry.Lipschitz {
			methods = append(methods, curve.Method)
		}
	}
	return methods
}

// certificates has a row for each image and method: what was certified of a model, and what α was spent on.
func certificates(model countlog.Model, c *figures.Certified) *figures.Table {
	t := &figures.Table{Columns: []string{"index", "label", "method", "class", "radius", "alpha spent", "bounds"}}
	t.Rows = make([][]string, 0, len(c.Indices)*len(c.Curves))
	rests := claimed(model, c)
	var b []byte
	for i, index := range c.Indices {
		for _, curve := range c.Curves {
			r := curve.Results[i]
			b = b[:0]
			for k, s := range r.Ledger {
				if k > 0 {
					b = append(b, "; "...)
				}
				side := " lower "
				if s.Upper {
					side = " upper "
				}
				b = append(append(append(append(b, s.Of...), side...), s.Bound...), ' ')
				b = append(strconv.AppendFloat(b, s.Value, 'g', 17, 64), " at "...)
				b = append(strconv.AppendInt(b, int64(s.Times), 10), "×"...)
				b = strconv.AppendFloat(b, s.Alpha, 'g', -1, 64)
			}
			if slices.Contains(rests, curve.Method) {
				if len(b) > 0 {
					b = append(b, "; "...)
				}
				b = append(strconv.AppendFloat(append(b, "Λ = "...), model.Lambda, 'g', -1, 64), " claimed"...)
			}
			t.Rows = append(t.Rows, []string{
				strconv.Itoa(index), strconv.Itoa(r.Label), curve.Method, strconv.Itoa(r.Class), strconv.FormatFloat(r.Radius, 'g', -1, 64),
				strconv.FormatFloat(r.Alpha(), 'g', -1, 64), string(b),
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

// caption says the settings of what was certified.
func (l *loaded) caption(c *figures.Certified, alpha float64) string {
	s := l.Settings(alpha)
	s.Images = len(c.Indices)
	return s.Caption()
}

// report prints a run's table and writes it, with the certificates of each image, into a folder.
func report(w io.Writer, l *loaded, c *figures.Certified, dir string, alpha float64, radii []float64) error {
	caption := l.caption(c, alpha)
	fmt.Fprintln(w, caption)
	t := accuracyTable(c, radii)
	if err := t.WriteText(w); err != nil {
		return err
	}
	if err := l.remark(c, alpha); err != nil {
		return err
	}
	for _, note := range l.notes {
		fmt.Fprintln(w, "note:", note)
	}
	if err := writeTable(filepath.Join(dir, "table.tsv"), t, caption); err != nil {
		return err
	}
	return writeTable(filepath.Join(dir, "certificates.tsv"), certificates(l.Run.Model, c), caption)
}

// remark notes what α means for all images together, what an early end saved, and what noise on a grid cost.
func (l *loaded) remark(c *figures.Certified, alpha float64) error {
	m := len(c.Indices)
	const beta = 0.001
	if !l.simultaneous {
		l.notes = append(l.notes, fmt.Sprintf("α = %g is of each certificate: of a method's %d, %.3g are expected to be wrong at most, and more than %d with probability %g at most; --simultaneous makes α that of all together",
			alpha, m, rs.ExpectedWrong(alpha, m), rs.WrongAtMost(alpha, m, beta), beta))
	}
	if rest := claimed(l.Run.Model, c); rest != nil {
		l.notes = append(l.notes, fmt.Sprintf("Λ = %g is claimed, not proved: on it rest %s", l.Run.Model.Lambda, strings.Join(rest, ", ")))
	}
	if l.Run.Until.Stops != nil {
		l.notes = append(l.notes, fmt.Sprintf("until %s by %s: %d draws an image on average, of %d at most", l.Run.Until.Rule, l.Run.Until.Method, c.Draws/m, l.Run.N))
	}
	if l.Float32 {
		l.notes = append(l.notes, fmt.Sprintf("float32: a margin is off by %.3g at most, which is subtracted; votes and lvm certify the network as float32 computes it, at no cost", l.Run.MarginError))
		free := l.Sampled
		free.Float32 = false
		if err := l.cost(c, free, alpha, func(*rs.Evidence) {}); err != nil {
			return err
		}
	}
	if l.Run.Noise == (countlog.Noise{}) {
		return nil
	}
	l.notes = append(l.notes, fmt.Sprintf("noise on a grid of %d steps: votes certify the classifier of the rounded input, at no cost; a Lipschitz score loses what ‖Z-Z'‖ ≤ %.2g does to it", l.Run.Noise.Steps, l.Run.Noise.Rounding))
	return l.cost(c, l.Sampled, alpha, func(e *rs.Evidence) { e.Rounding = 0 })
}

// cost notes what lipschitz would certify on average without something.
func (l *loaded) cost(c *figures.Certified, free figures.Sampled, alpha float64, without func(e *rs.Evidence)) error {
	at := slices.IndexFunc(c.Curves, func(curve figures.Curve) bool { return curve.Method == "lipschitz" })
	if at < 0 {
		return nil
	}
	more, err := free.CertifyRows(func(yield func(*rs.Evidence, error) bool) {
		for e, err := range l.log.Rows() {
			if err == nil {
				without(e)
			}
			if !yield(e, err) {
				return
			}
		}
	}, alpha, []string{"lipschitz"})
	if err != nil {
		return err
	}
	with, all := rs.AverageRadius(c.Curves[at].Results), rs.AverageRadius(more.Curves[0].Results)
	l.notes = append(l.notes, fmt.Sprintf("that costs lipschitz %.4f of an average radius of %.4f", all-with, all))
	return nil
}

func certifyCommand() *cobra.Command {
	var alpha, tau, interval float64
	var method, bound, out, scores string
	var radii []float64
	var unsound, simultaneous, float32 bool
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
			if err := cmp.Or(checkTau(cmd.Flags().Changed, tau), checkAlpha(alpha)); err != nil {
				return err
			}
			if interval != 0 && !(0 < interval && interval < 1) {
				return fmt.Errorf("--interval %v: must lie between 0 and 1", interval)
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
			if scores != "" {
				m, err := rs.ParseScoreMap(scores)
				if err != nil {
					return fmt.Errorf("--scores: %w", err)
				}
				scores = m.String()
			}
			images := 0
			if simultaneous {
				log, err := countlog.Open(args[0])
				if err != nil {
					return err
				}
				// Of those planned, so that sampling the rest changes nothing.
				if images = log.Planned(); log.Run.Backend == countlog.Imported {
					if images, err = log.Count(); err != nil {
						return err
					}
				}
				if images == 0 {
					return fmt.Errorf("%s: no example is sampled yet", args[0])
				}
				alpha = rs.SimultaneousAlpha(alpha, images)
			}
			l, err := open(args[0], alpha, tau)
			if err != nil {
				return err
			}
			l.Bound, l.Scores, l.Float32 = chosen, scores, float32
			if float32 && l.Run.MarginError == 0 {
				return fmt.Errorf("--float32: %s has no margin_error: sample again, on a CPU and from a model whose layers all have a rounding proof (lipsmooth bound)", filepath.Join(args[0], countlog.RunFile))
			}
			if err := l.choose(alpha); err != nil {
				return err
			}
			c, err := l.certify(method, unsound, alpha)
			if err != nil {
				return err
			}
			if out == "" {
				out = args[0]
			}
			if l.simultaneous = simultaneous; simultaneous {
				l.notes = append(l.notes, fmt.Sprintf("simultaneous: a method's certificates of %d images hold all together with probability 1-%.3g, at α = %.3g each", images, alpha*float64(images), alpha))
			}
			w := cmd.OutOrStdout()
			// Those of other settings go first.
			if err := os.Remove(filepath.Join(out, intervalFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			if err := report(w, l, c, out, alpha, radii); err != nil || interval == 0 {
				return err
			}
			t, caption := intervalTable(c, radii, interval), intervalCaption(interval)
			fmt.Fprintln(w, caption)
			if err := t.WriteText(w); err != nil {
				return err
			}
			return writeTable(filepath.Join(out, intervalFile), t, l.caption(c, alpha)+"; "+caption)
		},
	}
	f := c.Flags()
	f.StringVar(&method, "method", "all", "methods, separated by commas, or all that are sound")
	f.BoolVar(&unsound, "unsound", false, "let --method name an unsound shortcut, for comparison")
	f.StringVar(&bound, "bound", "", "confidence bound of every method (default: clopper-pearson on votes, betting on soft votes)")
	f.BoolVar(&float32, "float32", false, "subtract from margins what float32 may have done to them (margin_error of run.json): certifies the network in real arithmetic")
	f.StringVar(&scores, "scores", "", "map of scores that methods take, of those logged (default: every one, with α shared)")
	f.Float64Var(&alpha, "alpha", 0.001, "error probability of each certificate")
	f.BoolVar(&simultaneous, "simultaneous", false, "make α the error probability of all certificates of a method together")
	f.Float64Var(&interval, "interval", 0, "level, 0.95 say, of confidence intervals of certified accuracy, to print and write as intervals.tsv")
	f.Float64Var(&tau, "tau", -1, "temperature of soft votes, in logits; default: chosen on RUN/tuning")
	f.Float64SliceVar(&radii, "radii", defaultRadii, "radii of the table")
	f.StringVar(&out, "out", "", "folder for table.tsv and certificates.tsv; default: RUN")
	return c
}
