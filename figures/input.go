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
	{"radius", "certified accuracy against radius, method by method", needsRun, drawRadius},
	{"radius-sigma", "certified accuracy against radius, noise by noise, of votes and with their " +
		"margins", needsJob, drawRadiusSigma},
	{"acr-sigma", "average certified radius against the noise sampled with", needsJob,
		drawACRSigma},
	{"levels", "the isoperimetric radius of two images in its two parts, level by level", needsRun,
		drawLevels},
	{"pa", "how the lower bound of the true class's probability is distributed over images",
		needsRun, drawPA},
	{"exact", "the exact Lipschitz radius against Cohen's and the published one", Nothing,
		drawExact},
	{"local", "the local Lipschitz constant of a smoothed Lipschitz score against the score",
		Nothing, drawLocal},
	{"intervals", "mean radius of each confidence interval against the number of classes, " +
		"simulated", Nothing, drawIntervals},
	{"gain", "radius that two bounds and CPM gain on Bonferroni and Mono, against classes and " +
		"draws, simulated", Nothing, drawGain},
	{"coverage", "how often each method's certificates are wrong, simulated", Nothing,
		drawCoverage},
	{"gap", "certified accuracy against what attacks leave, and both radii of each image",
		needsAttack, drawGap},
	{"draws", "draws until a question is settled, against those of a fixed number", needsUntil,
		drawDraws},
	{"margins", "clean margins as deterministic radii, right and wrong", needsRun, drawMargins},
	{"training", "loss and accuracy over the steps of training", needsJob, drawTraining},
	{"bounds", "what is proved and what is observed of each layer, and through the depth of the " +
		"network", needsBound, drawBounds},
	{"sweep", "accuracy and verified radius of trained classifiers: layers, losses or noise " +
		"compared", needsSweep, drawSweep},
	{"compare", "change of the average certified radius from run to run, method by method, over " +
		"paired images", needsBeside, drawCompare},
	{"logs", "certified accuracy beside that of other runs and of public logs", needsBeside,
		drawLogs},
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
	return certify.Default().At(in.Alpha, methods...)
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
