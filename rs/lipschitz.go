package rs

import (
	"fmt"
	"math"
)

// Lipschitz certifies with soft votes h = clip(1/2 + m/(2τ), 0, 1), where m is the margin of the
// class. h is Λ/(2τ)-Lipschitz, and the h of two classes sum to at most 1. R = F⁻¹(p̲), where p̲ is
// a lower bound on E h (see Smoothed). τ must be fixed apart from the estimation draw. τ = 0 is the
// hard vote, Mono.
type Lipschitz struct {
	Lambda Constant
	Tau    float64 // temperature, in logits, >= 0
	// Nil is STaR. It is Betting where draws may end early, and ClopperPearson where Tau is 0.
	Bound Bound
	Seed  uint64 // of the run: STaR's order where Bound is nil
	// Float32 subtracts Evidence.MarginError from every margin. The certificate is then of the
	// network in real arithmetic, which Lambda bounds. Tau = 0 has no margins to subtract from.
	Float32 bool
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
	if err := e.checkMargins(); err != nil {
		return Certificate{}, err
	}
	bound, err := e.scoreBound(l.Bound, l.Seed)
	if err != nil {
		return Certificate{}, err
	}
	off, err := e.marginError(l.Float32)
	if err != nil {
		return Certificate{}, err
	}
	p := bound.Lower(softVotes(e.Margins, l.Tau, e.Rounding*l.Lambda.Value()+off), alpha)
	if off > 0 {
		p = lowered(p, BeyondReach)
	}
	ledger := []Spent{{Of: "score", Bound: bound.Name(), Alpha: alpha, Times: 1, Value: p}}
	return certificate(e.Class, l.Smoothed(e.Sigma).Radius(p), ledger), nil
}

// Ceiling implements Ranger.
func (l Lipschitz) Ceiling(e *Evidence, alpha float64) (float64, error) {
	if err := l.check(); err != nil {
		return 0, err
	}
	if l.Tau == 0 {
		return Mono{Bound: l.Bound}.Ceiling(e, alpha)
	}
	if err := e.checkMargins(); err != nil {
		return 0, err
	}
	bound, err := e.scoreBound(l.Bound, l.Seed)
	if err != nil {
		return 0, err
	}
	return l.Smoothed(e.Sigma).Radius(bound.Upper(SoftVotes(e.Margins, l.Tau), alpha)), nil
}

// Smoothed returns the worst case of the soft vote under noise: L = Λ/(2τ), rounded up.
func (l Lipschitz) Smoothed(sigma float64) Smoothed {
	if l.Tau == 0 {
		return Smoothed{Sigma: sigma, L: math.Inf(1)}
	}
	return Smoothed{Sigma: sigma, L: math.Nextafter(l.Lambda.Value()/2/l.Tau, math.Inf(1))}
}

func (l Lipschitz) check() error {
	if !(l.Tau >= 0) || math.IsInf(l.Tau, 1) {
		return fmt.Errorf("lipschitz: tau = %g, want a temperature >= 0", l.Tau)
	}
	if l.Tau > 0 {
		return l.Lambda.check("lipschitz")
	}
	return nil
}

// SoftVotes returns the sample of h = clip(1/2 + m/(2τ), 0, 1), τ > 0, over a histogram of margins
// m. Bin edges map to the ends of the sample's bins, rounded outward. The outermost bins reach 0
// and 1.
func SoftVotes(margins Histogram, tau float64) Sample { return softVotes(margins, tau, 0) }

// softVotes is SoftVotes of margins that may be smaller by shift than the counted ones. Noise that
// is off by at most Rounding changes a margin by at most Λ times as much. float32 changes it by at
// most MarginError. So the counted margins bound the soft votes under Gaussian noise from below.
func softVotes(margins Histogram, tau, shift float64) Sample {
	shift *= 1 + 0x1p-40
	s := Sample{Counts: margins.Counts, N: margins.Total()}
	down, up := make([]float64, len(margins.Counts)), make([]float64, len(margins.Counts))
	up[len(up)-1] = 1
	for i, edge := range margins.Edges {
		up[i] = softVote(edge, tau, 0x1p-52)
		down[i+1] = softVote(edge-shift, tau, -0x1p-52)
	}
	s.Lo, s.Hi = down, up
	return s
}

// softVote is clip(1/2 + m/(2τ), 0, 1), and slack more where it isn't clipped.
func softVote(m, tau, slack float64) float64 {
	switch {
	case m >= tau:
		return 1
	case m <= -tau:
		return 0
	}
	return min(max(0.5+m/tau/2+slack, 0), 1)
}
