package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/internal/terminal"
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

// grid has every shape at every number of classes, rising.
func (q *simulating) grid() (g coverage.Grid, err error) {
	slices.Sort(q.classes)
	g = coverage.Grid{Classes: slices.Compact(q.classes), Draws: []int{q.n}, Top: q.top,
		Tail: q.exponent, Sigma: q.sigma, N0: q.n0}
	for i, name := range q.shapes {
		s, err := coverage.ShapeByName(name)
		if err == nil && slices.Contains(q.shapes[:i], name) {
			err = fmt.Errorf("%s is given twice", name)
		}
		if err != nil {
			return g, fmt.Errorf("--shapes: %w", err)
		}
		g.Shapes = append(g.Shapes, s)
	}
	return g, nil
}

// run simulates every case, prints and saves.
func (q *simulating) run(cmd *cobra.Command) error {
	methods, err := coverage.MethodsByName(q.names...)
	if err != nil {
		return fmt.Errorf("--method %w", err)
	}
	g, err := q.grid()
	if err != nil {
		return err
	}
	outcomes, err := g.Simulate(cmd.Context(), coverage.Options{Alpha: q.alpha, Trials: q.trials,
		Seed: q.seed, Methods: methods, Progress: terminal.NewProgress(cmd.ErrOrStderr(),
			"simulating", "trials", 0, q.trials*len(g.Cases())).At})
	if err != nil {
		return err
	}
	return q.report(printer(cmd), g, outcomes)
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

// report prints the outcomes of a grid and saves them with their figures.
func (q *simulating) report(w *terminal.Printer, g coverage.Grid,
	outcomes []coverage.Outcome) error {

	short := table.Table{Columns: []string{"shape", "K", "method", "miscoverage", "95% interval",
		"mean radius"}}
	for _, o := range outcomes {
		low, high := o.Interval(0.95)
		short.Rows = append(short.Rows, []string{o.Case.Shape, fmt.Sprint(len(o.Case.P)), o.Method,
			fmt.Sprintf("%.3g", o.Miscoverage()),
			fmt.Sprintf("%.2g to %.2g", low, high), fmt.Sprintf("%.3f ± %.1g", o.Mean, 1.96*o.Error)})
	}
	if err := w.Table("coverage", figures.CoverageTable(outcomes), &short); err != nil {
		return err
	}
	// The figures show some cases, and the file holds every one.
	some := func(of func(c coverage.Case) bool) (some []coverage.Outcome) {
		for _, o := range outcomes {
			if of(o.Case) {
				some = append(some, o)
			}
		}
		return some
	}
	last := len(g.Classes) - 1
	all, err := figures.Coverage(some(func(c coverage.Case) bool {
		return len(c.P) == g.Classes[last]
	}))
	if err != nil {
		return err
	}
	all.Table = figures.CoverageTable(outcomes)
	drawn := []*figures.Figure{all}
	if last > 0 {
		f, err := figures.Intervals(some(func(c coverage.Case) bool {
			return c.Shape == g.Shapes[0].Name
		}))
		if err != nil {
			return err
		}
		drawn = append(drawn, f)
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, filepath.Join(q.out, "coverage.tsv"))
	for _, f := range drawn {
		files, err := f.Save(q.out, "")
		if err != nil {
			return err
		}
		fmt.Fprintln(w, files[1])
	}
	return nil
}
