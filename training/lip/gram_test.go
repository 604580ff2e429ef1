package lip

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func orthogonal(r *rand.Rand, n int) *mat.Dense {
	var qr mat.QR
	qr.Factorize(gaussian(r, n, n))
	q := new(mat.Dense)
	qr.QTo(q)
	return q
}

func TestSpectralNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	times := func(x float64, m *mat.Dense) *mat.Dense { m.Scale(x, m); return m }
	rankOne := new(mat.Dense)
	rankOne.Mul(gaussian(r, 30, 1), gaussian(r, 1, 20))
	twin := orthogonal(r, 16) // two largest singular values 1e-9 apart: the slowest case
	for j := range 16 {
		twin.Set(0, j, twin.At(0, j)*(1+1e-9))
	}
	spread := mat.NewDense(8, 8, nil)
	for i := range 8 {
		spread.Set(i, i, math.Pow(10, -float64(2*i)))
	}
	for name, m := range map[string]*mat.Dense{
		"1×1":           mat.NewDense(1, 1, []float64{-3}),
		"row":           gaussian(r, 1, 9),
		"column":        gaussian(r, 9, 1),
		"square":        gaussian(r, 40, 40),
		"wide":          gaussian(r, 7, 60),
		"tall":          gaussian(r, 60, 7),
		"view":          gaussian(r, 9, 9).Slice(2, 7, 3, 9).(*mat.Dense),
		"rank one":      rankOne,
		"orthogonal":    orthogonal(r, 64),
		"twin":          twin,
		"spread":        spread,
		"tiny":          times(1e-150, gaussian(r, 12, 9)),
		"subnormal":     times(1e-310, gaussian(r, 3, 4)),
		"large":         times(1e150, gaussian(r, 9, 12)),
		"nearly zero":   mat.NewDense(2, 2, []float64{0, 5e-324, 0, 0}),
		"largest float": mat.NewDense(1, 2, []float64{8e307, 1e307}),
	} {
		want, got := singular(t, m)[0], SpectralNorm(m).Value()
		if !(got >= want*(1-1e-14) && got <= want*1.001+1e-322) {
			t.Errorf("%s: bound %g, SVD %g", name, got, want)
		}
	}
	if got := SpectralNorm(mat.NewDense(3, 5, nil)).Value(); got != 0 {
		t.Errorf("zero matrix: %g", got)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		mustPanic(t, "isn't finite", func() {
			SpectralNorm(mat.NewDense(2, 2, []float64{1, 0, bad, 2}))
		})
	}
}

// TestSpectralNormExactly compares with a norm known to hundreds of digits, where float64's
// SVD can't tell whether the bound lies below: of [[1, 1], [1, 1+2^-52]] and the like.
func TestSpectralNormExactly(t *testing.T) {
	number := func(x float64) *big.Float { return new(big.Float).SetPrec(600).SetFloat64(x) }
	r := rand.New(rand.NewPCG(2, 2))
	for i := range 2000 {
		w := []float64{1, 1, 1, 1 + 0x1p-52}
		if i > 0 {
			for k := range w {
				w[k] = r.NormFloat64() * math.Exp(r.NormFloat64()*5)
			}
		}
		// ‖W‖² is the larger root of x² - s·x + d², s the sum of squares, d the determinant.
		s, op := number(0), func() *big.Float { return number(0) }
		for _, x := range w {
			s.Add(s, op().Mul(number(x), number(x)))
		}
		d := op().Sub(op().Mul(number(w[0]), number(w[3])), op().Mul(number(w[1]), number(w[2])))
		root := op().Sqrt(op().Sub(op().Mul(s, s), op().Mul(number(4), op().Mul(d, d))))
		square := op().Quo(op().Add(s, root), number(2))
		b := number(SpectralNorm(mat.NewDense(2, 2, w)).Value())
		if b.Mul(b, b).Cmp(square) < 0 {
			t.Fatalf("the bound of %v lies below its norm", w)
		}
	}
}
