package lip

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func gaussian(r *rand.Rand, rows, columns int) *mat.Dense {
	m := mat.NewDense(rows, columns, nil)
	m.Apply(func(_, _ int, _ float64) float64 { return r.NormFloat64() }, m)
	return m
}

// singular returns the singular values of m, largest first.
func singular(t *testing.T, m mat.Matrix) []float64 {
	t.Helper()
	var svd mat.SVD
	if !svd.Factorize(m, mat.SVDNone) {
		t.Fatal("no SVD")
	}
	return svd.Values(nil)
}

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
		mustPanic(t, "isn't finite", func() { SpectralNorm(mat.NewDense(2, 2, []float64{1, 0, bad, 2})) })
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

// convolutionMatrix is the convolution, [outputs, inputs].
func convolutionMatrix(kernel []float32, g Geometry) *mat.Dense {
	kh, kw, h, w, in, out := g.Kernel[0], g.Kernel[1], g.In[0], g.In[1], g.In[2], g.Out
	rows, columns := (h+g.Stride-1)/g.Stride, (w+g.Stride-1)/g.Stride
	m := mat.NewDense(rows*columns*out, h*w*in, nil)
	for y := range rows {
		for x := range columns {
			for i := range kh {
				for j := range kw {
					fy, fx := y*g.Stride+i-kh/2, x*g.Stride+j-kw/2
					if g.Zero && (fy < 0 || fx < 0 || fy >= h || fx >= w) {
						continue
					}
					from := (fy+h)%h*w + (fx+w)%w
					for a := range in {
						for b := range out {
							r, c := (y*columns+x)*out+b, from*in+a
							m.Set(r, c, m.At(r, c)+float64(kernel[((i*kw+j)*in+a)*out+b]))
						}
					}
				}
			}
		}
	}
	return m
}

