package figures

import (
	"fmt"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/table"
)

// Input has the inputs of the figures of [List]. Each figure takes a part.
type Input struct {
	Runs    []*certify.Run
	Alpha   float64          // 0 < Alpha < 1
	Methods []string         // names of rs.Methods; nil is all that a run has what they need for
	Bands   []string         // methods whose confidence band is drawn; nil lets the figure choose
	Metrics *table.Table     // of training: step, and a column for each metric
	Trained string           // settings of that training, in one line
	Attacks []certify.Attack // on the first run's images
	Box     bool             // the attacks stay in [0, 1]
	Bounds  *table.Table     // with BoundColumns
	Bounded string           // the model that Bounds is of, in one line
	Sweep   *table.Table     // of trained classifiers, as SweepOf reads it
	Swept   string           // settings of the sweep, in one line
	Beside  []Other          // other runs and public logs
}

// Other is a run, or a table of certificates without votes, to draw beside the first run.
type Other struct {
	Name    string
	Run     *certify.Run // nil where there are Results alone
	Results []rs.Result  // as they were logged
	Source  string       // of Results that are quantiles of a log, for the caption
}

// An Entry is a figure that can be drawn from logs.
type Entry struct {
	Name  string
	Doc   string // the question that the figure answers
	Needs string // what makes what it is drawn from: Nothing, or a command
	// Draw returns the figure, or an error that says what the input lacks.
	Draw func(Input) (*Figure, error)
}

// What a figure needs.
const (
	Nothing     = "nothing" // it is computed, or simulated at fixed settings and a seed
	needsRun    = "sample"
	needsLabels = "sample --labels"
	needsJob    = "reproduce"
	needsAttack = "attack RUN"
	needsBound  = "bound MODEL --observe"
	needsUntil  = "sample --until"
	needsSweep  = "train --conv aol,cayley" // or another flag of several values
	needsBeside = "figures --beside PATH"
)

// List holds the figures in the order of a report.
var List = []Entry{
	{"radius", "Which part of the images does each method certify at each radius?", needsRun,
		drawRadius},
	{"radius-sigma", "Which noise level certifies most at each radius, by votes and with margins?",
		needsJob, drawRadiusSigma},
	{"acr-sigma", "Which noise level gives each method its largest average certified radius?",
		needsJob, drawACRSigma},
	{"levels", "Which margin level gives an image the largest isoperimetric radius, and from " +
		"which of its two parts?", needsRun, drawLevels},
	{"pa", "How sure are the votes for the true class, image by image?", needsRun, drawPA},
	{"exact", "How much larger is the exact Lipschitz radius than Cohen's and the published one?",
		Nothing, drawExact},
	{"local", "Why does the published radius lose: how steep is a smoothed Lipschitz score at p, " +
		"and on the way to ½?", Nothing, drawLocal},
	{"intervals", "Which confidence interval certifies most, for how many classes? (simulated)",
		Nothing, drawIntervals},
	{"gain", "How much do two bounds and CPM gain on Bonferroni and Mono, over classes and " +
		"draws? (simulated)", Nothing, drawGain},
	{"coverage", "Are the certificates of each method wrong no more often than α? (simulated)",
		Nothing, drawCoverage},
	{"gap", "How far are the certificates from the attacks, in all and image by image?",
		needsAttack, drawGap},
	{"draws", "How many draws does an image need until a question is settled?", needsUntil,
		drawDraws},
	{"margins", "How large are the radii without noise, of right and of wrong predictions?",
		needsRun, drawMargins},
	{"training", "Has the training settled, and does it overfit?", needsJob, drawTraining},
	{"bounds", "How tight are the proved Lipschitz constants, layer by layer and in depth?",
		needsBound, drawBounds},
	{"sweep", "Which layers, losses or noise give accuracy, and which a large verified radius?",
		needsSweep, drawSweep},
	{"compare", "By how much does each method's average certified radius change from run to run, " +
		"on the same images?", needsBeside, drawCompare},
	{"logs", "How do this run's certificates compare with those of other runs and public logs?",
		needsBeside, drawLogs},
}

// ByName finds an entry of List. Its error lists the known names.
func ByName(name string) (Entry, error) {
	return named.Find("figure", name, List, func(e Entry) string { return e.Name })
}

// first returns the first run, with labelled rows in it.
func (in Input) first(figure string) (*certify.Run, error) {
	if len(in.Runs) == 0 || len(in.Runs[0].Rows) == 0 {
		return nil, lacks(figure, "no sampled examples to draw", needsRun)
	}
	if !slices.ContainsFunc(in.Runs[0].Rows, func(e rs.Evidence) bool { return e.Label >= 0 }) {
		return nil, lacks(figure, "no image has a label", needsLabels)
	}
	return in.Runs[0], nil
}

// config certifies at the input's alpha by the methods named, nil being all.
func (in Input) config(methods ...string) certify.Config {
	c := certify.Default().At(in.Alpha, methods...)
	c.Box = in.Box
	return c
}

// able are the methods that a run has what they need for.
func (in Input) able(r *certify.Run, methods ...string) []string {
	return slices.DeleteFunc(methods, func(name string) bool {
		_, err := r.Certify(in.config(name))
		return err != nil
	})
}

func (in Input) checkAlpha(figure string) error {
	if !(0 < in.Alpha && in.Alpha < 1) {
		return fmt.Errorf("figure %s: alpha = %g, want it between 0 and 1", figure, in.Alpha)
	}
	return nil
}

// finite reports whether x is a number that can be drawn.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
