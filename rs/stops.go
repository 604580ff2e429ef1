package rs

import (
	"fmt"
	"slices"
)

// An Anytime bound has a form that holds at all of some numbers of draws at once. So sampling may
// stop at any of them because of what was drawn.
type Anytime interface {
	Bound
	// At returns the form for these numbers of draws, rising.
	At(stops []int) Bound
}

// AtStops makes a bound of a fixed number of draws hold at all of a few numbers, with α spent over
// them. Half of α goes to the last number, where hard examples end, and the rest goes to the others
// in equal parts. AtStops is no bound at any other number of draws, and panics there.
type AtStops struct {
	Bound Bound
	Stops []int // rising
}

// Name implements Bound.
func (a AtStops) Name() string { return a.Bound.Name() + " at stops" }

// Lower implements Bound, at every stop at once.
func (a AtStops) Lower(s Sample, alpha float64) float64 {
	return a.Bound.Lower(s, a.Level(s.N, alpha))
}

// Upper implements Bound, at every stop at once.
func (a AtStops) Upper(s Sample, alpha float64) float64 {
	return a.Bound.Upper(s, a.Level(s.N, alpha))
}

// Level returns what the stop at n draws may spend of alpha, rounded down.
func (a AtStops) Level(n int, alpha float64) float64 {
	checkAlpha(alpha)
	at, stop := slices.BinarySearch(a.Stops, n)
	last := len(a.Stops) - 1
	switch {
	case !stop:
		panic(fmt.Sprintf("rs: %d draws are no stop of %v", n, a.Stops))
	case last == 0:
		return alpha
	case at == last:
		return alpha / 2
	}
	return share(alpha, 2*last)
}

// Stops returns the multiples of block at which a draw of up to n may end. The first is first. The
// others are larger by growth each. The last is n.
func Stops(first, block, n int, growth float64) []int {
	if first < 1 || block < 1 || n < 1 || !(growth > 1) {
		panic(fmt.Sprintf("rs: stops from %d by %g to %d draws, in blocks of %d", first, growth, n,
			block))
	}
	var stops []int
	for x := float64(first); x < float64(n); x *= growth {
		blocks := (int(x) + block - 1) / block
		if stop := blocks * block; stop < n && (len(stops) == 0 || stop > stops[len(stops)-1]) {
			stops = append(stops, stop)
		}
	}
	return append(stops, n)
}

// votesBound is the bound to take on votes.
func (e *Evidence) votesBound(chosen Bound) (Bound,
	error) {
	return e.bound(chosen, ClopperPearson{})
}

// scoreBound is the bound to take on soft votes and scores: STaR in the order that the run's seed
// gives. Where the draw could end early, it is Betting.
func (e *Evidence) scoreBound(chosen Bound, seed uint64) (Bound, error) {
	if e.Stops != nil {
		return e.bound(chosen, Betting{})
	}
	return e.bound(chosen, OfExample(STaR{}, seed, e.Index))
}

// bound is the bound to take: the chosen one, or else the usual one. Where the draw could end
// early, the bound must hold at every stop. A chosen bound that can't hold at every stop is an
// error.
func (e *Evidence) bound(chosen, usual Bound) (Bound, error) {
	switch {
	case e.Stops == nil && chosen == nil:
		return usual, nil
	case e.Stops == nil:
		return chosen, nil
	case !slices.Contains(e.Stops, e.Estimation.Total()):
		return nil, fmt.Errorf("example %d: %d estimation draws, and they could end at %v only",
			e.Index, e.Estimation.Total(), e.Stops)
	case chosen == nil:
		return AtStops{Bound: usual, Stops: e.Stops}, nil
	}
	if b, ok := chosen.(Anytime); ok {
		return b.At(e.Stops), nil
	}
	return nil, fmt.Errorf("example %d: %s holds at a number of draws fixed beforehand, and this "+
		"draw ended because of what was drawn: name no bound (α is spent over the stops), or one "+
		"that holds at any time", e.Index, chosen.Name())
}
