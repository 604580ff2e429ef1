package rs

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mathext"
)

// Smoothed is the worst case of a score f: R^d → [0, 1] that is L-Lipschitz (l2) and averaged over
// Gaussian noise. The worst case is the clipped ramp
//
//	F(t) = E clip(L(t + σZ) + 1/2, 0, 1) = Lσ[G((t + 1/2L)/σ) - G((t - 1/2L)/σ)],
//	G(u) = uΦ(u) + φ(u).
//
// If E f(x + σZ) >= p, then E f(x + δ + σZ) >= F(F⁻¹(p) - ‖δ‖), and a ramp attains it. L = +Inf is
// any measurable score (Cohen et al. 2019). Sigma = 0 is no noise at all.
type Smoothed struct {
	Sigma float64 // standard deviation of the noise, >= 0
	L     float64 // Lipschitz constant of the score, > 0
}

// tailError bounds the relative error of tail, which radius_test.go measures at some units of
// 1e-15. Radii are lowered by the effect of tailError, and by the part tailError of themselves.
const tailError = 0x1p-45

// noiseless reports whether the noise vanishes against the ramp in all digits. Leaving it
// out lowers |F⁻¹|, which lowers every radius.
func (c Smoothed) noiseless() bool { return c.Sigma == 0 || c.width() > 1e15 }

// width returns half the ramp in units of σ, w = 1/(2Lσ).
func (c Smoothed) width() float64 {
	if !(c.Sigma >= 0) || math.IsInf(c.Sigma, 1) || !(c.L > 0) {
		panic(fmt.Sprintf("rs: smoothed score with sigma = %g, L = %g", c.Sigma, c.L))
	}
	if math.IsInf(c.L, 1) {
		return 0
	}
	return 1 / (2 * c.L * c.Sigma)
}

// F returns the mean of the ramp at t.
func (c Smoothed) F(t float64) float64 {
	w := c.width()
	if c.noiseless() {
		if t == 0 {
			return 0.5
		}
		return min(max(c.L*t+0.5, 0), 1)
	}
	if t < 0 {
		mass, _ := tail(-t/c.Sigma, w)
		return mass
	}
	mass, _ := tail(t/c.Sigma, w)
	return 1 - mass
}

// Derivative returns F'(t) = L[Φ((t + 1/2L)/σ) - Φ((t - 1/2L)/σ)].
func (c Smoothed) Derivative(t float64) float64 {
	w := c.width()
	if c.noiseless() {
		if c.L*math.Abs(t) <= 0.5 {
			return c.L
		}
		return 0
	}
	_, slope := tail(math.Abs(t)/c.Sigma, w)
	return slope / c.Sigma
}

// Inverse returns F⁻¹(p), 0 <= p <= 1: infinite at 0 and 1 under noise, else at least F⁻¹(2^-1000).
func (c Smoothed) Inverse(p float64) float64 {
	t, _ := c.inverse(p)
	return t
}

// inverse returns F⁻¹(p) and a bound on its error.
func (c Smoothed) inverse(p float64) (t, slack float64) {
	if !(0 <= p && p <= 1) {
		panic(fmt.Sprintf("rs: a mean score of %g, outside [0, 1]", p))
	}
	w := c.width()
	if p == 0.5 {
		return 0, 0
	}
	if c.noiseless() {
		if math.IsInf(c.L, 1) {
			return 0, 0
		}
		// Noise moves F⁻¹ by less than 39σ: P(Z > 39) is below every double.
		t = (p - 0.5) / c.L
		return t, tailError*math.Abs(t) + 39*c.Sigma
	}
	q := min(p, 1-p)
	if q > 0 { // subnormal numbers have no digits to spare; F⁻¹ of less is further out
		q = max(q, leastTail)
	}
	s, slope := tailInverse(q, w)
	slack = tailError * s
	if q > 0 {
		slack += tailError * q / slope
	}
	s, slack = s*c.Sigma, slack*c.Sigma
	if p < 0.5 {
		s = -s
	}
	return s, slack
}

// leastTail is the least p > 0 whose F⁻¹ is computed.
const leastTail = 0x1p-1000

// below returns F⁻¹(p), rounded down. From leastTail to the least double F⁻¹ falls by at most 74
// ln 2 / 35 standard deviations: its slope in ln p is at most Mills' ratio at the ramp's near
// end, 35σ out or more.
func (c Smoothed) below(p float64) float64 {
	t, slack := c.inverse(p)
	switch {
	case p == 0 && c.Sigma > 0:
		return math.Inf(-1)
	case math.IsInf(t, 0):
		return t
	case p < leastTail:
		slack += 1.5 * c.Sigma
	}
	return t - slack - leastDigits
}

