package certify

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Config has the settings of certificates. Begin with Default.
type Config struct {
	// Alpha is the error probability of each certificate, rs.MinAlpha <= Alpha < 1.
	Alpha float64
	// Methods are names of rs.Methods. Nil is rs.DefaultMethods, with "distance" where the
	// run has distances. All alone is every sound method. In both cases, a method that needs more than
	// the run has is left out.
	Methods []string
	// Tau is the temperature of soft votes, in logits, fixed apart from the images certified. Where
	// it is negative, a temperature is chosen on the tuning images.
	Tau float64
	// Bound is the confidence bound of the methods. Nil is the best bound for each method.
	Bound rs.Bound
	// Scores is one of the logged maps of scores. Empty stands for every map, with α divided among
	// them.
	Scores string
	// Float32 subtracts what float32 does to margins: the network in real arithmetic is certified.
	Float32 bool
	// Simultaneous makes Alpha the error probability of all certificates of a method together.
	Simultaneous bool
	// Unsound lets Methods name a shortcut whose certificates may fail more often than Alpha, for
	// comparison.
	Unsound bool
	// Box says that attacks stay in [0, 1]. Only such attacks can contradict a method that is InBox.
	// Certificates don't depend on Box.
	Box bool
	// Interval is the level of confidence intervals of certified accuracy, 0.95 say. 0 makes none.
	Interval float64
	// Radii are the radii of the tables, in units of the image.
	Radii []float64
}

// All names every sound method.
const All = "all"

// names are those of the methods, and whether a run may lack something for them. Few runs have
// distances.
func (c Config) names(distances bool) (names []string, some bool) {
	switch {
	case c.Methods == nil:
		names = rs.DefaultMethods
		if distances {
			names = append(slices.Clone(names), "distance")
		}
		return names, true
	case len(c.Methods) == 1 && c.Methods[0] == All:
		names = rs.MethodNames()
		if !distances {
			names = slices.DeleteFunc(names, func(n string) bool { return n == "distance" })
		}
		return names, true
	}
	return c.Methods, false
}

// Default is rs.DefaultMethods at α = 0.001, with the radii of the papers' tables.
func Default() Config {
	return Config{Alpha: rs.DefaultAlpha, Tau: -1, Radii: []float64{0, 0.25, 0.5, 0.75, 1, 1.25, 1.5,
		2}}
}

// At is c at another alpha, by the methods named alone.
func (c Config) At(alpha float64, methods ...string) Config {
	c.Alpha, c.Methods = alpha, methods
	return c
}

// with is c at a temperature, by one method.
func (c Config) with(tau float64, method string) Config {
	c.Tau, c.Methods, c.Simultaneous = tau, []string{method}, false
	return c
}

// Check returns an error that names the first field that can't be.
func (c Config) Check() error {
	if !(rs.MinAlpha <= c.Alpha && c.Alpha < 1) {
		return fmt.Errorf("alpha %v: must lie between %v and 1", c.Alpha, rs.MinAlpha)
	}
	if math.IsNaN(c.Tau) || math.IsInf(c.Tau, 1) {
		return fmt.Errorf("tau %v: must be at least 0 and finite, or negative to choose one", c.Tau)
	}
	if c.Interval != 0 && !(0 < c.Interval && c.Interval < 1) {
		return fmt.Errorf("interval %v: must lie between 0 and 1", c.Interval)
	}
	for _, r := range c.Radii {
		if !(0 <= r && r <= math.MaxFloat64) {
			return fmt.Errorf("radii: %v: must be at least 0 and finite", r)
		}
	}
	names, _ := c.names(true)
	for i, name := range names {
		entry, err := rs.MethodByName(name)
		if err != nil {
			return fmt.Errorf("method: %w, %s", err, All)
		}
		if entry.Unsound && !c.Unsound {
			return fmt.Errorf("method %s is unsound: its certificates may fail more often than α; "+
				"--unsound, or Config.Unsound, computes them all the same, for comparison", name)
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("method: %s is there twice", name)
		}
	}
	if c.Scores != "" {
		m, err := rs.ParseScoreMap(c.Scores)
		if err == nil && m.String() != c.Scores {
			err = fmt.Errorf("%s: want %s", c.Scores, m)
		}
		if err != nil {
			return fmt.Errorf("scores: %w", err)
		}
	}
	return nil
}

// ErrNoMarginError is wrapped by the error of a config with Float32 for a run that doesn't say what
// float32 does to margins.
var ErrNoMarginError = errors.New("has no margin_error: sample again, on a CPU and from a model " +
	"whose layers all have a rounding proof (lipsmooth bound)")

// fit makes c fit the run: the temperature chosen, and α divided among the images where it is that
// of all together.
func (r *Run) fit(c Config) (fitted Config, images int, err error) {
	if err := c.Check(); err != nil {
		return c, 0, err
	}
	if c.Float32 && r.MarginError == 0 {
		return c, 0, fmt.Errorf("float32: %s %w", filepath.Join(r.Dir, countlog.RunFile),
			ErrNoMarginError)
	}
	if c.Simultaneous {
		if images, err = r.planned(); err != nil {
			return c, 0, err
		}
		c.Alpha = rs.SimultaneousAlpha(c.Alpha, images)
	}
	c.Tau, err = r.ChooseTau(c)
	return c, images, err
}

// planned is how many images α is divided among: those planned, so that sampling the rest changes
// nothing.
func (r *Run) planned() (n int, err error) {
	switch {
	case r.log == nil:
		n = len(r.Rows)
	case r.Backend == countlog.Imported:
		n, err = r.log.Count()
	default:
		n = r.log.Planned()
	}
	if err == nil && n == 0 {
		err = r.empty()
	}
	return n, err
}
