package certify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Settings are the numbers of a caption. A caption omits a zero.
type Settings struct {
	Dataset, Split, Model string
	Sigma                 float64
	N0, N                 int
	Until                 string // the rule by which draws end before N
	Alpha                 float64
	Images                int
	Seed                  uint64
	Lambda                rs.Constant
	Tau                   float64
	Scores                string  // the map of scores taken, where it is one of several
	MarginError           float64 // subtracted for float32, in logits
	Bound                 string  // of every method, where one was chosen
	Steps                 int     // of the grid that noise was drawn on, 0 where it is Gaussian
	Precision             string  // of the model's products, empty for float32
}

// Settings returns those of a run, certified as c says; a temperature that c leaves to be chosen is
// the run's.
func (r *Run) Settings(c Config) Settings {
	off := 0.0
	if c.Float32 {
		off = r.MarginError
	}
	bound := ""
	if c.Bound != nil {
		bound = c.Bound.Name()
	}
	tau := c.Tau
	if tau < 0 {
		tau = r.Tau
	}
	return Settings{
		Bound: bound, Steps: r.Noise.Steps, Precision: r.Model.Precision,
		Dataset: r.Dataset.Name, Split: r.Dataset.Split, Model: r.Model.Name, Sigma: r.Sigma,
		N0: r.N0,
		N:  r.N, Until: r.Until.Rule,
		Alpha: c.Alpha, Images: len(r.Rows), Seed: r.Seed,
		Lambda: r.Model.Lambda, Tau: max(0, tau),
		Scores:      c.Scores,
		MarginError: off,
	}
}

// Caption says the settings in one line.
func (s Settings) Caption() string {
	var parts []string
	say := func(there bool, format string, args ...any) {
		if there {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	say(s.Dataset != "", "%s", strings.TrimSpace(s.Dataset+" "+s.Split))
	say(s.Model != "", "model %s", s.Model)
	say(s.Precision != "", "in %s", s.Precision)
	say(s.Sigma != 0, "σ = %g", s.Sigma)
	say(s.Steps != 0, "noise on a grid of %d steps", s.Steps)
	say(s.N0 != 0, "n0 = %d", s.N0)
	say(s.N != 0 && s.Until == "", "n = %d", s.N)
	say(s.Until != "", "n ≤ %d until %s", s.N, s.Until)
	say(s.Alpha != 0, "α = %.3g", s.Alpha)
	say(s.Tau != 0, "τ = %.4g", s.Tau)
	say(s.Lambda.Known(), "Λ = %.4g (%s)", s.Lambda.Value(), s.Lambda.Source())
	say(s.Scores != "", "scores %s", strings.ReplaceAll(s.Scores, ",", " "))
	say(s.Bound != "", "bound %s", s.Bound)
	say(s.MarginError != 0, "margins less %.3g for float32", s.MarginError)
	say(s.Images != 0, "%d images", s.Images)
	say(s.N != 0, "seed %d", s.Seed)
	return strings.Join(parts, ", ")
}

// Place says what was classified by what, for titles.
func (s Settings) Place() string {
	return strings.Join(slices.DeleteFunc([]string{s.Dataset, s.Model},
		func(s string) bool { return s == "" }), ", ")
}
