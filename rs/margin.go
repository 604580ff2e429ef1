package rs

import (
	"fmt"
	"math"
)

// Margin is the deterministic certificate of the classifier without noise: R = margin/Λ,
// rounded down. It spends no α.
type Margin struct {
	Lambda Constant
	// Float32 subtracts Evidence.MarginError, and abstains where nothing is left.
	Float32 bool
}

// Certify implements Method. It doesn't use alpha.
func (m Margin) Certify(e *Evidence, alpha float64) (Certificate, error) {
	if err := m.Lambda.check("margin"); err != nil {
		return Certificate{}, err
	}
	switch {
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
	return Certificate{Class: e.Clean.Class, Radius: CleanRadius(margin, m.Lambda.Value())}, nil
}
