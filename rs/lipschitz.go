package rs

import (
	"fmt"
	"math"
)

// Lipschitz certifies with soft votes h = clip(1/2 + m/(2τ), 0, 1), m the margin of the class: h is
// Λ/(2τ)-Lipschitz, the h of two classes sum to at most 1, and R = F⁻¹(p̲) for p̲ a lower
// bound on E h (see Smoothed). τ must be fixed apart from the estimation draw; τ = 0 is
// the hard vote, Mono.
type Lipschitz struct {
	Lambda float64 // bounds the Lipschitz constant (l2) of every difference of two logits
	Tau    float64 // temperature, in logits, >= 0
	Bound  Bound   // nil is Betting, and ClopperPearson where Tau is 0
}

// Certify implements Method.
func (l Lipschitz) Certify(e *Evidence, alpha float64) (Certificate, error) {
	checkAlpha(alpha)
	if err := l.check(); err != nil {
		return Certificate{}, err
	}
	if l.Tau == 0 {
		return Mono{Bound: l.Bound}.Certify(e, alpha)
	}
	if err := e.checkVotes(2); err != nil {
		return Certificate{}, err
	}
	if !e.HasMargins() {
		return Certificate{}, fmt.Errorf("example %d: soft votes need margins, and none were logged", e.Index)
	}
	if len(e.Margins.Counts) != len(e.Margins.Edges)+1 || e.Margins.Total() <= 0 {
		return Certificate{}, fmt.Errorf("example %d: %d margins in %d bins between %d edges",
			e.Index, e.Margins.Total(), len(e.Margins.Counts), len(e.Margins.Edges))
	}
	bound, err := e.bound(l.Bound, Betting{})
	if err != nil {
		return Certificate{}, err
	}
	p := bound.Lower(SoftVotes(e.Margins, l.Tau), alpha)
	ledger := []Spent{{Of: "score", Bound: bound.Name(), Alpha: alpha, Times: 1, Value: p}}
	s := l.Smoothed(e.Sigma)
	return certificate(e.Class, s.Radius(e.lowered(p, s.L)), ledger), nil
}

// Ceiling implements Ranger.
func (l Lipschitz) Ceiling(e *Evidence, alpha float64) (float64, error) {
	if l.Tau == 0 {
		return Mono{Bound: l.Bound}.Ceiling(e, alpha)
	}
	bound, err := e.bound(l.Bound, Betting{})
	if err != nil {
		return 0, err
	}
	return l.Smoothed(e.Sigma).Radius(bound.Upper(SoftVotes(e.Margins, l.Tau), alpha)), nil
}

// lowered is what a lower bound on the mean of an L-Lipschitz score under the noise drawn says under Gaussian
// noise: L·E‖σZ - Z'‖ less, rounded down.
func (e *Evidence) lowered(p, l float64) float64 {
	if e.Rounding == 0 {
		return p
	}
	return max(0, p-l*e.Rounding*(1+0x1p-50)-0x1p-53)
}

// Smoothed returns the worst case of the soft vote under noise: L = Λ/(2τ), rounded up.
func (l Lipschitz) Smoothed(sigma float64) Smoothed {
	if l.Tau == 0 {
		return Smoothed{Sigma: sigma, L: math.Inf(1)}
	}
	return Smoothed{Sigma: sigma, L: math.Nextafter(l.Lambda/(2*l.Tau), math.Inf(1))}
}

func (l Lipschitz) check() error {
	switch {
	case !(l.Tau >= 0) || math.IsInf(l.Tau, 1):
		return fmt.Errorf("lipschitz: tau = %g, want a temperature >= 0", l.Tau)
	case l.Tau > 0 && (!(l.Lambda > 0) || math.IsInf(l.Lambda, 1)):
		return fmt.Errorf("lipschitz: Lambda = %g, want a positive bound on the Lipschitz constant of logit differences", l.Lambda)
	}
	return nil
}

// SoftVotes returns the sample of h = clip(1/2 + m/(2τ), 0, 1), τ > 0, over a histogram of
// margins m: bin edges map to the ends of the sample's bins, rounded outward; the
// outermost bins reach 0 and 1.
func SoftVotes(margins Histogram, tau float64) Sample {
	s := Sample{Counts: margins.Counts, N: margins.Total()}
	down, up := make([]float64, len(margins.Counts)), make([]float64, len(margins.Counts))
	up[len(up)-1] = 1
	for i, edge := range margins.Edges {
		h := 0.5 + edge/(2*tau)
		switch {
		case edge >= tau:
			down[i+1], up[i] = 1, 1
		case edge > -tau:
			down[i+1], up[i] = max(0, h-0x1p-52), min(1, h+0x1p-52)
		}
	}
	s.Lo, s.Hi = down, up
	return s
}
