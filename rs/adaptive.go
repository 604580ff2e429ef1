package rs

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Adaptive certifies by one bound at α, as Mono, or by two that share α in one of a few divisions, as TwoBound:
// whichever has the largest radius on the votes that the selection lets expect of the estimation draw. The
// choice sees the selection draw only, so all of α is left for the one certificate. p̄B is at most 1 - p̲A.
type Adaptive struct {
	Bound Bound // nil is ClopperPearson; its Upper must rise with the votes
}

// shares are the parts of α that the lower bound may have; 1 is Mono. Equals go to the first.
var shares = [...]float64{0.5, 1, 0.375, 0.25, 0.75}

// Certify implements Method.
func (a Adaptive) Certify(e *Evidence, alpha float64) (Certificate, error) {
	checkAlpha(alpha)
	share, err := a.Share(e, alpha)
	if err != nil {
		return Certificate{}, err
	}
	bound, err := e.votesBound(a.Bound)
	if err != nil {
		return Certificate{}, err
	}
	radius, ledger := divided(e.Sigma, bound, alpha, share, e.Estimation[e.Class], e.largestRival(), e.Estimation.Total())
	return certificate(e.Class, radius, ledger), nil
}

// Share returns the part of alpha that goes to the lower bound, 1 for all: a function of the selection votes,
// the class and the number of estimation votes; the most there could be, where they could end early.
func (a Adaptive) Share(e *Evidence, alpha float64) (float64, error) {
	if err := e.checkSelection(1, 1); err != nil {
		return 0, err
	}
	if len(e.Estimation) == 1 {
		return 1, nil
	}
	n := e.Estimation.Total()
	if e.Stops != nil {
		n = e.Stops[len(e.Stops)-1]
	}
	top, rival := expected(e.Selection, e.Class, n)
	best, most := 0.0, 0.0
	for i, share := range shares {
		if radius := predicted(alpha, share, top, rival, n); i == 0 || radius > most {
			best, most = share, radius
		}
	}
	return best, nil
}

// expected returns how many of n votes the selection lets expect for the class and for its largest rival, of two classes or
// more. Few votes say little of how the other classes share theirs: half a vote more goes to them,
// and one more, shared evenly, to their proportions.
func expected(selection Votes, class, n int) (top, rival int) {
	most := 0
	for c, k := range selection {
		if c != class {
			most = max(most, k)
		}
	}
	missed := float64(selection.Total() - selection[class])
	miss := (missed + 0.5) / (float64(selection.Total()) + 1)
	share := (float64(most) + 1/float64(len(selection)-1)) / (missed + 1)
	others := int(math.Round(miss * float64(n)))
	return n - others, int(math.Round(share * miss * float64(n)))
}

// predicted is the radius, over σ, by Wilson's score bounds: an estimate, which is all that a choice needs.
func predicted(alpha, share float64, top, rival, n int) float64 {
	wilson := func(k int, alpha float64, side float64) float64 {
		rate, fn, z := float64(k)/float64(n), float64(n), -mathext.NormalQuantile(alpha)
		p := (rate + z*z/(2*fn) + side*z*math.Sqrt((rate*(1-rate)+z*z/(4*fn))/fn)) / (1 + z*z/fn)
		return min(max(p, 0), 1)
	}
	pA := wilson(top, alpha*share, -1)
	if share == 1 {
		return mathext.NormalQuantile(pA)
	}
	pB := min(wilson(rival, alpha*(1-share), 1), 1-pA)
	return (mathext.NormalQuantile(pA) - mathext.NormalQuantile(pB)) / 2
}

// divided returns the radius where the lower bound has that share of alpha, negative where nothing is certified: the class has top
// of n votes and its largest rival so many.
func divided(sigma float64, bound Bound, alpha, share float64, top, rival, n int) (float64, []Spent) {
	pA := bound.Lower(Bernoulli(top, n), alpha*share)
	ledger := []Spent{{Of: "top", Bound: bound.Name(), Alpha: alpha * share, Times: 1, Value: pA}}
	if share == 1 {
		return CohenRadius(sigma, pA), ledger
	}
	rest := alpha * (1 - share)
	pB := min(bound.Upper(Bernoulli(rival, n), rest), oneMinusUp(pA))
	ledger = append(ledger, Spent{Of: "rivals", Bound: bound.Name(), Upper: true, Alpha: rest, Times: 1, Value: pB})
	return CohenRadius2(sigma, pA, pB), ledger
}
