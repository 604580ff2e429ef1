package rs

// TwoBound bounds the class from below and its largest rival from above, at α/2 each:
// R = σ/2 (Φ⁻¹(p̲A) - Φ⁻¹(p̄B)), for any number of classes. The class is fixed by the
// selection draw, so the true runner-up is one fixed class, and the largest rival's
// upper bound is at least that class's own: no union over rivals.
type TwoBound struct {
	Clip  bool  // p̄B is at most 1 - p̲A, which the same event implies
	Bound Bound // nil is ClopperPearson; its Upper must rise with the votes
}

// Certify implements Method.
func (t TwoBound) Certify(e *Evidence, alpha float64) (Certificate, error) {
	checkAlpha(alpha)
	if err := e.checkVotes(2); err != nil {
		return Certificate{}, err
	}
	return twoClass(e, t.Bound, alpha/2, e.largestRival(), 1, "rivals", t.Clip)
}

// Ceiling implements Ranger.
func (t TwoBound) Ceiling(e *Evidence, alpha float64) (float64, error) {
	if err := e.checkVotes(2); err != nil {
		return 0, err
	}
	bound, err := e.votesBound(t.Bound)
	if err != nil {
		return 0, err
	}
	n := e.Estimation.Total()
	pA, pB := bound.Upper(Bernoulli(e.Estimation[e.Class], n), alpha/2), bound.Lower(Bernoulli(e.largestRival(), n), alpha/2)
	return CohenRadius2(e.Sigma, pA, pB), nil
}

// largestRival returns the most estimation votes of a class other than e.Class.
func (e *Evidence) largestRival() int {
	most := 0
	for c, k := range e.Estimation {
		if c != e.Class {
			most = max(most, k)
		}
	}
	return most
}

// twoClass certifies e.Class against rivals of which the largest has so many votes, with
// one lower bound and so many upper ones at level each.
func twoClass(e *Evidence, chosen Bound, each float64, rival, uppers int, of string, clip bool) (Certificate, error) {
	bound, err := e.votesBound(chosen)
	if err != nil {
		return Certificate{}, err
	}
	n := e.Estimation.Total()
	pA := bound.Lower(Bernoulli(e.Estimation[e.Class], n), each)
	pB := bound.Upper(Bernoulli(rival, n), each)
	if clip {
		pB = min(pB, oneMinusUp(pA))
	}
	ledger := []Spent{
		{Of: "top", Bound: bound.Name(), Alpha: each, Times: 1, Value: pA},
		{Of: of, Bound: bound.Name(), Upper: true, Alpha: each, Times: uppers, Value: pB},
	}
	return certificate(e.Class, CohenRadius2(e.Sigma, pA, pB), ledger), nil
}