// above returns F⁻¹(p), rounded up.
func (c Smoothed) above(p float64) float64 {
	t, slack := c.inverse(p)
	if math.IsInf(t, 0) {
		return t
	}
	return t + slack + leastDigits
}

// leastDigits covers the rounding of subnormal numbers, and is nothing to others.
const leastDigits = 0x1p-1072

// Radius is F⁻¹(p), rounded down: the exact l2 radius within which the smoothed score,
// now at least p, stays at least 1/2. It is negative where p < 1/2.
//
// With a finite L, p bounds the mean of the score itself. A vote fraction is the mean of
// a score whose L is infinite.
func (c Smoothed) Radius(p float64) float64 {
	r := c.below(p)
	if p >= 0.5 {
		return max(0, r)
	}
	return r
}

// Radius2 is (F⁻¹(p1) - F⁻¹(p2))/2, rounded down. Within this radius, an L-Lipschitz score of mean
// at least p1 stays at least another of mean at most p2.
func (c Smoothed) Radius2(p1, p2 float64) float64 {
	r := (c.below(p1) - c.above(p2)) / 2
	if p1 == p2 {
		return 0
	}
	if p1 > p2 {
		return max(0, r)
	}
	return r
}

// PaperRadius is T(p) = Φ⁻¹(p) φ(Φ⁻¹(p)) / F'(F⁻¹(p)): the radius published by Delattre et
// al. 2025 (the local Lipschitz constant of Φ⁻¹∘f̃ at ρ = 0). It lies between Cohen's and
// the exact one and isn't monotone in p. For comparison: it is not rounded.
func (c Smoothed) PaperRadius(p float64) float64 {
	if p == 0.5 {
		c.width()
		return 0
	}
	return mathext.NormalQuantile(p) / c.QuantileLipschitz(p)
}

// PaperRadius2 is (T(p1) - T(p2))/2, the published radius of two classes.
func (c Smoothed) PaperRadius2(p1, p2 float64) float64 {
	return (c.PaperRadius(p1) - c.PaperRadius(p2)) / 2
}

// QuantileLipschitz returns F'(F⁻¹(p))/φ(Φ⁻¹(p)), the largest slope that Φ⁻¹∘f̃ can have where f̃ =
// p, 0 < p < 1. It is 1/σ for L = +Inf.
func (c Smoothed) QuantileLipschitz(p float64) float64 {
	if math.IsInf(c.L, 1) {
		return 1 / c.Sigma
	}
	return c.Derivative(c.Inverse(p)) / density(mathext.NormalQuantile(p))
}

// Lipschitz returns the Lipschitz constant of E f(x + σZ) for f L-Lipschitz with values in
// an interval of that length, rounded up: L erf(length/(2√2 Lσ)).
func (c Smoothed) Lipschitz(length float64) float64 {
	c.width()
	if !(length > 0) {
		panic(fmt.Sprintf("rs: a range of length %g", length))
	}
	if math.IsInf(c.L, 1) {
		return length / (c.Sigma * math.Sqrt(2*math.Pi)) * (1 + tailError)
	}
	return min(c.L, c.L*math.Erf(length/(2*math.Sqrt2*c.L*c.Sigma))*(1+tailError))
}

// CohenRadius is σ Φ⁻¹(pA), rounded down (Cohen et al. 2019): for any measurable
// classifier, pA a lower bound on the probability of the class.
func CohenRadius(sigma, pA float64) float64 {
	return Smoothed{Sigma: sigma, L: math.Inf(1)}.Radius(pA)
}

// CohenRadius2 is σ/2 (Φ⁻¹(pA) - Φ⁻¹(pB)), rounded down, where pB bounds every rival from above.
func CohenRadius2(sigma, pA, pB float64) float64 {
	return Smoothed{Sigma: sigma, L: math.Inf(1)}.Radius2(pA, pB)
}

// MarginRadius is F⁻¹ with constant lip/2 at (1 + mu)/2, rounded down. It is the radius of a
// lip-Lipschitz margin f1 - f2 in [-1, 1] whose smoothed value is at least mu.
func MarginRadius(sigma, lip, mu float64) float64 {
	if mu < -1 {
		return math.Inf(-1)
	}
	// F⁻¹((1+mu)/2) = -F⁻¹((1-mu)/2), whose argument keeps its digits where mu is near 1.
	half := lip / 2
	if 2*half < lip {
		half = math.Nextafter(half, lip)
	}
	r := -Smoothed{Sigma: sigma, L: half}.above(min(1, oneMinusUp(mu)/2))
	if mu >= 0 {
		return max(0, r)
	}
	return r
}

