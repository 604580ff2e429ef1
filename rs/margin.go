package rs

import (
	"fmt"
	"math"
)

// Margin is the deterministic certificate of the classifier without noise: R = margin/Λ,
// rounded down. It spends no α.
type Margin struct {
	Lambda float64 // bounds the Lipschitz constant (l2) of every difference of two logits
	// Float32 subtracts Evidence.MarginError, and abstains where nothing is left.
	Float32 bool
}

// Certify implements Method. It doesn't use alpha.
func (m Margin) Certify(e *Evidence, alpha float64) (Certificate, error) {
	switch {
	case !(m.Lambda > 0) || math.IsInf(m.Lambda, 1):
		return Certificate{}, fmt.Errorf("margin: Lambda = %g, want a positive bound on the "+
			"Lipschitz constant of logit differences", m.Lambda)
	case len(e.Estimation) > 0 && e.Clean.Class >= len(e.Estimation):
		return Certificate{}, fmt.Errorf("example %d: clean class %d of %d classes",
			e.Index, e.Clean.Class, len(e.Estimation))
	case e.Clean.Class < 0:
		return Certificate{}, fmt.Errorf("example %d: no prediction without noise was logged",
			e.Index)
	case !(e.Clean.Margin >= 0) || math.IsInf(e.Clean.Margin, 1):
		return Certificate{}, fmt.Errorf("example %d: margin %g of the clean prediction, want a "+
			"number >= 0", e.Index, e.Clean.Margin)
	}
	off, err := e.marginError(m.Float32)
	if err != nil {
		return Certificate{}, err
	}
	margin := e.Clean.Margin
	if off > 0 {
		if margin = math.Nextafter(margin-off, -1); margin < 0 {
			return Certificate{Class: Abstain}, nil
		}
	}
	return Certificate{Class: e.Clean.Class, Radius: CleanRadius(margin, m.Lambda)}, nil
}
