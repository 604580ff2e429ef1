package coverage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
)

// A Grid is several cases: each shape at each number of classes and of estimation draws.
type Grid struct {
	Shapes         []Shape
	Classes, Draws []int
	Top, Tail      float64 // see Shape.P
	Sigma          float64
	N0             int // draws that select
}

// Cases returns the cases of the grid, the draws fastest.
func (g Grid) Cases() (cases []Case) {
	for _, s := range g.Shapes {
		for _, k := range g.Classes {
			for _, n := range g.Draws {
				cases = append(cases, Case{Shape: s.Name, P: s.P(k, g.Top, g.Tail), Sigma: g.Sigma,
					N0: g.N0, N: n})
			}
		}
	}
	return cases
}

// Simulate is [Simulate] of every case. Progress counts the trials of all of them.
func (g Grid) Simulate(ctx context.Context, o Options) (all []Outcome, err error) {
	each := o.Progress
	for i, c := range g.Cases() {
		if each != nil {
			o.Progress = func(done int) { each(i*o.Trials + done) }
		}
		outcomes, err := Simulate(ctx, c, o)
		if err != nil {
			return nil, err
		}
		all = append(all, outcomes...)
	}
	return all, nil
}

// MethodsByName finds entries of Methods, all of them where no name is given. The error lists what
// is known.
func MethodsByName(names ...string) (entries []rs.Entry, err error) {
	all := Methods()
	if len(names) == 0 {
		return all, nil
	}
	for i, name := range names {
		at := slices.IndexFunc(all, func(e rs.Entry) bool { return e.Name == name })
		if at < 0 {
			var known []string
			for _, e := range all {
				known = append(known, e.Name)
			}
			return nil, fmt.Errorf("%s: certifies no simulated votes; those that do: %s", name,
				strings.Join(known, ", "))
		}
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		entries = append(entries, all[at])
	}
	return entries, nil
}