func floats(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func TestConvolutionNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, g := range []Geometry{
		{Size{1, 1}, Size{1, 1, 2}, 3, 1, false}, {Size{1, 1}, Size{4, 3, 3}, 2, 1, false}, {Size{3, 3}, Size{3, 3, 1}, 1, 1, false},
		{Size{3, 3}, Size{7, 7, 2}, 4, 1, false}, {Size{3, 3}, Size{5, 9, 4}, 2, 1, false}, {Size{5, 5}, Size{5, 8, 2}, 2, 1, false},
		{Size{3, 3}, Size{8, 8, 1}, 5, 1, false}, {Size{6, 4}, Size{6, 4, 2}, 3, 1, false},
		{Size{3, 3}, Size{6, 4, 2}, 3, 2, false}, {Size{3, 3}, Size{3, 9, 2}, 3, 3, false}, {Size{5, 5}, Size{6, 9, 1}, 4, 3, false},
		{Size{1, 1}, Size{4, 6, 2}, 3, 2, false}, {Size{5, 5}, Size{8, 12, 1}, 2, 4, false},
		{Size{3, 3}, Size{7, 7, 2}, 4, 1, true}, {Size{3, 3}, Size{5, 9, 4}, 2, 1, true}, {Size{5, 5}, Size{5, 8, 2}, 3, 1, true},
		{Size{3, 3}, Size{7, 5, 3}, 2, 2, true}, {Size{5, 5}, Size{9, 7, 2}, 8, 3, true}, {Size{3, 3}, Size{1, 6, 2}, 2, 1, true},
		{Size{3, 3}, Size{8, 5, 2}, 3, 4, true},
	} {
		for _, scale := range []float32{1, 1e-20, 1e18} {
			kernel := floats(r, g.Kernel.Entries()*g.In[2]*g.Out)
			for i := range kernel {
				kernel[i] *= scale
			}
			want := singular(t, convolutionMatrix(kernel, g))[0]
			got := ConvolutionNorm(kernel, g).Value()
			if !(got >= want*(1-1e-13) && got <= want*1.001) {
				t.Errorf("%+v × %g: bound %g, SVD %g, %g", g, scale, got, want, got/want-1)
			}
			// Zero padding, too large to factorise: the torus alone, less tight.
			torus := g
			torus.Zero = false
			torus.In = Size{ceil(g.In[0]+g.Kernel[0]/2, g.Stride), ceil(g.In[1]+g.Kernel[1]/2, g.Stride), g.In[2]}
			if got := ConvolutionNorm(kernel, torus).Value(); g.Zero && !(got >= want*(1-1e-13) && got < 2.5*want) {
				t.Errorf("%+v × %g: bound %g by the torus, SVD %g", g, scale, got, want)
			}
		}
		zero := make([]float32, g.Kernel.Entries()*g.In[2]*g.Out)
		if got := ConvolutionNorm(zero, g).Value(); got > 1e-100 {
			t.Errorf("%+v: zero kernel: %g", g, got)
		}
	}
	// A shift is an isometry; an averaging kernel's norm is its sum, at frequency 0, or on a path of n and m pixels
	// (1 + 2cos π/(n+1))·(1 + 2cos π/(m+1))/9 of it.
	shift, mean := make([]float32, 9), make([]float32, 9)
	shift[2] = 1
	for i := range mean {
		mean[i] = 0.125
	}
	for name, c := range map[string]struct {
		kernel []float32
		zero   bool
		want   float64
	}{
		"shift": {shift, false, 1}, "mean": {mean, false, 1.125}, "shift with zeros": {shift, true, 1},
		"mean with zeros": {mean, true, 0.125 * (1 + 2*math.Cos(math.Pi/8)) * (1 + 2*math.Cos(math.Pi/6))},
	} {
		if got := ConvolutionNorm(c.kernel, Geometry{Size{3, 3}, Size{7, 5, 1}, 1, 1, c.zero}).Value(); got < c.want*(1-1e-15) || got > c.want*(1+1e-3) {
			t.Errorf("%s: bound %v, norm %v", name, got, c.want)
		}
	}
	// Where all frequencies are nearly equal their order, which is that of goroutines, changes no bit.
	near := floats(r, 9*4)
	for i := range near {
		near[i] *= 1e-7
	}
	near[16], near[19] = 1, 1
	first := ConvolutionNorm(near, Geometry{Size{3, 3}, Size{9, 8, 2}, 2, 1, false})
	for range 20 {
		if b := ConvolutionNorm(near, Geometry{Size{3, 3}, Size{9, 8, 2}, 2, 1, false}); b != first {
			t.Fatalf("the same kernel is bounded by %v and %v", first, b)
		}
	}
	one := Geometry{Size{1, 1}, Size{2, 2, 1}, 1, 1, false}
	mustPanic(t, "no kernel 3×3×1×2", func() { ConvolutionNorm(mean, Geometry{Size{3, 3}, Size{7, 5, 1}, 2, 1, false}) })
	mustPanic(t, "isn't finite", func() { ConvolutionNorm([]float32{float32(math.NaN())}, one) })
	mustPanic(t, "isn't finite", func() { ConvolutionNorm([]float32{float32(math.Inf(-1))}, one) })
}

// TestDefinite: the path of n points, 2 on the diagonal and 1 beside it, has the largest eigenvalue 2 + 2cos(π/(n+1)), and
// that with 1 k places beside it, for n a multiple of k, is k such paths; nothing below passes.
func TestDefinite(t *testing.T) {
	for _, c := range []struct{ n, k int }{{1, 1}, {2, 1}, {50, 1}, {120, 40}, {300, 100}, {300, 150}} {
		gram := make([]float64, c.n*(c.k+1))
		for i := range c.n {
			gram[i*(c.k+1)] = 2
			if i+c.k < c.n {
				gram[i*(c.k+1)+c.k] = 1
			}
		}
		most := 2 + 2*math.Cos(math.Pi/float64(c.n/c.k+1))
		for _, f := range []float64{0, 0.5, 1 - 1e-3, 1 - 1e-12, 1 + 1e-12, 1 + 1e-3, math.NaN()} {
			if got := definite(gram, c.n, c.k, f*most); got != (f > 1) {
				t.Errorf("%+v: %v times the largest eigenvalue: %v", c, f, got)
			}
		}
	}
}

