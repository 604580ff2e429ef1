package rs

import (
	"fmt"
	"math"
	"strings"
)

// SoftScores certifies with the mean scores of all classes under noise. It takes a lower bound on
// the class's mean and an upper bound on the largest rival's, at α/2 each. Two bounds suffice, as
// in TwoBound. The radius is the largest that its fields ask for, since all radii follow from the
// same two bounds. Where there are several maps, each has its part of α, and the map with the
// largest radius certifies. The ledger names the map, since every map makes another classifier.
type SoftScores struct {
	Lambda Constant // for TwoClass and Difference
	// Map is the map to take, as ScoreMap.String writes it, fixed apart from the estimation draw.
	// Empty stands for every map that was logged.
	Map string
	// TwoClass takes the exact radius of two Lipschitz scores. Difference takes the exact radius of
	// a Lipschitz difference of two scores. With neither, the radius is that of LVM-RS for any
	// scores in [0, 1], σ/2 (Φ⁻¹(p̲A) - Φ⁻¹(p̄B)) (Delattre et al. 2024).
	TwoClass, Difference bool
	Bound                Bound  // nil is STaR, and Betting where draws may end early
	Seed                 uint64 // of the run: STaR's order where Bound is nil
	// Float32 subtracts the effect of Evidence.MarginError on a score, for TwoClass and Difference.
	// LVM-RS needs no Lipschitz constant: it certifies the scores as float32 computes them.
	Float32 bool
}

// Certify implements Method.
func (m SoftScores) Certify(e *Evidence, alpha float64) (Certificate, error) {
	checkAlpha(alpha)
	if err := e.checkVotes(2); err != nil {
		return Certificate{}, err
	}
	if m.TwoClass || m.Difference {
		if err := m.Lambda.check("softscores"); err != nil {
			return Certificate{}, err
		}
	}
	maps, err := m.maps(e)
	if err != nil {
		return Certificate{}, err
	}
	bound, err := e.scoreBound(m.Bound, m.Seed)
	if err != nil {
		return Certificate{}, err
	}
	off, err := e.marginError(m.Float32 && (m.TwoClass || m.Difference))
	if err != nil {
		return Certificate{}, err
	}
	each := share(alpha, 2*len(maps))
	best, all := Certificate{Class: Abstain}, []Spent(nil)
	for _, s := range maps {
		if err := e.checkScores(s); err != nil {
			return Certificate{}, err
		}
		pA := bound.Lower(s.sample(e.Class), each)
		pB := 0.0
		for c := range s.Classes {
			if c != e.Class {
				pB = max(pB, bound.Upper(s.sample(c), each))
			}
		}
		pB = min(pB, oneMinusUp(pA))
		all = append(all,
			Spent{Of: "score " + s.Map.String(), Bound: bound.Name(), Alpha: each, Times: 1,
				Value: pA},
			Spent{Of: "rivals' " + s.Map.String(), Bound: bound.Name(), Upper: true, Alpha: each,
				Times: 1, Value: pB})
		if c := certificate(e.Class, m.radius(e, s.Map, pA, pB, off), nil); best.Class == Abstain ||
			c.Radius > best.Radius {
			best = c
		}
	}
	best.Ledger = all
	return best, nil
}

// radius is the radius that the two bounds give, where float32 changes a difference of two logits
// by at most marginError.
func (m SoftScores) radius(e *Evidence, of ScoreMap, pA, pB, marginError float64) float64 {
	one, difference := of.Lipschitz(m.Lambda.Value(), len(e.Estimation))
	float32One, float32Difference := of.float32Error(marginError, len(e.Estimation))
	switch {
	case m.TwoClass:
		// off bounds the distance of a score under Gaussian noise from a score that was drawn.
		off := one*e.Rounding + float32One
		return Smoothed{Sigma: e.Sigma, L: one}.Radius2(lowered(pA, off),
			oneMinusUp(lowered(oneMinusDown(pB), off)))
	case m.Difference:
		return MarginRadius(e.Sigma, difference,
			math.Nextafter(pA-pB, -1)-(difference*e.Rounding+float32Difference)*(1+0x1p-50))
	}
	return CohenRadius2(e.Sigma, pA, pB)
}

// lowered is p less off, rounded down.
func lowered(p, off float64) float64 {
	if off == 0 {
		return p
	}
	return max(0, p-off*(1+0x1p-50)-0x1p-53)
}

// maps are those to take.
func (m SoftScores) maps(e *Evidence) ([]*Scores, error) {
	var maps []*Scores
	var known []string
	for i := range e.Scores {
		s := &e.Scores[i]
		if known = append(known, s.Map.String()); m.Map == "" || s.Map.String() == m.Map {
			maps = append(maps, s)
		}
	}
	switch {
	case len(known) == 0:
		return nil, fmt.Errorf("example %d: no scores of all classes were logged (sample --scores)",
			e.Index)
	case len(maps) == 0:
		return nil, fmt.Errorf("example %d: no scores %s; logged: %s", e.Index, m.Map,
			strings.Join(known, "; "))
	}
	return maps, nil
}
