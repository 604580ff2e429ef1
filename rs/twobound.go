package rs

// TwoBound bounds the class from below and its largest rival from above, at α/2 each. For any
// number of classes, R = σ/2 (Φ⁻¹(p̲A) - Φ⁻¹(p̄B)). The selection draw fixes the class, so the true
// runner-up is one fixed class. The largest upper bound of a rival is at least the runner-up's. So
// no union over rivals is needed.
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
	return against{of: "rivals", votes: e.largestRival(), uppers: 1, bound: t.Bound,
		clip: t.Clip}.certify(e, alpha/2)
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
	pA := bound.Upper(Bernoulli(e.Estimation[e.Class], n), alpha/2)
	pB := bound.Lower(Bernoulli(e.largestRival(), n), alpha/2)
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

// against is what the class of a certificate is compared with.
type against struct {
	of     string // what the ledger calls the rivals
	votes  int    // estimation votes of the largest rival
	uppers int    // how many upper bounds are taken together
	bound  Bound  // nil is ClopperPearson
	clip   bool   // p̄B is at most 1 - p̲A
}

// certify takes one lower bound on the class and all upper bounds at the level each.
func (a against) certify(e *Evidence, each float64) (Certificate, error) {
	bound, err := e.votesBound(a.bound)
	if err != nil {
		return Certificate{}, err
	}
	n := e.Estimation.Total()
	pA := bound.Lower(Bernoulli(e.Estimation[e.Class], n), each)
	pB := bound.Upper(Bernoulli(a.votes, n), each)
	if a.clip {
		pB = min(pB, oneMinusUp(pA))
	}
	ledger := []Spent{
		{Of: "top", Bound: bound.Name(), Alpha: each, Times: 1, Value: pA},
		{Of: a.of, Bound: bound.Name(), Upper: true, Alpha: each, Times: a.uppers, Value: pB},
	}
	return certificate(e.Class, CohenRadius2(e.Sigma, pA, pB), ledger), nil
}
