package lip

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// gramSteps leaves a factor of at most n^(1/2^(gramSteps+2)) between Frobenius and spectral norm:
// 1.00013 for n = 4096.
const gramSteps = 14

// SpectralNorm proves an upper bound on the largest singular value of a. It panics where an entry
// isn't finite.
//
// Gram iteration (Delattre et al. 2023) takes ‖a‖² = ‖aᵀa‖ again and again, and the Frobenius norm
// at the end. In any order of summation, a computed product differs from the true one by at most
// γ_n‖h‖_F² in norm, γ_n = nu/(1-nu). That error is added at every step. Scaling is by powers of
// two, so it is exact.
func SpectralNorm(a *mat.Dense) Bound {
	return Bound{spectralNorm(a, 0), "Gram iteration, float64, outward"}
}

// spectralNorm is SpectralNorm that stops where the bound is at most enough.
func spectralNorm(a *mat.Dense, enough float64) float64 {
	r, c := a.Dims()
	if c > r {
		a = mat.DenseCopyOf(a.T())
		r, c = c, r
	}
	h, first := normalized(a)
	if first == 0 {
		return 0
	}
	type step struct{ scale, slack float64 }
	var steps []step
	bound := func() float64 {
		b := frobenius(h)
		for i := len(steps) - 1; i >= 0; i-- {
			b = up(math.Sqrt(up(up(b*steps[i].scale) + steps[i].slack)))
		}
		return up(b * first)
	}
	n := r
	for range gramSteps + 1 {
		next := mat.NewDense(c, c, nil)
		next.Mul(h.T(), h)
		f := frobenius(h)
		slack := up(up(up(float64(n)*u*1.01)*up(f*f)) + 1e-290) // 1e-290: underflow
		var scale float64
		h, scale = normalized(next)
		steps = append(steps, step{scale, slack})
		n = c
		if b := bound(); b <= enough {
			return b
		}
	}
	return bound()
}

// normalized returns a/scale. The scale is the power of two that brings the largest entry into
// [1/2, 1), or 0 for a zero matrix.
func normalized(a *mat.Dense) (b *mat.Dense, scale float64) {
	r, _ := a.Dims()
	most := 0.0
	for i := range r {
		for _, v := range a.RawRowView(i) {
			most = max(most, math.Abs(v)) // NaN stays
		}
	}
	if math.IsNaN(most) || math.IsInf(most, 1) {
		panic("lip: a matrix with an entry that isn't finite has no norm")
	}
	if most == 0 {
		return a, 0
	}
	_, e := math.Frexp(most)
	b = new(mat.Dense)
	b.Scale(math.Ldexp(1, -e/2), a) // in two steps: 2^-e may overflow
	b.Scale(math.Ldexp(1, e/2-e), b)
	return b, math.Ldexp(1, e)
}

// frobenius returns an upper bound on the Frobenius norm.
func frobenius(a *mat.Dense) float64 {
	r, c := a.Dims()
	s := 0.0
	for i := range r {
		for _, v := range a.RawRowView(i) {
			s += v * v
		}
	}
	n := float64(r * c)
	return up(math.Sqrt(up(s*(1+2*n*u)) + 1e-300))
}
