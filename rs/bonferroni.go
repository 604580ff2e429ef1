package rs

// Bonferroni bounds the class from below and each of the other K-1 classes from above,
// at α/K each: R = σ/2 (Φ⁻¹(p̲A) - Φ⁻¹(p̄B)).
type Bonferroni struct {
	Clip  bool  // p̄B is at most 1 - p̲A
	Bound Bound // nil is ClopperPearson; its Upper must rise with the votes
}

// Certify implements Method.
func (b Bonferroni) Certify(e *Evidence, alpha float64) (Certificate, error) {
	checkAlpha(alpha)
	if err := e.checkVotes(2); err != nil {
		return Certificate{}, err
	}
	k := len(e.Estimation)
	return against{of: "rivals", votes: e.largestRival(), uppers: k - 1, bound: b.Bound,
		clip: b.Clip}.certify(e, share(alpha, k))
}
