package rs

import "fmt"

// UnsoundPair bounds the class from below and its largest rival from above at α each, where
// α must be shared: the two bounds hold together with probability 1-2α only. For comparison.
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
	if err := e.checkVotes(2); err != nil {
		return Certificate{}, err
	}
	if len(e.Selection) != len(e.Estimation) {
		return Certificate{}, fmt.Errorf("example %d: selection votes of %d classes, estimation of %d", e.Index, len(e.Selection), len(e.Estimation))
	}
	second := Abstain
	for c, k := range e.Selection {
		if c != e.Class && (second == Abstain || k > e.Selection[second]) {
			second = c
		}
	}
	return twoClass(e, u.Bound, alpha/2, e.Estimation[second], 1, "second of the selection", false)
}
