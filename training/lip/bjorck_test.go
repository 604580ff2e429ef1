package lip

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

func TestBjorck(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, c := range []struct{ in, out, iterations int }{
		{1, 1, iterations}, {1, 6, iterations}, {40, 10, iterations}, {10, 40, iterations},
		{300, 64, iterations}, {48, 64, iterations},
		{8, 8, 30}, {128, 128, 36}, // A square Gaussian matrix is nearly singular and takes more.
	} {
		exec := must(NewExec1(backend, func(w *Node) *Node { return Bjorck(w, c.iterations) }))
		for _, scale := range []float32{1e-3, 1, 1e3} {
			w := floats(r, c.in*c.out)
			for i := range w {
				w[i] *= scale
			}
			x := tensors.FromFlatDataAndDimensions(w, c.in, c.out)
			got := matrix(must(exec.Call(x)), c.in, c.out)
			s := singular(t, got)
			if math.Abs(s[0]-1) > 1e-3 || math.Abs(s[len(s)-1]-1) > 1e-3 {
				t.Errorf("%d×%d scaled by %g: singular values from %g to %g", c.in, c.out, scale,
					s[len(s)-1], s[0])
			}
			// The nearest orthonormal matrix is U·Vᵀ of the SVD.
			var svd mat.SVD
			svd.Factorize(matrix(x, c.in, c.out), mat.SVDThin)
			var u, v, polar mat.Dense
			svd.UTo(&u)
			svd.VTo(&v)
			polar.Mul(&u, v.T())
			if c.in != c.out && !mat.EqualApprox(got, &polar, 1e-4) {
				t.Errorf("%d×%d scaled by %g: not the nearest orthonormal matrix", c.in, c.out,
					scale)
			}
		}
		exec.Finalize()
	}
}

func TestBjorckFromBelow(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	// Rank 3 of 8, and zero: nothing to orthonormalise, but never NaN nor above 1.
	var low mat.Dense
	low.Mul(gaussian(r, 8, 3), gaussian(r, 3, 8))
	w := make([]float32, 64)
	for i := range w {
		w[i] = float32(low.At(i/8, i%8))
	}
	x, y := tensors.FromFlatDataAndDimensions(w, 8, 8), tensor(r, 32, 32)
	last := 0.0
	for _, n := range []int{1, 4, 12, 40} {
		out := run(backend, func(in []*Node) []*Node {
			return []*Node{Bjorck(in[0], n), Bjorck(in[1], n)}
		}, x, y)
		s := singular(t, matrix(out[0], 8, 8))
		if !(s[0] <= 1+1e-5) || s[3] > 0.99 && n < 40 {
			t.Errorf("rank 3, %d iterations: singular values %g", n, s)
		}
		s = singular(t, matrix(out[1], 32, 32))
		if !(s[0] <= 1+1e-5 && s[31] > last) {
			t.Errorf("%d iterations: singular values from %g, before %g, to %g", n, s[31], last,
				s[0])
		}
		last = s[31]
	}
	zero := run1(backend, func(in []*Node) *Node { return Bjorck(in[0], 12) }, zeros(5, 4))
	for _, v := range zero {
		if v != 0 {
			t.Fatalf("an entry of 0 became %v", v)
		}
	}
}
