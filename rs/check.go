package rs

import (
	"fmt"
	"math"
)

// mostDraws is the largest number of draws of an example: no log has more, and a float64 holds
// every count up to 2^53.
const mostDraws = 1 << 40

// total returns the sum of counts, or an error: about a negative count, or a sum beyond mostDraws.
func total(counts []int) (n int, err error) {
	bits, rest := 0, counts // bits is negative if one is, and no less than the largest
	for ; len(rest) >= 4; rest = rest[4:] {
		a, b, c, d := rest[0], rest[1], rest[2], rest[3]
		n += a + b + c + d
		bits |= a | b | c | d
	}
	for _, k := range rest {
		n += k
		bits |= k
	}
	if 0 <= bits && bits <= mostDraws && n <= mostDraws && len(counts) < 1<<22 {
		return n, nil
	}
	n = 0
	for i, k := range counts {
		if k < 0 {
			return 0, fmt.Errorf("a count of %d at position %d", k, i)
		}
		if n += k; k > mostDraws || n > mostDraws {
			return 0, fmt.Errorf("more than 2^40 draws")
		}
	}
	return n, nil
}

// field puts the example and the field in front of an error.
func (e *Evidence) field(name string, err error) error {
	return fmt.Errorf("example %d: %s: %w", e.Index, name, err)
}

// checkVotes reports what keeps the estimation votes from certifying, for a method of at least so
// many classes.
func (e *Evidence) checkVotes(classes int) error {
	switch {
	case !(e.Sigma > 0) || e.Sigma > 1e300:
		return fmt.Errorf("example %d: sigma = %g, want a positive number", e.Index, e.Sigma)
	case !(e.Rounding >= 0) || math.IsInf(e.Rounding, 1):
		return fmt.Errorf("example %d: noise rounded by %g, want a number >= 0", e.Index,
			e.Rounding)
	case len(e.Estimation) < classes:
		return fmt.Errorf("example %d: estimation votes of %d classes, want at least %d",
			e.Index, len(e.Estimation), classes)
	case e.Class < 0 || e.Class >= len(e.Estimation):
		return fmt.Errorf("example %d: class %d selected of %d", e.Index, e.Class,
			len(e.Estimation))
	}
	if n, err := total(e.Estimation); err != nil {
		return e.field("estimation votes", err)
	} else if n == 0 {
		return fmt.Errorf("example %d: no estimation votes", e.Index)
	}
	return e.checkStops()
}

// checkStops reports stops that are none, not positive or not rising.
func (e *Evidence) checkStops() error {
	if e.Stops != nil && len(e.Stops) == 0 {
		return e.field("stops", fmt.Errorf("empty, want numbers of draws, or nil for a fixed "+
			"number"))
	}
	before := 0
	for _, n := range e.Stops {
		if n <= before || n > mostDraws {
			return e.field("stops", fmt.Errorf("%d after %d, want positive numbers, rising", n,
				before))
		}
		before = n
	}
	return nil
}

// checkSelection is checkVotes for a method that chooses something by the selection votes, at
// least so many.
func (e *Evidence) checkSelection(classes, votes int) error {
	if err := e.checkVotes(classes); err != nil {
		return err
	}
	if len(e.Selection) != len(e.Estimation) {
		return fmt.Errorf("example %d: selection votes of %d classes, estimation of %d",
			e.Index, len(e.Selection), len(e.Estimation))
	}
	if n, err := total(e.Selection); err != nil {
		return e.field("selection votes", err)
	} else if n < votes {
		return fmt.Errorf("example %d: selection votes: %d, want at least %d", e.Index, n, votes)
	}
	return nil
}

// checkMargins is checkVotes for a method of soft votes.
func (e *Evidence) checkMargins() error {
	if err := e.checkVotes(2); err != nil {
		return err
	}
	if !e.HasMargins() {
		return fmt.Errorf("example %d: soft votes need margins, and none were logged", e.Index)
	}
	if err := e.Margins.check(e.Estimation.Total()); err != nil {
		return e.field("margins", err)
	}
	if err := checkEdges(e.Margins.Edges); err != nil {
		return e.field("margins", err)
	}
	return nil
}

// check reports counts that don't sum to n or don't fit the number of edges.
func (h Histogram) check(n int) error {
	sum, err := total(h.Counts)
	if err == nil && (len(h.Counts) != len(h.Edges)+1 || sum != n) {
		err = fmt.Errorf("%d draws in %d bins between %d edges, want %d draws in %d bins",
			sum, len(h.Counts), len(h.Edges), n, len(h.Edges)+1)
	}
	return err
}

// checkEdges reports edges that aren't finite or don't rise.
func checkEdges(edges []float64) error {
	rising, rest := true, edges
	for ; rising && len(rest) >= 5; rest = rest[4:] {
		a, b, c, d, e := rest[0], rest[1], rest[2], rest[3], rest[4]
		rising = a < b && b < c && c < d && d < e
	}
	for i := 1; i < len(rest); i++ {
		rising = rising && rest[i-1] < rest[i]
	}
	last := len(edges) - 1
	if last < 0 || rising && edges[0] >= -math.MaxFloat64 && edges[last] <= math.MaxFloat64 {
		return nil
	}
	before := math.Inf(-1)
	for i, x := range edges {
		if !(before < x) || x > math.MaxFloat64 {
			return fmt.Errorf("edge %d is %g after %g, want finite numbers, rising", i, x, before)
		}
		before = x
	}
	return nil
}

// checkScores reports what keeps scores from certifying. The classes of a map usually share their
// edges: those are read once.
func (e *Evidence) checkScores(s *Scores) error {
	if len(s.Classes) != len(e.Estimation) {
		return fmt.Errorf("example %d: scores %v of %d classes, votes of %d",
			e.Index, s.Map, len(s.Classes), len(e.Estimation))
	}
	if err := s.Map.Check(); err != nil {
		return fmt.Errorf("example %d: scores: %w", e.Index, err)
	}
	n := e.Estimation.Total()
	var checked []float64
	for c, h := range s.Classes {
		err := h.check(n)
		same := len(h.Edges) == 0 || len(h.Edges) == len(checked) && &h.Edges[0] == &checked[0]
		if err == nil && !same {
			err, checked = checkEdges(h.Edges), h.Edges
		}
		if err != nil {
			return e.field(fmt.Sprintf("scores %v of class %d", s.Map, c), err)
		}
	}
	return nil
}
