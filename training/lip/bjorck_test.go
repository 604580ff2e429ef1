package lip

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// TestBjorck: the result is U·Vᵀ of the SVD, the nearest orthonormal matrix, at any scale and down
// to a smallest singular value that float32 hardly knows.
func TestBjorck(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, c := range []struct {
		in, out int
		least   float64 // smallest singular value, the largest is 1; 0 for a random matrix
	}{
		{1, 1, 0}, {1, 6, 0}, {40, 10, 0}, {10, 40, 0}, {300, 64, 0}, {48, 64, 0}, {8, 8, 0},
		{128, 128, 0}, {2, 2, 1e-2}, {4, 4, 1e-4}, {20, 20, 1e-4}, {60, 20, 1e-4}, {20, 60, 1e-6},
		{64, 64, 1e-6}, {4, 4, 1e-7},
	} {
		exec := must(NewExec1(backend, Bjorck))
		for _, scale := range []float64{1e-3, 1, 1e3} {
			m := gaussian(r, c.in, c.out)
			var svd mat.SVD
			svd.Factorize(m, mat.SVDThin)
			var u, v, polar mat.Dense
			svd.UTo(&u)
			svd.VTo(&v)
			polar.Mul(&u, v.T())
			if c.least > 0 {
				n := min(c.in, c.out)
				s := mat.NewDiagDense(n, nil)
				for i := range n {
					s.SetDiag(i, math.Pow(c.least, float64(i)/float64(n-1)))
				}
				m.Product(&u, s, v.T())
			}
			m.Scale(scale, m)
			x := tensors.FromFlatDataAndDimensions(float32s(m), c.in, c.out)
			got := matrix(must(exec.Call(x)), c.in, c.out)
			s := singular(t, got)
			if s[0] > 1+1e-5 || s[len(s)-1] < 1-1e-5 {
				t.Errorf("%+v scaled by %g: singular values from %g to %g", c, scale,
					s[len(s)-1], s[0])
			}
			// float32 knows the singular vectors of the smallest value to 1e-7 of the largest.
			least := singular(t, m)[min(c.in, c.out)-1] / scale
			if !mat.EqualApprox(got, &polar, 1e-4+1e-6/least) {
				t.Errorf("%+v scaled by %g: not the nearest orthonormal matrix", c, scale)
			}
		}
		exec.Finalize()
	}
}

// float32s are the entries, row by row.
func float32s(m *mat.Dense) []float32 {
	x := make([]float32, len(m.RawMatrix().Data))
	for i, v := range m.RawMatrix().Data {
		x[i] = float32(v)
	}
	return x
}

// TestBjorckFromBelow: of a matrix of rank 3 of 8, and of 0, singular values are at most 1.
func TestBjorckFromBelow(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	var low mat.Dense
	low.Mul(gaussian(r, 8, 3), gaussian(r, 3, 8))
	x := tensors.FromFlatDataAndDimensions(float32s(&low), 8, 8)
	out := run(backend, func(in []*Node) []*Node {
		return []*Node{Bjorck(in[0]), Bjorck(in[1])}
	}, x, zeros(5, 4))
	if s := singular(t, matrix(out[0], 8, 8)); !(s[0] <= 1+1e-5 && s[2] >= 1-1e-5) {
		t.Errorf("rank 3: singular values %g", s)
	}
	for _, v := range flat(out[1]) {
		if v != 0 {
			t.Fatalf("an entry of 0 became %v", v)
		}
	}
}

// TestBjorckGradient: the gradient leads downhill at any matrix, and it is the true one at an
// orthonormal matrix. The function is the sum of a·Bjorck(w), entry by entry.
func TestBjorckGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 12))
	for _, d := range [][2]int{{4, 4}, {9, 4}, {3, 8}} {
		a, w := tensor(r, d[0], d[1]), tensor(r, d[0], d[1])
		value := func(w []float32) float64 {
			q := run1(pure, func(in []*Node) *Node { return Bjorck(in[0]) },
				tensors.FromFlatDataAndDimensions(w, d[0], d[1]))
			s := 0.0
			for i, v := range flat(a) {
				s += float64(v) * float64(q[i])
			}
			return s
		}
		for _, orthonormal := range []bool{false, true} {
			if orthonormal {
				w = run(pure, func(in []*Node) []*Node { return []*Node{Bjorck(in[0])} }, w)[0]
			}
			g := run1(pure, func(in []*Node) *Node {
				return Gradient(ReduceAllSum(Mul(in[0], Bjorck(in[1]))), in[1])[0]
			}, a, w)
			const step = 1e-2
			var truth []float32
			for i := range g {
				there, back := flat(w), flat(w)
				there[i], back[i] = there[i]+step, back[i]-step
				truth = append(truth, float32((value(there)-value(back))/(2*step)))
			}
			if orthonormal {
				near(t, "gradient", g, truth, 5e-3)
				continue
			}
			dot := 0.0
			for i := range g {
				dot += float64(g[i]) * float64(truth[i])
			}
			if cosine := dot / norm(g) / norm(truth); cosine < 0.5 {
				t.Errorf("%v: cosine %g of the true gradient", d, cosine)
			}
		}
	}
}
