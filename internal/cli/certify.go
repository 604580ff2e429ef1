package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/spf13/cobra"
)

// config certifies at alpha; a tau that is negative is chosen.
func config(alpha, tau float64) certify.Config {
	c := certify.Default()
	c.Alpha, c.Tau = alpha, tau
	return c
}

// load reads a run with its rows, and chooses its temperature as c says.
func load(dir string, c certify.Config) (*certify.Run, error) {
	if err := checkAlpha(c.Alpha); err != nil {
		return nil, err
	}
	r, err := certify.Open(dir)
	if err != nil {
		return nil, err
	}
	if r.Tau, err = r.ChooseTau(c); err != nil {
		return nil, err
	}
	return r, r.Load()
}

// methods reads a list of methods; all, which is nil, is every sound one.
func methods(list string, unsound bool) (names []string, err error) {
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == "all" {
			return nil, nil
		}
		entry, err := rs.MethodByName(name)
		if err != nil {
			return nil, fmt.Errorf("--method: %w, all", err)
		}
		if entry.Unsound && !unsound {
			return nil, fmt.Errorf("--method %s is unsound: its certificates may fail more often than α; --unsound computes them all the same, for comparison", name)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// intervalFile has confidence intervals of certified accuracy.
const intervalFile = "intervals.tsv"

func intervalCaption(level float64) string {
	return fmt.Sprintf("%g%% confidence intervals of certified accuracy, over images", 100*level)
}

// report prints what was certified of a run and writes it, with the certificates of each image, into a folder.
func report(w io.Writer, x *certify.Result, dir string) error {
	caption := x.Settings().Caption()
	fmt.Fprintln(w, caption)
	t := x.Accuracy()
	if err := t.WriteText(w); err != nil {
		return err
	}
	for _, note := range x.Notes {
		fmt.Fprintln(w, "note:", note)
	}
	if err := t.WriteFile(filepath.Join(dir, "table.tsv"), caption); err != nil {
		return err
	}
	return x.Certificates().WriteFile(filepath.Join(dir, "certificates.tsv"), caption)
}

func certifyCommand() *cobra.Command {
	config := certify.Default()
	var method, bound, out string
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
			if err := cmp.Or(checkTau(cmd.Flags().Changed, config.Tau), checkAlpha(config.Alpha), checkRadii(config.Radii)); err != nil {
				return err
			}
			if interval := config.Interval; interval != 0 && !(0 < interval && interval < 1) {
				return fmt.Errorf("--interval %v: must lie between 0 and 1", interval)
			}
			var err error
			if config.Methods, err = methods(method, config.Unsound); err != nil {
				return err
			}
			if bound != "" {
				if config.Bound, err = rs.BoundByName(bound); err != nil {
					return fmt.Errorf("--bound: %w", err)
				}
			}
			if config.Scores != "" {
				m, err := rs.ParseScoreMap(config.Scores)
				if err != nil {
					return fmt.Errorf("--scores: %w", err)
				}
				config.Scores = m.String()
			}
			run, err := certify.Open(args[0])
			if err != nil {
				return err
			}
			x, err := run.Certify(config)
			if errors.Is(err, certify.ErrNoMarginError) {
				return fmt.Errorf("--%w", err)
			}
			if err != nil {
				return err
			}
			if out == "" {
				out = args[0]
			}
			w := cmd.OutOrStdout()
			// Those of other settings go first.
			if err := os.Remove(filepath.Join(out, intervalFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			if err := report(w, x, out); err != nil || config.Interval == 0 {
				return err
			}
			t, caption := x.Intervals(), intervalCaption(config.Interval)
			fmt.Fprintln(w, caption)
			if err := t.WriteText(w); err != nil {
				return err
			}
			return t.WriteFile(filepath.Join(out, intervalFile), x.Settings().Caption()+"; "+caption)
		},
	}
	f := c.Flags()
	f.StringVar(&method, "method", "all", "methods, separated by commas, or all that are sound")
	f.BoolVar(&config.Unsound, "unsound", false, "let --method name an unsound shortcut, for comparison")
	f.StringVar(&bound, "bound", "", "confidence bound of every method (default: clopper-pearson on votes, betting on soft votes)")
	f.BoolVar(&config.Float32, "float32", false, "subtract from margins what float32 may have done to them (margin_error of run.json): certifies the network in real arithmetic")
	f.StringVar(&config.Scores, "scores", "", "map of scores that methods take, of those logged (default: every one, with α shared)")
	f.Float64Var(&config.Alpha, "alpha", config.Alpha, "error probability of each certificate")
	f.BoolVar(&config.Simultaneous, "simultaneous", false, "make α the error probability of all certificates of a method together")
	f.Float64Var(&config.Interval, "interval", 0, "level, 0.95 say, of confidence intervals of certified accuracy, to print and write as intervals.tsv")
	f.Float64Var(&config.Tau, "tau", config.Tau, "temperature of soft votes, in logits; default: chosen on RUN/tuning")
	f.Float64SliceVar(&config.Radii, "radii", config.Radii, "radii of the table")
	f.StringVar(&out, "out", "", "folder for table.tsv and certificates.tsv; default: RUN")
	return c
}
