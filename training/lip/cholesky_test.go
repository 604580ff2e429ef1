package lip

import (
	"math"
	"testing"
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
