package lip

import (
	"fmt"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// graded is a function of tensors that gradients go through.
type graded struct {
	name   string
	f      func(in []*Node) *Node
	inputs []*tensors.Tensor
}

// gradients are the parametrisations and layers, at random inputs.
func gradients(r *rand.Rand) []graded {
	return []graded{
		{"Bjorck", func(in []*Node) *Node { return Bjorck(in[0]) },
			[]*tensors.Tensor{tensor(r, 7, 4)}},
		{"AOL", func(in []*Node) *Node { return AOL(in[0]) }, []*tensors.Tensor{tensor(r, 4, 7)}},
		{"AOLConvolution", func(in []*Node) *Node { return AOLConvolution(in[0], 1) },
			[]*tensors.Tensor{tensor(r, 3, 3, 2, 4)}},
		{"AOLConvolution strided", func(in []*Node) *Node { return AOLConvolution(in[0], 2) },
			[]*tensors.Tensor{tensor(r, 3, 3, 2, 4)}},
		{"BCOP", func(in []*Node) *Node { return BCOP(Bjorck(in[0]), Bjorck(in[1]), 3) },
			[]*tensors.Tensor{tensor(r, 2, 4), tensor(r, BCOPTaps(3), 4, 2)}},
		{"RKO", func(in []*Node) *Node { return RKO(in[0], 3, 1) },
			[]*tensors.Tensor{tensor(r, 27, 4)}},
		{"Strided", func(in []*Node) *Node { return Strided(in[0], in[1]) },
			[]*tensors.Tensor{tensor(r, 2, 2, 3, 4), tensor(r, 3, 3, 4, 2)}},
		{"SLLScale", func(in []*Node) *Node { return SLLScale(in[0], in[1]) },
			[]*tensors.Tensor{tensor(r, 3, 3, 4, 2), tensor(r, 4)}},
		{"residual", func(in []*Node) *Node { return residual(in[0], in[1], in[2], Circular) },
			[]*tensors.Tensor{tensor(r, 2, 5, 4, 2), tensor(r, 3, 3, 3, 2), tensor(r, 3)}},
		{"Cayley", func(in []*Node) *Node { return orthonormal(in[0]) },
			[]*tensors.Tensor{tensor(r, 7, 4)}},
		{"CayleyConvolution", func(in []*Node) *Node { return CayleyConvolution(in[0], 4, 5) },
			[]*tensors.Tensor{tensor(r, 3, 3, 2, 3)}},
		{"BROConvolution", func(in []*Node) *Node { return BROConvolution(in[0], 4, 5, 3, 2) },
			[]*tensors.Tensor{tensor(r, 3, 3, 3, 2)}},
		{"FourierConvolution", func(in []*Node) *Node { return FourierConvolution(in[0], in[1]) },
			[]*tensors.Tensor{tensor(r, 2, 4, 5, 2), tensor(r, 4, 5, 2, 3)}},
		{"SOC", func(in []*Node) *Node {
			return SOC(in[0], Sub(in[1], adjoint(in[1])), 2, Circular, 6)
		}, []*tensors.Tensor{tensor(r, 2, 4, 3, 2), tensor(r, 3, 3, 3, 3)}},
		{"SOC, zeros", func(in []*Node) *Node {
			return SOC(in[0], Sub(in[1], adjoint(in[1])), 2, Zero, 6)
		}, []*tensors.Tensor{tensor(r, 2, 4, 3, 2), tensor(r, 3, 3, 3, 3)}},
		{"Spectral", func(in []*Node) *Node {
			norm, _ := Spectral(func(x *Node) *Node { return DotProduct(x, in[0]) },
				Const(in[0].Graph(), [][]float32{{1, -2, 3, 4}}))
			return norm
		}, []*tensors.Tensor{tensor(r, 4, 3)}},
		{"Normalised", func(in []*Node) *Node { return Normalised(in[0]) },
			[]*tensors.Tensor{tensor(r, 4, 3)}},
		{"Sandwich", func(in []*Node) *Node { return Sandwich{3}.Apply(in[0], in[1:]) },
			[]*tensors.Tensor{tensor(r, 2, 5), tensor(r, 8, 3), tensor(r, 3)}},
		{"MaxMin", func(in []*Node) *Node { return MaxMin(in[0]) },
			[]*tensors.Tensor{tensor(r, 3, 4)}},
		{"GroupSort", func(in []*Node) *Node { return GroupSort(in[0], 5) },
			[]*tensors.Tensor{tensor(r, 3, 10)}},
		{"Householder", func(in []*Node) *Node { return Householder(in[0], directions(in[1])) },
			[]*tensors.Tensor{tensor(r, 3, 8), tensor(r, 4)}},
		{"SpatialShift", func(in []*Node) *Node { return SpatialShift{}.Apply(in[0], in[1:]) },
			[]*tensors.Tensor{tensor(r, 2, 4, 3, 9), tensor(r, 4, 3, 9)}},
		{"NormPool", func(in []*Node) *Node { return NormPool{2}.Apply(in[0], nil) },
			[]*tensors.Tensor{tensor(r, 2, 4, 6, 3)}},
		{"AveragePool", func(in []*Node) *Node { return AveragePool{2}.Apply(in[0], nil) },
			[]*tensors.Tensor{tensor(r, 2, 4, 6, 3)}},
		{"SpaceToDepth", func(in []*Node) *Node { return SpaceToDepth(in[0], 2) },
			[]*tensors.Tensor{tensor(r, 2, 4, 6, 3)}},
	}
}

// TestGradientsOfBothBackends: the parametrisations and layers have finite, equal values and
// gradients.
func TestGradientsOfBothBackends(t *testing.T) {
	cases := gradients(rand.New(rand.NewPCG(13, 13)))
	var inputs []*tensors.Tensor
	for _, c := range cases {
		inputs = append(inputs, c.inputs...)
	}
	f := func(in []*Node) (out []*Node) { // one graph, compiled once
		for _, c := range cases {
			own := in[:len(c.inputs)]
			in = in[len(c.inputs):]
			y := c.f(own)
			// Some smooth function of the output whose gradient isn't the same for every entry.
			out = append(append(out, y), Gradient(ReduceAllSum(Square(AddScalar(y, 0.3))),
				own...)...)
		}
		return out
	}
	a, b := run(backend, f, inputs...), run(pure, f, inputs...)
	for _, c := range cases {
		for i := range len(c.inputs) + 1 {
			near(t, fmt.Sprint(c.name, ", output and gradients, ", i), flat(a[i]), flat(b[i]),
				1e-4*(1+norm(flat(b[i]))))
			if i > 0 && c.name != "Bjorck" && norm(flat(a[i])) == 0 {
				t.Errorf("%s: the gradient by input %d is 0", c.name, i-1)
			}
		}
		a, b = a[len(c.inputs)+1:], b[len(c.inputs)+1:]
	}
}
