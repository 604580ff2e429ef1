package cli

import (
	"cmp"
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

// simulating is what the command coverage is asked for.
type simulating struct {
	classes       []int
	shapes, names []string
	n0, n, trials int
	alpha, sigma  float64
	top, exponent float64
	seed          uint64
	out           string
}

// check checks the flags; known are the names of shapes.
func (q *simulating) check(known []string) error {
	for _, k := range q.classes {
		if k < 2 || k > 1000000 {
			return fmt.Errorf("--classes %d: must lie between 2 and 1000000", k)
		}
	}
	switch {
	case len(q.classes) == 0:
		return fmt.Errorf("--classes: no number given")
	case len(q.shapes) == 0:
		return fmt.Errorf("--shapes: none given; known: %s", strings.Join(known, ", "))
	case !(0 < q.top && q.top < 1):
		return fmt.Errorf("--top %v: must lie between 0 and 1", q.top)
	case !(0 <= q.exponent && q.exponent <= 50):
		return fmt.Errorf("--tail %v: must lie between 0 (equal rivals) and 50", q.exponent)
	}
	return cmp.Or(checkAlpha(q.alpha), checkSigma(q.sigma), checkLeast("n0", q.n0, 1),
		checkLeast("n", q.n, 1), checkLeast("trials", q.trials, 1))
}

// methods are those named, each once; of no name all that certify votes alone.
func (q *simulating) methods() (entries []rs.Entry, err error) {
	if len(q.names) == 0 {
		return coverage.Methods(), nil
	}
	for i, name := range q.names {
		if slices.Contains(q.names[:i], name) {
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

// cases are every shape at every number of classes, rising.
func (q *simulating) cases() (cases []coverage.Case, err error) {
	slices.Sort(q.classes)
	q.classes = slices.Compact(q.classes)
	for i, name := range q.shapes {
		s, err := coverage.ShapeByName(name)
		if err != nil {
			return nil, fmt.Errorf("--shapes: %w", err)
		}
		if slices.Contains(q.shapes[:i], name) {
			return nil, fmt.Errorf("--shapes: %s is given twice", name)
		}
		for _, k := range q.classes {
			cases = append(cases, coverage.Case{Shape: name, P: s.P(k, q.top, q.exponent), Sigma: q.sigma,
				N0: q.n0, N: q.n})
		}
	}
	return cases, nil
}

// run simulates every case, prints and saves.
func (q *simulating) run(cmd *cobra.Command) error {
	o := coverage.Options{Alpha: q.alpha, Trials: q.trials, Seed: q.seed}
	var err error
	if o.Methods, err = q.methods(); err != nil {
		return err
	}
	cases, err := q.cases()
	if err != nil {
		return err
	}
	var outcomes, byClasses, largest []coverage.Outcome
	show := progress(cmd.ErrOrStderr(), "simulating", "trials", 0, q.trials*len(cases))
	for i, c := range cases {
		o.Progress = func(done int) { show(i*q.trials + done) }
		got, err := coverage.Simulate(cmd.Context(), c, o)
		if err != nil {
			return err
		}
		outcomes = append(outcomes, got...)
		if c.Shape == q.shapes[0] {
			byClasses = append(byClasses, got...)
		}
		if len(c.P) == q.classes[len(q.classes)-1] {
			largest = append(largest, got...)
		}
	}
	return reportCoverage(cmd, outcomes, byClasses, largest, len(q.classes) > 1, q.out)
}

func coverageCommand() *cobra.Command {
	var q simulating
	var list strings.Builder
	var known []string
	for _, s := range coverage.Shapes {
		fmt.Fprintf(&list, "  %-8s %s\n", s.Name, s.Doc)
		known = append(known, s.Name)
	}
	c := &cobra.Command{
		Use:   "coverage",
		Short: "Simulate votes: how often certificates are wrong, and how large they are",
		Long: `Draw votes from multinomials that are known, certify them by every method, and print how
often the radius passes the true one, with its two-sided 95% Clopper–Pearson interval, and the mean
radius (abstentions as 0). The true radius is σ/2 (Φ⁻¹(pA) - Φ⁻¹(pB)), and σ Φ⁻¹(pA), the smaller,
of a certificate that bounds its class alone, as mono does. A simulation can refute a method and
never proves one.

Shapes:
` + list.String() + `
The table goes to coverage.tsv, and figures beside it: coverage (at the largest number of classes)
and, of the first shape, intervals (mean radius against the number of classes, where there is more
than one).
Equal settings give equal results, on any number of processors.`,
		Example: "  lipsmooth coverage --classes 10,1000 --n 10000 --alpha 0.001 --top 0.9 --tail 1 " +
			"--out coverage",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := q.check(known); err != nil {
				return err
			}
			return q.run(cmd)
		},
	}
	f := c.Flags()
	f.IntSliceVar(&q.classes, "classes", []int{2, 3, 5, 10, 30, 100, 300, 1000}, "numbers of classes")
	f.StringSliceVar(&q.shapes, "shapes", known, "which multinomials")
	f.StringSliceVar(&q.names, "method", nil, "methods; default: all that certify votes alone")
	f.IntVar(&q.n0, "n0", 100, "draws that select the class")
	f.IntVar(&q.n, "n", 10000, "draws that estimate")
	f.Float64Var(&q.alpha, "alpha", certify.Default().Alpha, "error probability of each certificate")
	f.Float64Var(&q.sigma, "sigma", 1,
		"standard deviation of the noise, which radii are proportional to")
	f.IntVar(&q.trials, "trials", 10000, "simulated certificates of each method in each case")
	f.Float64Var(&q.top, "top", 0.9, "probability of the class, of shapes zipf and rivals")
	f.Float64Var(&q.exponent, "tail", 1, "exponent of the Zipf tail")
	f.Uint64Var(&q.seed, "seed", 1, "seed of every draw")
	f.StringVar(&q.out, "out", "coverage", "folder for coverage.tsv and figures")
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
	return rs.Entry{}, fmt.Errorf("--method %s: certifies no simulated votes; those that do: %s", name,
		strings.Join(known, ", "))
}

// reportCoverage prints the outcomes and saves them with their figures.
func reportCoverage(cmd *cobra.Command, outcomes, byClasses, largest []coverage.Outcome,
	several bool, out string) error {
	short := table.Table{Columns: []string{"shape", "K", "method", "miscoverage", "95% interval",
		"mean radius"}}
	for _, o := range outcomes {
		low, high := o.Interval(0.95)
		short.Rows = append(short.Rows, []string{o.Case.Shape, fmt.Sprint(len(o.Case.P)), o.Method,
			fmt.Sprintf("%.3g", o.Miscoverage()),
			fmt.Sprintf("%.2g to %.2g", low, high), fmt.Sprintf("%.4f", o.Mean)})
	}
	if err := short.WriteText(cmd.OutOrStdout()); err != nil {
		return err
	}
	all, err := figures.Coverage(largest)
	if err != nil {
		return err
	}
	// the file holds every case, of which the figure shows some
	all.Table = figures.CoverageTable(outcomes)
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
