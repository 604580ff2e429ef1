package rs

import (
	"fmt"
	"math"
)

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
	bound, err := e.votesBound(m.Bound)
	if err != nil {
		return 0, err
	}
	return CohenRadius(e.Sigma, bound.Upper(Bernoulli(e.Estimation[e.Class], e.Estimation.Total()), alpha)), nil
}

// certificate abstains where the radius is negative.
func certificate(class int, radius float64, ledger []Spent) Certificate {
	if !(radius >= 0) {
		class, radius = Abstain, 0
	}
	return Certificate{Class: class, Radius: radius, Ledger: ledger}
}

// checkVotes reports what keeps the estimation votes from certifying, for a method of at least so many classes.
func (e *Evidence) checkVotes(classes int) error {
	switch {
	case !(e.Sigma > 0) || e.Sigma > 1e300:
		return fmt.Errorf("example %d: sigma = %g, want a positive number", e.Index, e.Sigma)
	case !(e.Rounding >= 0) || math.IsInf(e.Rounding, 1):
		return fmt.Errorf("example %d: noise rounded by %g, want a number >= 0", e.Index, e.Rounding)
	case len(e.Estimation) < classes:
		return fmt.Errorf("example %d: estimation votes of %d classes, want at least %d", e.Index, len(e.Estimation), classes)
	case e.Class < 0 || e.Class >= len(e.Estimation):
		return fmt.Errorf("example %d: class %d selected of %d", e.Index, e.Class, len(e.Estimation))
	}
	for c, k := range e.Estimation {
		if k < 0 {
			return fmt.Errorf("example %d: %d estimation votes for class %d", e.Index, k, c)
		}
	}
	if e.Estimation.Total() == 0 {
		return fmt.Errorf("example %d: no estimation votes", e.Index)
	}
	return nil
}
