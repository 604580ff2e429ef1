package rs

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// Adaptive certifies the plain vote classifier by the strongest of several certificates. The
// selection draw tells which certificate has the largest expected radius. This choice costs no α.
//
// One bound at α is Isoperimetric, and at level 0 it is Mono. Two bounds share α in one of a few
// divisions, as in TwoBound. A level s for the class and a level s' for its rivals give
//
//	R = ½ [ s/Λ + σ Φ⁻¹(p̲_s) + s'/Λ - σ Φ⁻¹(p̄_s') ],
//
// where p̄_s' is the largest upper bound on P(m_j > -s') over the rivals j. The proof is that of
// Isoperimetric, with the set {m_j ≤ -s'} for the rival. Two bounds suffice for any fixed s', as in
// TwoBound. At s' = 0 the rivals' votes are counted. A level s' > 0 needs the ramp scores of all
// classes in the log.
//
// With Evidence.Rounding the classifier of the rounded input is certified, as by the methods of
// votes: s falls by 2Λ·Rounding.
type Adaptive struct {
	// Lambda may be unknown: votes alone certify then, as they do where no margins were logged.
	Lambda Constant
	Bound  Bound // nil is ClopperPearson; its Upper must rise with the votes
	// Float32 and Asked are as in Isoperimetric.
	Float32 bool
	Asked   float64
}

// shares are the parts of α that the lower bound may have. 1 is one bound. Ties go to the first
// share.
var shares = [...]float64{0.5, 1, 0.375, 0.25, 0.75}

// Certify implements Method.
func (a Adaptive) Certify(e *Evidence, alpha float64) (Certificate, error) {
	checkAlpha(alpha)
	if err := e.checkSelection(1, 1); err != nil {
		return Certificate{}, err
	}
	bound, err := e.votesBound(a.Bound)
	if err != nil {
		return Certificate{}, err
	}
	p, l, err := a.plan(e, alpha)
	if err != nil {
		return Certificate{}, err
	}
	radius, top := l.lower(p.top, bound, alpha*p.share)
	ledger := []Spent{top}
	if p.share < 1 {
		two, rivals := l.against(p, bound, alpha*(1-p.share), top.Value)
		ledger = append(ledger, rivals)
		if p.top == votes || two > radius { // by votes, two bounds are the larger one
			radius = two
		}
	}
	return certificate(e.Class, radius, ledger), nil
}

// Ceiling implements Ranger: the larger one of Mono's and TwoBound's.
func (a Adaptive) Ceiling(e *Evidence, alpha float64) (float64, error) {
	if _, err := a.Certify(e, alpha); err != nil {
		return 0, err
	}
	one, err := Mono{Bound: a.Bound}.Ceiling(e, alpha)
	if err != nil || len(e.Estimation) < 2 {
		return one, err
	}
	two, err := TwoBound{Bound: a.Bound}.Ceiling(e, alpha)
	return max(one, two), err
}

// A plan says how Adaptive certifies an example: a function of the selection draw, the class and
// the number of estimation draws.
type plan struct {
	share float64 // of α, for the lower bound; 1 is one bound
	top   int     // level of the class, as levels has it
	rival int     // level of its rivals: an edge of the ramp scores, or votes
}

// plan chooses. Where draws could end early, it expects the most there could be.
func (a Adaptive) plan(e *Evidence, alpha float64) (plan, levels, error) {
	x := expectation{levels: levels{Evidence: e, lambda: math.Inf(1), byVotes: true}}
	if a.Lambda.Known() && e.HasMargins() && len(e.Estimation) > 1 {
		var err error
		if x.levels, err = e.levels("adaptive", a.Lambda, a.Float32); err != nil {
			return plan{}, levels{}, err
		}
		x.levels = x.rounded()
		if s := x.ramp(); s != nil {
			if err := e.checkScores(s); err != nil {
				return plan{}, levels{}, err
			}
		}
	} else if a.Float32 {
		return plan{}, levels{}, fmt.Errorf("example %d: votes alone say nothing of the network in "+
			"real arithmetic: adaptive with float32 needs margins and a Lipschitz constant", e.Index)
	}
	if len(e.Estimation) == 1 {
		return plan{1, votes, votes}, x.levels, nil
	}
	var best plan
	for _, end := range e.ends(a.Asked, alpha) {
		x.n = end.n
		x.won, x.rival = expected(e.Selection, e.Class, end.n)
		most := math.Inf(-1)
		for _, share := range shares {
			for _, p := range x.plans(share, end.alpha) {
				if radius := x.radius(p, end.alpha); radius > most {
					best, most = p, radius
				}
			}
		}
		if most >= a.Asked {
			break
		}
	}
	return best, x.levels, nil
}

// expectation is what the selection draw lets expect of n estimation draws.
type expectation struct {
	levels
	n     int
	won   int // votes for the class
	rival int // votes for its largest rival
}

// plans are those of a division of alpha.
func (x expectation) plans(share, alpha float64) (all []plan) {
	if share == 1 {
		return []plan{{1, x.level(alpha), votes}}
	}
	if x.byVotes {
		all = append(all, plan{share, votes, votes})
	}
	top := x.level(alpha * share)
	if top == votes {
		return all
	}
	if x.byVotes {
		all = append(all, plan{share, top, votes})
	}
	if rival := x.rivalLevel(top); rival != votes {
		all = append(all, plan{share, top, rival})
	}
	return all
}

