package lip

import (
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"
)

// TestSOC: either way, the series of powers of the convolution's matrix, cut where asked; boundSOC
// holds for a kernel that isn't skew, too.
func TestSOC(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 17))
	for _, padding := range []string{Circular, Zero} {
		for _, terms := range []int{1, 2, 3, 4, 5, 10} {
			kernel := run(pure, func(in []*Node) []*Node {
				return []*Node{MulScalar(Sub(in[0], adjoint(in[0])), 0.2)}
			}, tensor(r, 3, 3, 3, 3))[0]
			g := Geometry{Size{3, 3}, Size{5, 4, 3}, 3, 1, padding == Zero}
			m := convolutionMatrix(flat(kernel), g)
			n := g.In.Entries()
			sum, power := mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
			for i := range n {
				power.Set(i, i, 1)
			}
			for i := range terms {
				sum.Add(sum, power)
				next := new(mat.Dense)
				next.Mul(m, power)
				next.Scale(1/float64(i+1), next)
				power = next
			}
			x := tensor(r, 1, 5, 4, 2) // of three channels, the third zero; the first comes back
			wide := make([]float32, n)
			for i, v := range flat(x) {
				wide[i/2*3+i%2] = v
			}
			var want []float32
			for i, v := range times(sum, wide) {
				if i%3 == 0 {
					want = append(want, v)
				}
			}
			near(t, padding, run1(pure, func(in []*Node) *Node {
				return SOC(in[0], in[1], 1, padding, terms)
			}, x, kernel), want, 1e-4)
			if terms == SOCTerms {
				c := Convolution{Kind: "soc", Kernel: 3, Channels: 3, Padding: padding}
				most := singular(t, sum)[0]
				if b := boundSOC(c, flat(kernel), g.In).Value(); b < most || b > 1.01*most {
					t.Errorf("%s: bound %v, norm %v", padding, b, most)
				}
				other := flat(kernel)
				other[5] += 0.01
				if b := boundSOC(c, other, g.In); b.Value() < 1.5 ||
					b.Proof() != "exponential of the norm" {
					t.Errorf("%s: a kernel that isn't skew: %v", padding, b)
				}
			}
		}
	}
}
