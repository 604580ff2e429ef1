package lip

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// TestPureGo: the two ways of Conv are both taken, each on its backend.
func TestPureGo(t *testing.T) {
	on := func(b compute.Backend) (is bool) {
		run(b, func(in []*Node) []*Node { is = pureGo(in[0]); return in }, zeros(1))
		return is
	}
	if !on(pure) {
		t.Error("the pure-Go backend isn't known as such")
	}
	if _, ok := os.LookupEnv(compute.ConfigEnvVar); !ok && on(backend) {
		t.Skip("no XLA plugin to be had: the tests compare the pure-Go backend with itself")
	}
}

// sizes of convolutions: odd and non-square images, more channels in than out and
// fewer, kernels as large as the image.
var sizes = []struct{ k, in, out, h, w int }{
	{1, 3, 2, 5, 4}, {3, 1, 4, 7, 7}, {3, 4, 2, 5, 9}, {3, 2, 2, 3, 3}, {5, 2, 3, 5, 8},
	{3, 3, 3, 1, 6},
}

func TestConv(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for i, c := range sizes {
		for _, g := range []Geometry{{Stride: 1}, {Stride: 1, Zero: true}, {Stride: 2, Zero: true},
			{Stride: 3, Zero: true}, {Stride: c.h}} {
			if !g.Zero && c.w%g.Stride != 0 {
				continue
			}
			g.Kernel, g.In, g.Out = Size{c.k, c.k}, Size{c.h, c.w, c.in}, c.out
			padding := map[bool]string{false: Circular, true: Zero}[g.Zero]
			x, kernel := tensor(r, 2, c.h, c.w, c.in), tensor(r, c.k, c.k, c.in, c.out)
			xs := flat(x)
			m := convolutionMatrix(flat(kernel), g)
			var want []float32
			for _, image := range [][]float32{xs[:len(xs)/2], xs[len(xs)/2:]} {
				want = append(want, times(m, image)...)
			}
			// The output, and gradients by image and kernel of Σ out²/2 = out·∂out.
			all := func(on compute.Backend) []*tensors.Tensor {
				return run(on, func(in []*Node) []*Node {
					y := Conv(in[0], in[1], padding, g.Stride)
					return append([]*Node{y},
						Gradient(ReduceAllSum(MulScalar(Square(y), 0.5)), in[0], in[1])...)
				}, x, kernel)
			}
			b := all(pure)
			near(t, "output, pure Go", flat(b[0]), want, 1e-5)
			// The gradient by the image is the transpose applied to the output.
			near(t, "gradient", flat(b[1])[:len(xs)/2], times(m.T(), want[:len(want)/2]), 1e-4)
			if g.Stride == 1 && i%2 == 1 || g.Stride == 2 && i == 4 { // a compilation each
				a := all(backend)
				near(t, "output", flat(a[0]), want, 1e-5)
				for i, what := range []string{"output", "gradient by image", "gradient by kernel"} {
					near(t, what+" of both backends", flat(a[i]), flat(b[i]),
						1e-5*(1+norm(flat(b[i]))))
				}
			}
		}
	}
	for _, c := range []struct {
		want          string
		image, kernel []int
	}{
		{"lip.Conv: kernel", []int{1, 4, 4, 1}, []int{2, 2, 1, 1}},
		{"lip.Conv: kernel", []int{1, 4, 4, 1}, []int{3, 1, 1, 1}},
		{"lip.Conv: kernel", []int{1, 4, 4, 1}, []int{3, 3, 1}},
		{"lip.Conv: a border of 2 is wider than axis 2", []int{1, 4, 1, 1}, []int{5, 5, 1, 1}},
	} {
		mustPanic(t, c.want, func() {
			run(pure, func(in []*Node) []*Node { return []*Node{Conv(in[0], in[1], Circular, 1)} },
				zeros(c.image...), zeros(c.kernel...))
		})
	}
}

// TestAdjoint: ⟨Wx, y⟩ = ⟨x, Wᵀy⟩.
func TestAdjoint(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, c := range sizes {
		for _, padding := range []string{Circular, Zero} {
			x, y, kernel := tensor(r, 1, c.h, c.w, c.in), tensor(r, 1, c.h, c.w, c.out),
				tensor(r, c.k, c.k, c.in, c.out)
			out := run(pure, func(in []*Node) []*Node {
				return []*Node{
					ReduceAllSum(Mul(Conv(in[0], in[2], padding, 1), in[1])),
					ReduceAllSum(Mul(in[0], Conv(in[1], adjoint(in[2]), padding, 1))),
				}
			}, x, y, kernel)
			near(t, "⟨Wx, y⟩ and ⟨x, Wᵀy⟩", flat(out[0]), flat(out[1]), 1e-3)
		}
	}
}
