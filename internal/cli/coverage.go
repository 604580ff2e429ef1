package cli

import (
	"cmp"
	"fmt"
	"io"
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

// coverageFlags are the flags of coverage.
type coverageFlags struct {
	classes       []int
	shapes, names []string
	n0, n, trials int
	alpha, sigma  float64
	top, exponent float64
	seed          uint64
	out           string
}

func coverageCommand() *cobra.Command {
	var v coverageFlags
	var list strings.Builder
	var known []string
	for _, s := range coverage.Shapes {
		fmt.Fprintf(&list, "  %-8s %s\n", s.Name, s.Doc)
		known = append(known, s.Name)
	}
	c := &cobra.Command{
		Use:   "coverage",
		Short: "Simulate votes: how often certificates are wrong, and how large they are",
		Long: `Draw votes from known multinomials and certify the votes by every method. The
table shows how often the radius exceeds the true one, with a two-sided 95% Clopper–Pearson
interval. It also shows the mean radius, where an abstention counts as 0. The true radius is
σ/2 (Φ⁻¹(pA) - Φ⁻¹(pB)). For a certificate that bounds its class alone, as mono does, the true
radius is σ Φ⁻¹(pA), which is smaller. A simulation can refute a method. It never proves one.

Shapes:
` + list.String() + `
The folder of --out gets coverage.tsv and the figure coverage, for the largest number of classes.
With two or more numbers of classes, it gets the figure intervals too: the mean radius against the
number of classes, for the first shape. Equal settings give equal results, on any number of
processors.`,
		Example: "  lipsmooth coverage --classes 10,1000 --n 10000 --alpha 0.001 --top 0.9 " +
			"--tail 1 --out coverage",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := v.check(known); err != nil {
				return err
			}
			methods, err := v.methods()
			if err != nil {
				return err
			}
			cases, err := v.cases()
			if err != nil {
				return err
			}
			outcomes, err := v.simulate(cmd, cases, methods)
			if err != nil {
				return err
			}
			return v.report(cmd.OutOrStdout(), outcomes)
		},
	}
	f := c.Flags()
	f.IntSliceVar(&v.classes, "classes", []int{2, 3, 5, 10, 30, 100, 300, 1000},
		"numbers of classes")
	f.StringSliceVar(&v.shapes, "shapes", known, "shapes of the multinomials, see above")
	f.StringSliceVar(&v.names, "method", nil, "methods; default: all that certify votes alone")
	f.IntVar(&v.n0, "n0", 100, "number of selection draws")
	f.IntVar(&v.n, "n", 10000, "number of estimation draws")
	f.Float64Var(&v.alpha, "alpha", certify.Default().Alpha,
		"error probability of each certificate")
	f.Float64Var(&v.sigma, "sigma", 1, "noise level σ; radii are proportional to σ")
	f.IntVar(&v.trials, "trials", 10000, "simulated certificates of each method in each case")
	f.Float64Var(&v.top, "top", 0.9, "probability of the class, of shapes zipf and rivals")
	f.Float64Var(&v.exponent, "tail", 1, "exponent of the Zipf tail")
	f.Uint64Var(&v.seed, "seed", 1, "seed of every draw")
	f.StringVar(&v.out, "out", "coverage", "folder for coverage.tsv and figures")
	return c
}

// check checks the flags; known are the names of all shapes.
func (v *coverageFlags) check(known []string) error {
	for _, k := range v.classes {
		if k < 2 || k > 1000000 {
			return fmt.Errorf("--classes %d: must lie between 2 and 1000000", k)
		}
	}
	switch {
	case len(v.classes) == 0:
		return fmt.Errorf("--classes: no number given")
	case len(v.shapes) == 0:
		return fmt.Errorf("--shapes: none given; known: %s", strings.Join(known, ", "))
	case !(0 < v.top && v.top < 1):
		return fmt.Errorf("--top %v: must lie between 0 and 1", v.top)
	case !(0 <= v.exponent && v.exponent <= 50):
		return fmt.Errorf("--tail %v: must lie between 0 (equal rivals) and 50", v.exponent)
	}
	return cmp.Or(checkAlpha(v.alpha), checkSigma(v.sigma), checkLeast("n0", v.n0, 1),
		checkLeast("n", v.n, 1), checkLeast("trials", v.trials, 1))
}

