package lip

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// TestDefinite takes the path of n points, 2 on the diagonal and 1 beside it. Its largest
// eigenvalue is 2 + 2cos(π/(n+1)). With the 1 k places beside the diagonal, for n a multiple of k,
// there are k such paths. Nothing below the eigenvalue passes.
func TestDefinite(t *testing.T) {
	for _, c := range []struct{ n, k int }{
		{1, 1}, {2, 1}, {50, 1}, {120, 40}, {300, 100}, {300, 150},
	} {
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

// DenseNorm lies just above the largest singular value, whatever the matrix's shape.
func TestDenseNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, d := range [][2]int{{1, 1}, {1, 7}, {7, 1}, {30, 30}, {20, 90}, {90, 20}} {
		x := make([]float64, d[0]*d[1])
		for i := range x {
			x[i] = r.NormFloat64()
		}
		var s mat.SVD
		s.Factorize(mat.NewDense(d[0], d[1], x), mat.SVDNone)
		want := s.Values(nil)[0]
		if got, ok := DenseNorm(x, d[0], d[1]); !ok || got < want || got > want*1.001 {
			t.Errorf("%v: %g %v, not just above %g", d, got, ok, want)
		}
	}
	if got, ok := DenseNorm(make([]float64, 6), 2, 3); !ok || got > 1e-100 {
		t.Errorf("%g %v of zeros", got, ok)
	}
}
