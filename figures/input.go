package figures

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Sampled is a run with its rows, as countlog reads them.
type Sampled struct {
	Run  countlog.Run
	Rows []rs.Evidence
	Tau  float64 // temperature of soft votes, in logits; negative where none was chosen
	// Bound is the confidence bound that the methods take; nil is the one each is best with.
	Bound rs.Bound
	// Scores is the map of scores that methods take, of those logged; empty is every one, with α shared.
	Scores string
	// Float32 subtracts what float32 does to margins.
	Float32 bool
}

// Input is what the figures of [List] are made from; each takes what it needs.
type Input struct {
	Runs    []Sampled
	Alpha   float64  // 0 < Alpha < 1
	Methods []string // names of rs.Methods; nil is all that a run has what they need for
	Bands   []string // methods whose confidence band is drawn; nil lets the figure choose
	Metrics *Table   // of training: step, and a column for each metric
	Trained string   // settings of that training, in one line
	Attacks []Attack // on the first run's images
	Bounds  *Table   // with BoundColumns
	Bounded string   // the model that Bounds is of, in one line
	Sweep   *Table   // of trained classifiers, as SweepOf reads it
	Swept   string   // settings of the sweep, in one line
	Beside  []Other  // other runs and public logs
}

// Other is a run, or a table of certificates without votes, to draw beside the first run.
type Other struct {
	Name    string
	Run     *Sampled    // nil where there are Results alone
	Results []rs.Result // as they were logged
}

// An Entry is a figure that can be drawn from logs.
type Entry struct {
	Name, Doc string
	Needs     string // what makes what it is drawn from: Nothing, or a command
	// Draw returns the figure, or an error that says what the input lacks.
	Draw func(Input) (*Figure, error)
}

// What a figure needs.
const (
	Nothing     = "nothing" // it is computed, or simulated at fixed settings and a seed
	needsRun    = "sample"
	needsJob    = "reproduce"
	needsAttack = "attack RUN"
	needsBound  = "bound MODEL --observe"
	needsUntil  = "sample --until"
	needsSweep  = "train --conv aol,cayley" // or another flag of several values
	needsBeside = "figures --beside PATH"
)

// List holds the figures in the order of a report.
var List = []Entry{
	{"radius", "certified accuracy against radius, method by method", needsRun, drawRadius},
	{"radius-sigma", "certified accuracy against radius, noise by noise, of votes and of soft votes", needsJob, drawRadiusSigma},
	{"acr-sigma", "average certified radius against the noise sampled with", needsJob, drawACRSigma},
	{"exact", "the exact Lipschitz radius against Cohen's and the published one", Nothing, drawExact},
	{"local", "the local Lipschitz constant of a smoothed Lipschitz score against the score", Nothing, drawLocal},
	{"intervals", "mean radius of each confidence interval against the number of classes, simulated", Nothing, drawIntervals},
	{"gain", "radius that two bounds and CPM gain on Bonferroni and Mono, against classes and draws, simulated", Nothing, drawGain},
	{"coverage", "how often each method's certificates are wrong, simulated", Nothing, drawCoverage},
	{"gap", "certified accuracy against what attacks leave, and both radii of each image", needsAttack, drawGap},
	{"draws", "draws until a question is settled, against those of a fixed number", needsUntil, drawDraws},
	{"margins", "clean margins as deterministic radii, right and wrong", needsRun, drawMargins},
	{"training", "loss and accuracy over the steps of training", needsJob, drawTraining},
	{"bounds", "what is proved and what is observed of each layer, and through the depth of the network", needsBound, drawBounds},
	{"sweep", "accuracy and verified radius of trained classifiers: layers, losses or noise compared", needsSweep, drawSweep},
	{"logs", "certified accuracy beside that of other runs and of public logs", needsBeside, drawLogs},
}

// ByName finds an entry of List; the error lists what is known.
func ByName(name string) (Entry, error) {
	var known []string
	for _, e := range List {
		if e.Name == name {
			return e, nil
		}
		known = append(known, e.Name)
	}
	return Entry{}, fmt.Errorf("no figure %q; known: %s", name, strings.Join(known, ", "))
}

// first returns the first run, with rows in it.
func (in Input) first(figure string) (Sampled, error) {
	if len(in.Runs) == 0 || len(in.Runs[0].Rows) == 0 {
		return Sampled{}, lacks(figure, "no sampled examples to draw", needsRun)
	}
	return in.Runs[0], nil
}

func (in Input) checkAlpha(figure string) error {
	if !(0 < in.Alpha && in.Alpha < 1) {
		return fmt.Errorf("figure %s: alpha = %g, want it between 0 and 1", figure, in.Alpha)
	}
	return nil
}

// Settings are the numbers of a caption; a zero is left out.
type Settings struct {
	Dataset, Split, Model string
	Sigma                 float64
	N0, N                 int
	Until                 string // the rule by which draws end before N
	Alpha                 float64
	Images                int
	Seed                  uint64
	Lambda                float64
	LambdaSource          string
	Tau                   float64
	Scores                string  // the map of scores taken, where it is one of several
	MarginError           float64 // what is subtracted for float32, in logits
	Bound                 string  // of every method, where one was chosen
	Steps                 int     // of the grid that noise was drawn on, 0 where it is Gaussian
}

// Settings returns those of a run, certified at alpha.
func (s Sampled) Settings(alpha float64) Settings {
	r, off := s.Run, 0.0
	if s.Float32 {
		off = r.MarginError
	}
	bound := ""
	if s.Bound != nil {
		bound = s.Bound.Name()
	}
	return Settings{
		Bound: bound, Steps: r.Noise.Steps,
		Dataset: r.Dataset.Name, Split: r.Dataset.Split, Model: r.Model.Name, Sigma: r.Sigma, N0: r.N0, N: r.N, Until: r.Until.Rule,
		Alpha: alpha, Images: len(s.Rows), Seed: r.Seed,
		Lambda: r.Model.Lambda, LambdaSource: r.Model.LambdaSource, Tau: max(0, s.Tau), Scores: s.Scores, MarginError: off,
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
	say(s.Sigma != 0, "σ = %g", s.Sigma)
	say(s.Steps != 0, "noise on a grid of %d steps", s.Steps)
	say(s.N0 != 0, "n0 = %d", s.N0)
	say(s.N != 0 && s.Until == "", "n = %d", s.N)
	say(s.Until != "", "n ≤ %d until %s", s.N, s.Until)
	say(s.Alpha != 0, "α = %g", s.Alpha)
	say(s.Tau != 0, "τ = %.4g", s.Tau)
	say(s.Lambda != 0, "Λ = %.4g (%s)", s.Lambda, s.LambdaSource)
	say(s.Scores != "", "scores %s", strings.ReplaceAll(s.Scores, ",", " "))
	say(s.Bound != "", "bound %s", s.Bound)
	say(s.MarginError != 0, "margins less %.3g for float32", s.MarginError)
	say(s.Images != 0, "%d images", s.Images)
	say(s.N != 0, "seed %d", s.Seed)
	return strings.Join(parts, ", ")
}

// place says what was classified by what, for titles.
func (s Settings) place() string {
	return strings.Join(slices.DeleteFunc([]string{s.Dataset, s.Model}, func(s string) bool { return s == "" }), ", ")
}

// finite reports whether x is a number that can be drawn.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