func TestLogitGap(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, c := range []struct {
		w           []float32
		in, classes int
		want        float64
	}{
		{[]float32{1, 0, 0, 1}, 2, 2, math.Sqrt2},
		{[]float32{3, 0, 0, 0, 4, 0}, 2, 3, 5},
		{[]float32{1, 1, 1, 1}, 2, 2, 0},
		{[]float32{0.1, 0.3}, 1, 2, float64(float32(0.3)) - float64(float32(0.1))},
	} {
		if got := LogitGap(c.w, c.in, c.classes).Value(); got < c.want || got > c.want*(1+1e-12)+1e-100 {
			t.Errorf("LogitGap(%v) = %v, want %v", c.w, got, c.want)
		}
	}
	// Against the norm of the difference of columns by gonum, and never above √2 times the norm.
	w := floats(r, 50*7)
	m := mat.NewDense(50, 7, nil)
	for i, v := range w {
		m.Set(i/7, i%7, float64(v))
	}
	want := 0.0
	for a := range 7 {
		for b := range a {
			var d mat.VecDense
			d.SubVec(m.ColView(a), m.ColView(b))
			want = max(want, d.Norm(2))
		}
	}
	if got := LogitGap(w, 50, 7).Value(); got < want*(1-1e-15) || got > want*(1+1e-12) || got > math.Sqrt2*SpectralNorm(m).Value() {
		t.Errorf("LogitGap %v, want %v", got, want)
	}
}

func TestResidualNorm(t *testing.T) {
	for _, c := range []struct{ w, want float64 }{{0, 1}, {0.5, 1}, {1, 1}, {1.5, 3.5}, {2, 7}} {
		if got := ResidualNorm(Bound{c.w, "test"}).Value(); got < c.want || got > c.want*(1+1e-14) {
			t.Errorf("ResidualNorm(%v) = %v, want %v", c.w, got, c.want)
		}
	}
}

func TestBound(t *testing.T) {
	for _, v := range []float64{0, 1, 1.0000000000000002, 1.0 / 3, 1e-300, math.MaxFloat64} {
		b := Bound{v, "because"}
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var back Bound
		if err := json.Unmarshal(text, &back); err != nil || back != b {
			t.Errorf("%s reads back as %v, %v", text, back, err)
		}
	}
	b := Isometry()
	for _, text := range []string{
		`{}`, `null`, `null0`, `1`, `{"value":1}`, `{"value":1,"proof":""}`, `{"value":-1e-9,"proof":"p"}`, `{"value":"NaN","proof":"p"}`,
		`{"value":1e999,"proof":"p"}`, `{"proof":2}`,
	} {
		if err := json.Unmarshal([]byte(text), &b); err == nil {
			t.Errorf("%s was read as a bound", text)
		}
	}
	if b != Isometry() {
		t.Errorf("a refused text changed the bound to %v", b)
	}
	for _, bad := range []Bound{{}, {1, ""}, {math.NaN(), "p"}, {math.Inf(1), "p"}, {-1, "p"}} {
		if text, err := json.Marshal(bad); err == nil || !strings.Contains(err.Error(), "not a proved bound") {
			t.Errorf("%+v was written as %s, %v", bad, text, err)
		}
	}
	// What proves nothing certifies nothing, alone or in a product.
	for _, v := range []float64{Bound{}.Value(), Bound{}.Times(Isometry()).Value(), ResidualNorm(Bound{}).Value()} {
		if !math.IsInf(v, 1) {
			t.Errorf("the zero Bound leads to %v", v)
		}
	}
	// A product is rounded up: 1/3 of 3 exact, in big.Float.
	x, y := 1.0/3, 0.1
	got := Bound{x, "p"}.Times(Bound{y, "p"}).Value()
	exact := new(big.Float).SetPrec(200).Mul(big.NewFloat(x), big.NewFloat(y))
	if big.NewFloat(got).Cmp(exact) < 0 || got > x*y*(1+1e-15) {
		t.Errorf("%v·%v ≤ %v", x, y, got)
	}
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		var got string
		switch v := recover().(type) {
		case nil:
			t.Errorf("no panic, want one with %q", want)
			return
		case error:
			got = v.Error()
		case string:
			got = v
		}
		if !strings.Contains(got, want) {
			t.Errorf("panic %q, want one with %q", got, want)
		}
	}()
	f()
}
