package lip

import (
	"encoding/json"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// A Bound is a proved upper bound (l2) on what a map stretches. Only the functions of this
// package make one, besides reading back what they wrote. The zero Bound proves nothing.
type Bound struct {
	value float64
	proof string
}

// Value returns the bound, +Inf where there is no proof.
func (b Bound) Value() float64 {
	if b.proof == "" {
		return math.Inf(1)
	}
	return b.value
}

// Proof says in a few words how the bound was proved.
func (b Bound) Proof() string { return b.proof }

// Times returns the bound of two maps one after the other.
func (b Bound) Times(c Bound) Bound { return Bound{up(b.Value() * c.Value()), "product"} }

type boundJSON struct {
	Value float64 `json:"value"`
	Proof string  `json:"proof"`
}

// MarshalJSON writes the value in full precision, with its proof.
func (b Bound) MarshalJSON() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	return json.Marshal(boundJSON{b.value, b.proof})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (b *Bound) UnmarshalJSON(data []byte) error {
	var j boundJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	read := Bound{j.Value, j.Proof}
	if err := read.check(); err != nil {
		return err
	}
	*b = read
	return nil
}

func (b Bound) check() error {
	if !(b.value >= 0) || math.IsInf(b.value, 1) || b.proof == "" {
		return fmt.Errorf("lip: not a proved bound: value %v, proof %q", b.value, b.proof)
	}
	return nil
}

// Isometry is the bound of maps that permute, keep or reflect entries, the same everywhere or, if continuous, region by region.
func Isometry() Bound { return Bound{1, "isometry"} }

// u is the unit roundoff of float64.
const u = 0x1p-53

// up returns the next float64 above x: a correctly rounded operation's result, made an upper bound.
func up(x float64) float64 { return math.Nextafter(x, math.Inf(1)) }

// gramSteps leaves n^(1/2^(gramSteps+2)) at most between Frobenius and spectral norm, 1.00013 for n = 4096.
const gramSteps = 14

// SpectralNorm proves an upper bound on the largest singular value of a by Gram iteration
// (Delattre et al. 2023): ‖a‖² = ‖aᵀa‖, again and again, and the Frobenius norm at the end.
// A computed product differs from the true one by at most γ_n‖h‖_F² in norm (γ_n = nu/(1-nu), any order of summation),
// which is added at every step; scaling is by powers of two, so exact. It panics where an entry isn't finite.
func SpectralNorm(a *mat.Dense) Bound {
	return Bound{spectralNorm(a, 0), "Gram iteration, float64, outward"}
}

// spectralNorm goes on until the bound is at most enough.
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

// normalized returns a/scale, scale a power of two that brings the largest entry into [1/2, 1), 0 for a zero matrix.
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

// ResidualNorm bounds x - 2·W·J·Wᵀ·x over all diagonal 0 ≤ J ≤ 1, given a bound on ‖W‖: the
// symmetric W·J·Wᵀ lies between 0 and ‖W‖², so the map between 1 - 2‖W‖² and 1.
func ResidualNorm(w Bound) Bound {
	return Bound{max(1, up(2*up(w.Value()*w.Value())-1)), "residual of " + w.proof}
}

// LogitGap bounds the norm of the difference of two columns of w, [in, classes] row-major:
// what the last layer stretches a difference of two logits by.
func LogitGap(w []float32, in, classes int) Bound {
	o := operator{rows: make([][]entry, classes), columns: in}
	for i, v := range w {
		o.rows[i%classes] = append(o.rows[i%classes], entry{i / classes, float64(v)})
	}
	return Bound{o.gap(), "largest distance of two columns, float64, outward"}
}