// CleanRadius is margin/lambda, rounded down: within it no logit overtakes, every
// difference of two logits being lambda-Lipschitz. No noise, no probability.
func CleanRadius(margin, lambda float64) float64 {
	r := max(-math.MaxFloat64, min(margin/lambda, math.MaxFloat64))
	r -= math.Abs(r)*tailError + leastDigits
	if margin >= 0 {
		return max(0, r)
	}
	return r
}

// quadratureBelow is the w below which a mean over [s-w, s+w] is taken by 8-point
// Gauss-Legendre: its error is below 1e-16 for s <= 20, and the closed form's is about 1e-16/w.
const quadratureBelow = 0.05

var nodes, weights = func() (x, w [8]float64) {
	quad.Legendre{}.FixedLocations(x[:], w[:], -1, 1)
	return x, w
}()

// tail returns 1-F for σ = 1 at s >= 0, the mean of Φ(-v) over [s-w, s+w], and the mean
// of φ, which is its slope, negated.
func tail(s, w float64) (mass, slope float64) {
	switch {
	case w == 0:
		return upperNormal(s)
	case w < quadratureBelow:
		for i, x := range nodes {
			m, d := upperNormal(s + w*x)
			mass += weights[i] / 2 * m
			slope += weights[i] / 2 * d
		}
		return mass, slope
	}
	near, nearLoss := normalLoss(s - w)
	far, farLoss := normalLoss(s + w)
	return (nearLoss - farLoss) / (2 * w), (near - far) / (2 * w)
}

// tailInverse solves tail(s, w) = q for s >= 0, 0 <= q <= 1/2, and returns the slope there to
// some digits. Newton's method on ln tail, which is concave: from the second step on it
// falls to the root and never passes it.
func tailInverse(q, w float64) (s, slope float64) {
	if q == 0 {
		return math.Inf(1), 0
	}
	z := -mathext.NormalQuantile(q)
	if w == 0 {
		return z, density(z)
	}
	// Each is at most the root: L = ∞; σ = 0; and the last unit of the ramp alone.
	s = max(z, 2*w*(0.5-q))
	if a := 2 * w * q; 0x1p-1020 < a && a < 0.5 {
		s = max(s, w-1-mathext.NormalQuantile(a))
	}
	start, stepped := s, false
	for range 200 {
		var mass float64
		mass, slope = tail(s, w)
		if !(mass > 0 && slope > 0) { // beyond the smallest doubles
			if s == start {
				break
			}
			s, stepped = (start+s)/2, false
			continue
		}
		d := mass / slope * math.Log(mass/q)
		if stepped && d >= 0 {
			break
		}
		s, stepped = s+d, true
		if math.Abs(d) < 1e-8*min(1, s) { // the next step would be about its square
			break
		}
	}
	return s, slope
}

// density is φ(u), its square taken in twice the precision.
func density(u float64) float64 {
	sq := u * u
	rest := math.FMA(u, u, -sq)
	return math.Exp(-sq/2) * (1 - rest/2) / math.Sqrt(2*math.Pi)
}

// upperNormal returns Φ(-u), to about 1e-16 relative, and φ(u). It takes erfc at u/√2 and corrects
// for the rounding of u/√2.
func upperNormal(u float64) (mass, phi float64) {
	const sqrt2, rest = math.Sqrt2, -9.667293313452913e-17 // √2 = sqrt2 + rest
	phi = density(u)
	y := u / sqrt2
	r := math.FMA(-y, sqrt2, u) - y*rest
	return math.Erfc(y)/2 - r*phi, phi
}

// normalLoss returns Φ(-u) and E max(Z - u, 0) = φ(u) - uΦ(-u).
func normalLoss(u float64) (mass, loss float64) {
	if u < 3 {
		mass, phi := upperNormal(u)
		return mass, phi - u*mass
	}
	// Φ(-u)/φ(u) = 1/(u + 1/c_1) with c_k = u + (k+1)/c_{k+1}. Far enough out, c_k is the
	// root of its own equation.
	k := 8 + math.Floor(100/u)
	c := (u + math.Sqrt(u*u+4*k+2)) / 2
	for ; k >= 2; k-- {
		c = u + k/c
	}
	phi := density(u)
	return phi / (u + 1/c), phi / (1 + u*c)
}