// level is the one to choose, where levels are known.
func (x expectation) level(alpha float64) int {
	if math.IsInf(x.lambda, 1) {
		return votes
	}
	return x.choose(alpha, x.n)
}

// radius is the radius to expect of a plan, by Wilson's score bounds on votes: an estimate, which
// is all that a choice needs.
func (x expectation) radius(p plan, alpha float64) float64 {
	pA := 0.0 // where votes are counted
	top := 0.0
	if p.top == votes {
		pA = wilson(x.won, x.n, alpha*p.share, -1)
		top = x.Sigma * mathext.NormalQuantile(pA)
	} else {
		top = x.predict(p.top, alpha*p.share, x.n)
	}
	if p.share == 1 {
		return top
	}
	rivals, near := x.rival, 0.0
	if p.rival != votes {
		near = x.rivalDistance(p.rival)
		// Draws that lose at this level are shared among the rivals as those that lose the vote.
		share := float64(x.rival) / float64(max(1, x.n-x.won))
		lost := float64(x.n) * math.Erfc(x.below(near*x.lambda)/math.Sqrt2) / 2
		rivals = max(rivals, min(x.n, int(share*lost)))
	}
	pB := min(wilson(rivals, x.n, alpha*(1-p.share), 1), 1-pA)
	return max(top, (top+near-x.Sigma*mathext.NormalQuantile(pB))/2)
}

// rivalLevel returns the edge of the ramp scores that bounds rivals at the class's level, or
// nearest below it; votes where there is none.
func (l levels) rivalLevel(top int) int {
	s := l.ramp()
	if s == nil || top == votes {
		return votes
	}
	edges := s.Classes[0].Edges
	at := sort.Search(len(edges), func(j int) bool { return l.rivalDistance(j) <= l.distance(top) })
	if at == len(edges) || !(edges[at] > 0 && l.rivalDistance(at) > 0) {
		return votes
	}
	return at
}

// ramp returns the ramp scores of all classes; nil where none were logged.
func (l levels) ramp() *Scores {
	for i := range l.Scores {
		if s := &l.Scores[i]; s.Map.Name == "ramp" {
			return s
		}
	}
	return nil
}

// rivalDistance is s'/Λ at an edge of the ramp scores, rounded down: a score below the edge is a
// margin of at most -s'.
func (l levels) rivalDistance(at int) float64 {
	s := l.ramp()
	off := l.shift
	if l.inReal {
		own := float64(len(l.Estimation)+8) * 0x1p-23 // of the map itself, see float32Error
		off += 2 * own / s.Map.T * (1 + 0x1p-50)
	}
	level := (1 - 2*s.Classes[0].Edges[at]) / s.Map.T * (1 - 0x1p-50)
	return CleanRadius(math.Nextafter(level-off, -1), l.lambda)
}

// against returns the radius of two bounds, rounded down, where the one on the class is pA;
// negative where nothing is certified.
func (l levels) against(p plan, bound Bound, alpha, pA float64) (float64, Spent) {
	n := l.Estimation.Total()
	spent := Spent{Of: "rivals", Bound: bound.Name(), Upper: true, Alpha: alpha, Times: 1}
	if p.rival == votes {
		spent.Value = min(bound.Upper(Bernoulli(l.largestRival(), n), alpha), oneMinusUp(pA))
		return sumDown(l.distance(p.top)/2, CohenRadius2(l.Sigma, pA, spent.Value)), spent
	}
	s := l.ramp()
	most := 0
	for c, h := range s.Classes {
		if c == l.Class {
			continue
		}
		reached := 0
		for _, k := range h.Counts[p.rival+1:] {
			reached += k
		}
		most = max(most, reached)
	}
	spent.Level = -(1 - 2*s.Classes[0].Edges[p.rival]) / s.Map.T
	spent.Value = bound.Upper(Bernoulli(most, n), alpha)
	if l.inReal {
		spent.Value = oneMinusUp(lowered(oneMinusDown(spent.Value), BeyondReach))
	}
	spent.Value = min(spent.Value, oneMinusUp(pA)) // s' is at most s
	apart := (l.distance(p.top) + l.rivalDistance(p.rival)) * (0.5 - 0x1p-53)
	return sumDown(apart, CohenRadius2(l.Sigma, pA, spent.Value)), spent
}

// expected returns how many of n votes the selection lets expect for the class and for its largest
// rival, of two classes or more. Few votes say little of how the other classes share theirs. So
// half a vote more goes to them, and one more, shared evenly, to their proportions.
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

// wilson is Wilson's score bound on the probability of k successes of n draws, lower where side is
// -1 and upper where it is 1.
func wilson(k, n int, alpha, side float64) float64 {
	rate, fn, z := float64(k)/float64(n), float64(n), -mathext.NormalQuantile(alpha)
	p := (rate + z*z/(2*fn) + side*z*math.Sqrt((rate*(1-rate)+z*z/(4*fn))/fn)) / (1 + z*z/fn)
	return min(max(p, 0), 1)
}
