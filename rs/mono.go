package rs

// Mono bounds the probability of the class alone, at α: R = σ Φ⁻¹(p̲), rivals share
// 1 - p̲ (Cohen et al. 2019).
type Mono struct {
	Bound Bound // nil is ClopperPearson
}

// Certify implements Method.
func (m Mono) Certify(e *Evidence, alpha float64) (Certificate, error) {
	checkAlpha(alpha)
	if err := e.checkVotes(1); err != nil {
		return Certificate{}, err
	}
	bound, err := e.votesBound(m.Bound)
	if err != nil {
		return Certificate{}, err
	}
	pA := bound.Lower(Bernoulli(e.Estimation[e.Class], e.Estimation.Total()), alpha)
	ledger := []Spent{{Of: "top", Bound: bound.Name(), Alpha: alpha, Times: 1, Value: pA}}
	return certificate(e.Class, CohenRadius(e.Sigma, pA), ledger), nil
}

// Ceiling implements Ranger.
func (m Mono) Ceiling(e *Evidence, alpha float64) (float64, error) {
	if err := e.checkVotes(1); err != nil {
		return 0, err
	}
	bound, err := e.votesBound(m.Bound)
	if err != nil {
		return 0, err
	}
	return CohenRadius(e.Sigma, bound.Upper(Bernoulli(e.Estimation[e.Class], e.Estimation.Total()),
		alpha)), nil
}

// certificate abstains where the radius is negative.
func certificate(class int, radius float64, ledger []Spent) Certificate {
	if !(radius >= 0) {
		class, radius = Abstain, 0
	}
	return Certificate{Class: class, Radius: radius, Ledger: ledger}
}