// methods are the entries that --method names, or all that certify votes alone.
func (v *coverageFlags) methods() (entries []rs.Entry, err error) {
	if len(v.names) == 0 {
		return coverage.Methods(), nil
	}
	for i, name := range v.names {
		if slices.Contains(v.names[:i], name) {
			return nil, fmt.Errorf("--method %s is given twice", name)
		}
		e, err := methodOfVotes(name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// cases are all shapes at all numbers of classes, which rise.
func (v *coverageFlags) cases() (cases []coverage.Case, err error) {
	slices.Sort(v.classes)
	v.classes = slices.Compact(v.classes)
	for i, name := range v.shapes {
		s, err := coverage.ShapeByName(name)
		if err != nil {
			return nil, fmt.Errorf("--shapes: %w", err)
		}
		if slices.Contains(v.shapes[:i], name) {
			return nil, fmt.Errorf("--shapes: %s is given twice", name)
		}
		for _, k := range v.classes {
			cases = append(cases, coverage.Case{Shape: name, P: s.P(k, v.top, v.exponent),
				Sigma: v.sigma, N0: v.n0, N: v.n})
		}
	}
	return cases, nil
}

// simulate runs the trials of every case by every method.
func (v *coverageFlags) simulate(cmd *cobra.Command, cases []coverage.Case,
	methods []rs.Entry) (outcomes []coverage.Outcome, err error) {
	o := coverage.Options{Alpha: v.alpha, Trials: v.trials, Seed: v.seed, Methods: methods}
	show := progress(cmd.ErrOrStderr(), "simulating", "trials", 0, v.trials*len(cases))
	for i, c := range cases {
		o.Progress = func(done int) { show(i*v.trials + done) }
		got, err := coverage.Simulate(cmd.Context(), c, o)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, got...)
	}
	return outcomes, nil
}

// methodOfVotes finds an entry of coverage.Methods. The error lists all names.
func methodOfVotes(name string) (rs.Entry, error) {
	var known []string
	for _, e := range coverage.Methods() {
		if e.Name == name {
			return e, nil
		}
		known = append(known, e.Name)
	}
	return rs.Entry{}, fmt.Errorf("--method %s certifies no simulated votes; known methods: %s",
		name, strings.Join(known, ", "))
}

// report prints the outcomes and saves them with their figures.
func (v *coverageFlags) report(w io.Writer, outcomes []coverage.Outcome) error {
	short := table.Table{Columns: []string{"shape", "K", "method", "miscoverage", "95% interval",
		"mean radius"}}
	var byClasses, largest []coverage.Outcome
	for _, o := range outcomes {
		low, high := o.Interval(0.95)
		short.Rows = append(short.Rows, []string{o.Case.Shape, fmt.Sprint(len(o.Case.P)), o.Method,
			fmt.Sprintf("%.3g", o.Miscoverage()), fmt.Sprintf("%.2g to %.2g", low, high),
			fmt.Sprintf("%.4f", o.Mean)})
		if o.Case.Shape == v.shapes[0] {
			byClasses = append(byClasses, o)
		}
		if len(o.Case.P) == v.classes[len(v.classes)-1] {
			largest = append(largest, o)
		}
	}
	if err := short.WriteText(w); err != nil {
		return err
	}
	all, err := figures.Coverage(largest)
	if err != nil {
		return err
	}
	all.Table = figures.CoverageTable(outcomes) // every case, also those that the figure leaves out
	drawn := []*figures.Figure{all}
	if len(v.classes) > 1 {
		f, err := figures.Intervals(byClasses)
		if err != nil {
			return err
		}
		drawn = append(drawn, f)
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, filepath.Join(v.out, "coverage.tsv"))
	for _, f := range drawn {
		files, err := f.Save(v.out, "")
		if err != nil {
			return err
		}
		fmt.Fprintln(w, files[1])
	}
	return nil
}
