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
	return against{of: "rivals", votes: e.largestRival(), uppers: 1,
		bound: u.Bound}.certify(e, alpha)
}

// UnsoundSecond bounds the class from below at α/2. From above, it bounds only the class that was
// second in the selection, at α/2. That treats the selection as if it could not err about the
// largest rival. It is for comparison.
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
	return against{of: "second of the selection", votes: e.Estimation[second], uppers: 1,
		bound: u.Bound}.certify(e, alpha/2)
}
