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
	if err := e.cleanly("margin", e.Clean.Margin); err != nil {
		return Certificate{}, err
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

// cleanly is an error where there is no prediction without noise, or what certifies it isn't a
// number.
func (e *Evidence) cleanly(what string, by float64) error {
	switch c := e.Clean.Class; {
	case len(e.Estimation) > 0 && c >= len(e.Estimation):
		return fmt.Errorf("example %d: clean class %d of %d classes", e.Index, c, len(e.Estimation))
	case c < 0:
		return fmt.Errorf("example %d: no prediction without noise was logged", e.Index)
	case !(by >= 0) || math.IsInf(by, 1):
		return fmt.Errorf("example %d: %s %g of the clean prediction, want a number >= 0", e.Index,
			what, by)
	}
	return nil
}
