package rs

// UnsoundPair bounds the class from below and its largest rival from above, at α each. It is for
// comparison. Its certificate at α is not proved: the two bounds hold together with probability
// 1-2α only. No counterexample is known for α <= 1/2.
type UnsoundPair struct {
	Bound Bound // nil is ClopperPearson
}

// Certify implements Method, but for its promise.
func (u UnsoundPair) Certify(e *Evidence, alpha float64) (Certificate, error) {
	checkAlpha(alpha)
	if err := e.checkVotes(2); err != nil {
		return Certificate{}, err
	}
	return twoClass(e, u.Bound, alpha, e.largestRival(), 1, "rivals", false)
}

// UnsoundSecond bounds the class from below and, from above, only the class that was second in the selection,
// at α/2 each: as if the selection could not err about which rival is the largest. For comparison.
type UnsoundSecond struct {
	Bound Bound // nil is ClopperPearson
}

// Certify implements Method, but for its promise.
func (u UnsoundSecond) Certify(e *Evidence, alpha float64) (Certificate, error) {
	checkAlpha(alpha)
	if err := e.checkSelection(2, 0); err != nil {
		return Certificate{}, err
	}
	second := Abstain
	for c, k := range e.Selection {
		if c != e.Class && (second == Abstain || k > e.Selection[second]) {
			second = c
		}
	}
	return twoClass(e, u.Bound, alpha/2, e.Estimation[second], 1, "second of the selection", false)
}
