package certify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Curve has the results of a method, one for each example.
type Curve struct {
	Method  string
	Results []rs.Result
}

// Result is what methods say of the rows of a run, in their order.
type Result struct {
	Run *Run
	// Config has the settings of the certificates. Its Tau is the chosen temperature, or negative
	// where none could be chosen. Its Alpha is the error probability of each certificate.
	Config  Config
	Indices []int // of the examples
	Draws   int   // estimation draws, in all
	Curves  []Curve
	Seconds []float64 // of work on each curve
	// Missing says, for each method that was left out, what the run lacks for it.
	Missing []error
	// Notes are what a reader must know.
	Notes []string
	// File names an image's file in its dataset, for the table of certificates. It is nil where the
	// files are unknown.
	File func(index int) string
}

// Certify certifies every row of the run. Rows that aren't loaded are read as they are needed.
func (r *Run) Certify(c Config) (*Result, error) {
	c, images, err := r.fit(c)
	if err != nil {
		return nil, err
	}
	x, err := r.rows(r.each(), c)
	if err != nil && r.contradicted != nil {
		err = fmt.Errorf("%w: %w", err, r.contradicted)
	}
	if err != nil {
		return nil, err
	}
	if len(x.Indices) == 0 && r.log != nil {
		return nil, r.empty()
	}
	names, _ := c.names(r.Distances)
	for _, name := range names {
		if entry, _ := rs.MethodByName(name); entry.Unsound {
			x.note("%s is unsound: its certificates may fail more often than α", name)
		}
	}
	x.Notes = slices.Concat(x.Notes, r.notes(len(x.Indices)), leftOut(x.Missing))
	if c.Simultaneous {
		x.note("simultaneous: a method's certificates of %d images hold all together with "+
			"probability "+
			"1-%.3g, at α = %.3g each", images, c.Alpha*float64(images), c.Alpha)
	}
	return x, x.remark()
}

func (x *Result) note(format string, args ...any) {
	x.Notes = append(x.Notes, fmt.Sprintf(format, args...))
}

// Settings are the numbers of a caption.
func (x *Result) Settings() Settings {
	s := x.Run.Settings(x.Config)
	s.Images = len(x.Indices)
	return s
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
		notes = append(notes, fmt.Sprintf("left out: %s: %s", strings.Join(methods[reason], ", "),
			reason))
	}
	return notes
}

// remark notes what α means for all images together, what an early end saved, and what noise on a
// grid cost.
func (x *Result) remark() error {
	m, run, alpha := len(x.Indices), x.Run, x.Config.Alpha
	const beta = 0.001 // of the number that is exceeded
	if !x.Config.Simultaneous && m > 0 {
		x.note("α = %.3g is the error probability of each certificate. Of the %d of a method, at most "+
			"%.3g are expected to be wrong, and more than %d are wrong with probability at most %g. "+
			"--simultaneous makes α the error probability of all together",
			alpha, m, rs.ExpectedWrong(alpha, m), rs.WrongAtMost(alpha, m, beta), beta)
	}
	if m > 0 && len(x.Curves) > 0 {
		switch known := len(rs.Labelled(x.Curves[0].Results)); known {
		case m:
		case 0:
			x.note("no image has a label: there are classes and radii, and no accuracy; lipsmooth " +
				"sample --labels takes a table of labels")
		default:
			x.note("accuracy and average radius are of the %d images of %d that have a label", known, m)
		}
	}
	if least := rs.LeastDraws(alpha); run.N < least && run.N > 0 {
		x.note("n = %d draws: even if all agree, votes certify nothing at α = %.3g, which takes %d",
			run.N, alpha, least)
	}
	if rest := x.claimed(); rest != nil {
		x.note("Λ = %g is claimed, not proved, and these rest on it: %s", run.Model.Lambda.Value(),
			strings.Join(rest, ", "))
	}
	if run.Until.Stops != nil && m > 0 {
		x.note("until %s by %s: %d draws an image on average, of %d at most", run.Until.Rule,
			run.Until.Method, x.Draws/m, run.N)
	}
	if x.Config.Float32 {
		x.note("float32: the error of a margin is at most %.3g, and is subtracted. votes and lvm "+
			"certify the network as float32 computes it, at no cost", run.MarginError)
		free := x.Config
		free.Float32 = false
		if err := x.cost(free, func(*rs.Evidence) {}); err != nil {
			return err
		}
	}
	if run.Noise == (countlog.Noise{}) {
		return nil
	}
	x.note("noise on a grid of %d steps: votes certify the classifier of the rounded input, at no "+
		"cost; a Lipschitz score loses what ‖Z-Z'‖ ≤ %.2g does to it",
		run.Noise.Steps, run.Noise.Rounding)
	return x.cost(x.Config, func(e *rs.Evidence) { e.Rounding = 0 })
}

// cost notes what a method that uses margins would certify on average without something: the
// strongest one that was asked for.
func (x *Result) cost(free Config, without func(e *rs.Evidence)) error {
	at := -1
	for _, name := range []string{rs.DefaultMethod, "isoperimetric", "lipschitz"} {
		at = slices.IndexFunc(x.Curves, func(curve Curve) bool { return curve.Method == name })
		if at >= 0 {
			break
		}
	}
	if at < 0 || unlabelled(x.Curves) {
		return nil
	}
	free.Methods = []string{x.Curves[at].Method}
	more, err := x.Run.rows(func(yield func(*rs.Evidence, error) bool) {
		for e, err := range x.Run.each() {
			if err == nil {
				changed := *e
				e = &changed
				without(e)
			}
			if !yield(e, err) {
				return
			}
		}
	}, free)
	if err != nil {
		return err
	}
	with, all := rs.AverageRadius(x.Curves[at].Results), rs.AverageRadius(more.Curves[0].Results)
	x.note("that costs %s %.4f of an average radius of %.4f", free.Methods[0], all-with, all)
	return nil
}

// claimed are the methods whose certificates rest on a Lipschitz constant that is claimed.
func (x *Result) claimed() (methods []string) {
	if !x.Run.Model.Lambda.Known() || x.Run.Model.Lambda.Proved() {
		return nil
	}
	for _, curve := range x.Curves {
		if entry, err := rs.MethodByName(curve.Method); err == nil && entry.Lipschitz {
			methods = append(methods, curve.Method)
		}
	}
	return methods
}
