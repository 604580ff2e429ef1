package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/coverage"
	"github.com/lipsmooth/lipsmooth/rs/table"
	"github.com/spf13/cobra"
)

func coverageCommand() *cobra.Command {
	var (
		classes       []int
		shapes, names []string
		n0, n, trials int
		alpha, sigma  float64
		top, exponent float64
		seed          uint64
		out           string
	)
	var list strings.Builder
	var known []string
	for _, s := range coverage.Shapes {
		fmt.Fprintf(&list, "  %-8s %s\n", s.Name, s.Doc)
		known = append(known, s.Name)
	}
	c := &cobra.Command{
		Use:   "coverage",
		Short: "Simulate votes: how often certificates are wrong, and how large they are",
		Long: `Draw votes from multinomials that are known, certify them by every method, and print how often the radius
passes the true one, with its two-sided 95% Clopper–Pearson interval, and the mean radius (abstentions as 0).
The true radius is σ/2 (Φ⁻¹(pA) - Φ⁻¹(pB)), and σ Φ⁻¹(pA), the smaller, of a certificate that bounds
its class alone, as mono does. A simulation can refute a method and never proves one.

Shapes:
` + list.String() + `
The table goes to coverage.tsv, and figures beside it: coverage (at the largest number of classes) and, of the first
shape, intervals (mean radius against the number of classes, where there is more than one).
Equal settings give equal results, on any number of processors.`,
		Example: "  lipsmooth coverage --classes 10,1000 --n 10000 --alpha 0.001 --top 0.9 --tail 1 --out coverage",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, k := range classes {
				if k < 2 || k > 1000000 {
					return fmt.Errorf("--classes %d: must lie between 2 and 1000000", k)
				}
			}
			switch {
			case len(classes) == 0:
				return fmt.Errorf("--classes: no number given")
			case len(shapes) == 0:
				return fmt.Errorf("--shapes: none given; known: %s", strings.Join(known, ", "))
			case !(0 < top && top < 1):
				return fmt.Errorf("--top %v: must lie between 0 and 1", top)
			case !(0 <= exponent && exponent <= 50):
				return fmt.Errorf("--tail %v: must lie between 0 (equal rivals) and 50", exponent)
			}
			for _, check := range []error{checkAlpha(alpha), checkSigma(sigma), checkLeast("n0", n0, 1), checkLeast("n", n, 1), checkLeast("trials", trials, 1)} {
				if check != nil {
					return check
				}
			}
			o := coverage.Options{Alpha: alpha, Trials: trials, Seed: seed, Methods: coverage.Methods()}
			if len(names) > 0 {
				o.Methods = nil
				for i, name := range names {
					if slices.Contains(names[:i], name) {
						return fmt.Errorf("--method %s is given twice", name)
					}
					e, err := methodOfVotes(name)
					if err != nil {
						return err
					}
					o.Methods = append(o.Methods, e)
				}
			}
			slices.Sort(classes)
			classes = slices.Compact(classes)
			var cases []coverage.Case
			for i, name := range shapes {
				s, err := coverage.ShapeByName(name)
				if err != nil {
					return fmt.Errorf("--shapes: %w", err)
				}
				if slices.Contains(shapes[:i], name) {
					return fmt.Errorf("--shapes: %s is given twice", name)
				}
				for _, k := range classes {
					cases = append(cases, coverage.Case{Shape: name, P: s.P(k, top, exponent), Sigma: sigma, N0: n0, N: n})
				}
			}
			var outcomes, byClasses, largest []coverage.Outcome
			show := progress(cmd.ErrOrStderr(), "simulating", "trials", 0, trials*len(cases))
			for i, c := range cases {
				o.Progress = func(done int) { show(i*trials + done) }
				got, err := coverage.Simulate(cmd.Context(), c, o)
				if err != nil {
					return err
				}
				outcomes = append(outcomes, got...)
				if c.Shape == shapes[0] {
					byClasses = append(byClasses, got...)
				}
				if len(c.P) == classes[len(classes)-1] {
					largest = append(largest, got...)
				}
			}
			return reportCoverage(cmd, outcomes, byClasses, largest, len(classes) > 1, out)
		},
	}
	f := c.Flags()
	f.IntSliceVar(&classes, "classes", []int{2, 3, 5, 10, 30, 100, 300, 1000}, "numbers of classes")
	f.StringSliceVar(&shapes, "shapes", known, "which multinomials")
	f.StringSliceVar(&names, "method", nil, "methods; default: all that certify votes alone")
	f.IntVar(&n0, "n0", 100, "draws that select the class")
	f.IntVar(&n, "n", 10000, "draws that estimate")
	f.Float64Var(&alpha, "alpha", certify.Default().Alpha, "error probability of each certificate")
	f.Float64Var(&sigma, "sigma", 1, "standard deviation of the noise, which radii are proportional to")
	f.IntVar(&trials, "trials", 10000, "simulated certificates of each method in each case")
	f.Float64Var(&top, "top", 0.9, "probability of the class, of shapes zipf and rivals")
	f.Float64Var(&exponent, "tail", 1, "exponent of the Zipf tail")
	f.Uint64Var(&seed, "seed", 1, "seed of every draw")
	f.StringVar(&out, "out", "coverage", "folder for coverage.tsv and figures")
	return c
}

// methodOfVotes finds an entry of coverage.Methods; the error lists what is known.
func methodOfVotes(name string) (rs.Entry, error) {
	var known []string
	for _, e := range coverage.Methods() {
		if e.Name == name {
			return e, nil
		}
		known = append(known, e.Name)
	}
	return rs.Entry{}, fmt.Errorf("--method %s: certifies no simulated votes; those that do: %s", name, strings.Join(known, ", "))
}

// reportCoverage prints the outcomes and saves them with their figures.
func reportCoverage(cmd *cobra.Command, outcomes, byClasses, largest []coverage.Outcome, several bool, out string) error {
	short := table.Table{Columns: []string{"shape", "K", "method", "miscoverage", "95% interval", "mean radius"}}
	for _, o := range outcomes {
		low, high := o.Interval(0.95)
		short.Rows = append(short.Rows, []string{o.Case.Shape, fmt.Sprint(len(o.Case.P)), o.Method, fmt.Sprintf("%.3g", o.Miscoverage()),
			fmt.Sprintf("%.2g to %.2g", low, high), fmt.Sprintf("%.4f", o.Mean)})
	}
	if err := short.WriteText(cmd.OutOrStdout()); err != nil {
		return err
	}
	all, err := figures.Coverage(largest)
	if err != nil {
		return err
	}
	all.Table = figures.CoverageTable(outcomes) // the file holds every case, of which the figure shows some
	drawn := []*figures.Figure{all}
	if several {
		f, err := figures.Intervals(byClasses)
		if err != nil {
			return err
		}
		drawn = append(drawn, f)
	}
	fmt.Fprintln(cmd.OutOrStdout())
	fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(out, "coverage.tsv"))
	for _, f := range drawn {
		files, err := f.Save(out, "")
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), files[1])
	}
	return nil
}
