package lab

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/coverage"
)

// Simulation has the settings of simulated votes and their methods.
type Simulation struct {
	Shape string // a name in coverage.Shapes, zipf by default
	// Top is the probability of the class, and Tail the exponent of its rivals' Zipf tail, for
	// shapes that have them.
	Top, Tail float64
	Sigma     float64
	N0, N     int
	Alpha     float64
	Trials    int
	Methods   []string // names of rs.Methods
}

func (s Simulation) shape() coverage.Shape {
	return Must(coverage.ShapeByName(cmp.Or(s.Shape, "zipf")))
}

// Case returns the case of this many classes.
func (s Simulation) Case(classes int) coverage.Case {
	shape := s.shape()
	return coverage.Case{Shape: shape.Name, P: shape.P(classes, s.Top, s.Tail), Sigma: s.Sigma,
		N0: s.N0, N: s.N}
}

// Run simulates each number of classes by every method.
func (s Simulation) Run(classes ...int) (outcomes []coverage.Outcome) {
	g := coverage.Grid{Shapes: []coverage.Shape{s.shape()}, Classes: classes, Draws: []int{s.N},
		Top: s.Top, Tail: s.Tail, Sigma: s.Sigma, N0: s.N0}
	return Must(g.Simulate(context.Background(), coverage.Options{Alpha: s.Alpha, Trials: s.Trials,
		Seed: 1, Methods: Must(coverage.MethodsByName(s.Methods...))}))
}

// Shapes is Run of several shapes of one number of classes.
func (s Simulation) Shapes(classes int, shapes ...string) (outcomes []coverage.Outcome) {
	for _, s.Shape = range shapes {
		outcomes = append(outcomes, s.Run(classes)...)
	}
	return outcomes
}

// Mean returns the mean radius of a method among outcomes of this many classes.
func Mean(outcomes []coverage.Outcome, method string, classes int) float64 {
	for _, o := range outcomes {
		if o.Method == method && len(o.Case.P) == classes {
			return o.Mean
		}
	}
	panic("lab: " + method + " was not simulated")
}

// Expected returns the expected votes of this many classes, rounded to whole numbers, in place of
// drawn ones.
func (s Simulation) Expected(classes int) *rs.Evidence {
	p := s.Case(classes).P
	e := &rs.Evidence{Sigma: s.Sigma, Selection: whole(p, s.N0), Estimation: whole(p, s.N)}
	e.Class = e.Selection.Top()
	return e
}

// whole rounds n p[k] to whole numbers of sum n. Up to each class, the sum of the whole numbers is
// the rounded sum of n p[k].
func whole(p []float64, n int) rs.Votes {
	votes, sum, given := make(rs.Votes, len(p)), 0.0, 0
	for k := range p {
		sum += p[k]
		votes[k] = int(math.Round(float64(n)*sum)) - given
		given += votes[k]
	}
	votes[len(p)-1] += n - given
	return votes
}

// Ledger returns the rows of a table. Each has the bounds that a method spends α on, their values,
// and the radius.
func (s Simulation) Ledger(e *rs.Evidence) (rows [][]any) {
	for _, name := range s.Methods {
		c := Must(Must(Must(rs.MethodByName(name)).New(rs.Setting{Tau: -1})).Certify(e, s.Alpha))
		bounds, each, low, high := 0, 0.0, 0.0, math.NaN()
		for _, b := range c.Ledger {
			bounds, each = bounds+b.Times, b.Alpha
			if b.Upper {
				high = b.Value
			} else {
				low = b.Value
			}
		}
		if math.IsNaN(high) {
			high = 1 - low
		}
		rows = append(rows, []any{name, bounds, each, low, high, c.Radius})
	}
	return rows
}

// Refuted names the methods that were wrong more often than α allows, beyond chance: α lies below
// the 99.9% interval of their miscoverage.
func Refuted(outcomes []coverage.Outcome) (methods []string) {
	for _, o := range outcomes {
		if low, _ := o.Interval(0.999); low > o.Alpha && !slices.Contains(methods, o.Method) {
			methods = append(methods, o.Method)
		}
	}
	return methods
}
