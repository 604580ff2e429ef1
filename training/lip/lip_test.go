package lip

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/gomlx/backends/default"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training/device"
	"gonum.org/v1/gonum/mat"
)

// backend is the machine's best, pure the pure-Go one; they may be of one kind.
var backend, pure compute.Backend

func TestMain(m *testing.M) {
	var err error
	if backend, _, err = device.Open(context.Background(), device.Options{Quiet: true}); err != nil {
		panic(err)
	}
	if pure, err = device.PureGo(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// tensor is random, Gaussian.
func tensor(r *rand.Rand, dimensions ...int) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(floats(r, Size(dimensions).Entries()), dimensions...)
}

// zeros is a tensor of zeros.
func zeros(dimensions ...int) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(make([]float32, Size(dimensions).Entries()), dimensions...)
}

func run(on compute.Backend, f func([]*Node) []*Node, inputs ...*tensors.Tensor) []*tensors.Tensor {
	args := make([]any, len(inputs))
	for i, x := range inputs {
		args[i] = must(x.LocalClone()) // a tensor lives on one backend
	}
	return MustExecOnceN(on, f, args...)
}

func run1(on compute.Backend, f func([]*Node) *Node, inputs ...*tensors.Tensor) []float32 {
	return flat(run(on, func(in []*Node) []*Node { return []*Node{f(in)} }, inputs...)[0])
}

func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}

// near checks that a and b differ by no more than tolerance anywhere.
func near(t *testing.T, what string, a, b []float32, tolerance float64) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%s: %d and %d values", what, len(a), len(b))
	}
	for i := range a {
		if d := math.Abs(float64(a[i]) - float64(b[i])); !(d <= tolerance) {
			t.Fatalf("%s: at %d %v and %v", what, i, a[i], b[i])
		}
	}
}

func norm(x []float32) float64 {
	s := 0.0
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return math.Sqrt(s)
}

func minus(x, y []float32) []float32 {
	d := make([]float32, len(x))
	for i := range x {
		d[i] = x[i] - y[i]
	}
	return d
}

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

func TestMaxMin(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	got := run1(backend, func(in []*Node) *Node { return MaxMin(in[0]) },
		tensors.FromValue([][]float32{{1, 2, 3, 4}, {4, -1, -3, 9}}))
	near(t, "MaxMin", got, []float32{3, 4, 1, 2, 4, 9, -3, -1}, 0)
	for _, shape := range [][]int{{50, 8}, {50, 3, 5, 6}, {50, 2}} {
		x, y := tensor(r, shape...), tensor(r, shape...)
		isometry(t, "MaxMin", MaxMin, x, y, false)
	}
	mustPanic(t, "lip.MaxMin: the last axis", func() {
		run(backend, func(in []*Node) []*Node { return []*Node{MaxMin(in[0])} }, zeros(2, 3))
	})
}

// TestActivations: what each does to numbers; GroupSort of pairs and Householder of angle π/2 are MaxMin.
func TestActivations(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 15))
	x := tensor(r, 20, 3, 8)
	right := make([]float32, 4)
	for i := range right {
		right[i] = math.Pi / 2
	}
	out := run(pure, func(in []*Node) []*Node {
		return []*Node{MaxMin(in[0]), GroupSort(in[0], 2), Householder(in[0], in[1]), GroupSort(in[0], 8), GroupSort(in[0], 4), GroupSort(in[0], 1)}
	}, x, tensors.FromValue(right))
	near(t, "GroupSort 2", flat(out[1]), flat(out[0]), 0)
	near(t, "Householder", flat(out[2]), flat(out[0]), 1e-5)
	near(t, "GroupSort 1", flat(out[5]), flat(x), 0)
	whole, fours := flat(x), flat(x)
	descending := func(x, y float32) int { return cmp.Compare(y, x) }
	for i := 0; i < len(whole); i += 8 {
		slices.SortFunc(whole[i:i+8], descending)
		for j := range 2 {
			g := []float32{fours[i+j], fours[i+j+2], fours[i+j+4], fours[i+j+6]}
			slices.SortFunc(g, descending)
			for k, v := range g {
				fours[i+j+2*k] = v
			}
		}
	}
	near(t, "GroupSort 8", flat(out[3]), whole, 0)
	near(t, "GroupSort 4", flat(out[4]), fours, 0)
	// A reflected point has v·p > 0, so a second time it stays.
	y := tensors.FromValue(right[:4])
	angle := tensor(r, 4)
	twice := run(pure, func(in []*Node) []*Node {
		h := Householder(in[0], in[2])
		return []*Node{h, Householder(h, in[2])}
	}, x, y, angle)
	near(t, "Householder twice", flat(twice[1]), flat(twice[0]), 1e-5)
	for _, layer := range []Layer{Activation{}, Activation{Kind: "groupsort", Group: 4}, Activation{Kind: "abs"}} {
		isometry(t, layer.String(), func(x *Node) *Node { return layer.Apply(x, nil) }, tensor(r, 30, 8), tensor(r, 30, 8), false)
	}
}

func TestPools(t *testing.T) {
	x := tensors.FromFlatDataAndDimensions([]float32{3, 4, 0, 0, 0, 0, 2, 2}, 1, 2, 4, 1)
	near(t, "average", run1(pure, func(in []*Node) *Node { return AveragePool{2}.Apply(in[0], nil) }, x), []float32{7.0 / 4, 1}, 1e-6)
	near(t, "l2", run1(pure, func(in []*Node) *Node { return NormPool{2}.Apply(in[0], nil) }, x), []float32{5, float32(math.Sqrt(8))}, 1e-6)
	// Zeros have a finite gradient.
	near(t, "l2 of zeros", run1(pure, func(in []*Node) *Node { return Gradient(ReduceAllSum(NormPool{2}.Apply(in[0], nil)), in[0])[0] }, zeros(1, 2, 2, 1)), make([]float32, 4), 0)
}

// TestFourierConvolution: it is the circular convolution with a kernel as large as the image, of even and odd sides.
func TestFourierConvolution(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 16))
	for _, c := range []Geometry{{Size{4, 5}, Size{4, 5, 2}, 3, 1, false}, {Size{3, 6}, Size{3, 6, 3}, 1, 1, false}, {Size{1, 1}, Size{1, 1, 2}, 2, 1, false}, {Size{1, 2}, Size{1, 2, 1}, 1, 1, false}} {
		x, kernel := tensor(r, 1, c.In[0], c.In[1], c.In[2]), tensor(r, c.Kernel[0], c.Kernel[1], c.In[2], c.Out)
		want := times(convolutionMatrix(flat(kernel), c), flat(x))
		near(t, c.In.String(), run1(pure, func(in []*Node) *Node { return FourierConvolution(in[0], in[1]) }, x, kernel), want, 1e-4)
	}
}

// TestSOC: either way, the series of powers of the convolution's matrix, cut where asked; boundSOC holds for a kernel
// that isn't skew, too.
func TestSOC(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 17))
	for _, padding := range []string{Circular, Zero} {
		for _, terms := range []int{1, 2, 3, 4, 5, 10} {
			kernel := run(pure, func(in []*Node) []*Node { return []*Node{MulScalar(Sub(in[0], adjoint(in[0])), 0.2)} }, tensor(r, 3, 3, 3, 3))[0]
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
			near(t, padding, run1(pure, func(in []*Node) *Node { return SOC(in[0], in[1], 1, padding, terms) }, x, kernel), want, 1e-4)
			if terms == SOCTerms {
				c := Convolution{Kind: "soc", Kernel: 3, Channels: 3, Padding: padding}
				most := singular(t, sum)[0]
				if b := boundSOC(c, flat(kernel), g.In).Value(); b < most || b > 1.01*most {
					t.Errorf("%s: bound %v, norm %v", padding, b, most)
				}
				other := flat(kernel)
				other[5] += 0.01
				if b := boundSOC(c, other, g.In); b.Value() < 1.5 || b.Proof() != "exponential of the norm" {
					t.Errorf("%s: a kernel that isn't skew: %v", padding, b)
				}
			}
		}
	}
}

// isometry checks norms and distances of pairs; linear says that distances are kept too.
func isometry(t *testing.T, what string, f func(*Node) *Node, x, y *tensors.Tensor, linear bool) {
	t.Helper()
	out := run(pure, func(in []*Node) []*Node { return []*Node{f(in[0]), f(in[1])} }, x, y)
	a, b, fa, fb := flat(x), flat(y), flat(out[0]), flat(out[1])
	n := x.Shape().Dimensions[0]
	size := len(a) / n
	for i := range n {
		part := func(v []float32) []float32 { return v[i*size:][:size] }
		if d := norm(part(fa))/norm(part(a)) - 1; math.Abs(d) > 1e-6 {
			t.Errorf("%s %s: norm changed by %g", what, x.Shape(), d)
		}
		d := norm(minus(part(fa), part(fb)))/norm(minus(part(a), part(b))) - 1
		if d > 1e-6 || linear && d < -1e-6 {
			t.Errorf("%s %s: distance changed by %g", what, x.Shape(), d)
		}
	}
}

func TestSpaceToDepth(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	// 4×4, each entry 10·row + column: the first patch row by row.
	x := make([]float32, 16)
	for i := range x {
		x[i] = float32(i/4*10 + i%4)
	}
	got := run1(backend, func(in []*Node) *Node { return SpaceToDepth(in[0], 2) }, tensors.FromFlatDataAndDimensions(x, 1, 4, 4, 1))
	near(t, "SpaceToDepth", got, []float32{0, 1, 10, 11, 2, 3, 12, 13, 20, 21, 30, 31, 22, 23, 32, 33}, 0)
	for _, c := range []struct {
		by    int
		shape []int
	}{{2, []int{9, 4, 6, 3}}, {3, []int{9, 3, 9, 2}}, {1, []int{9, 2, 2, 2}}} {
		isometry(t, "SpaceToDepth", func(x *Node) *Node { return SpaceToDepth(x, c.by) }, tensor(r, c.shape...), tensor(r, c.shape...), true)
	}
	for _, shape := range [][]int{{1, 4, 5, 1}, {1, 5, 4, 1}, {4, 4}} {
		mustPanic(t, "lip.SpaceToDepth: can't cut", func() {
			run(backend, func(in []*Node) []*Node { return []*Node{SpaceToDepth(in[0], 2)} }, zeros(shape...))
		})
	}
}

// sizes of convolutions: odd and non-square images, more channels in than out and
// fewer, kernels as large as the image.
var sizes = []struct{ k, in, out, h, w int }{
	{1, 3, 2, 5, 4}, {3, 1, 4, 7, 7}, {3, 4, 2, 5, 9}, {3, 2, 2, 3, 3}, {5, 2, 3, 5, 8}, {3, 3, 3, 1, 6},
}

func TestConv(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for i, c := range sizes {
		for _, g := range []Geometry{{Stride: 1}, {Stride: 1, Zero: true}, {Stride: 2, Zero: true}, {Stride: 3, Zero: true}, {Stride: c.h}} {
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
					return append([]*Node{y}, Gradient(ReduceAllSum(MulScalar(Square(y), 0.5)), in[0], in[1])...)
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
					near(t, what+" of both backends", flat(a[i]), flat(b[i]), 1e-5*(1+norm(flat(b[i]))))
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
			run(pure, func(in []*Node) []*Node { return []*Node{Conv(in[0], in[1], Circular, 1)} }, zeros(c.image...), zeros(c.kernel...))
		})
	}
}

// times returns m·x.
func times(m mat.Matrix, x []float32) []float32 {
	v := mat.NewVecDense(len(x), nil)
	for i, f := range x {
		v.SetVec(i, float64(f))
	}
	var out mat.VecDense
	out.MulVec(m, v)
	y := make([]float32, out.Len())
	for i := range y {
		y[i] = float32(out.AtVec(i))
	}
	return y
}

// TestAdjoint: ⟨Wx, y⟩ = ⟨x, Wᵀy⟩.
func TestAdjoint(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, c := range sizes {
		for _, padding := range []string{Circular, Zero} {
			x, y, kernel := tensor(r, 1, c.h, c.w, c.in), tensor(r, 1, c.h, c.w, c.out), tensor(r, c.k, c.k, c.in, c.out)
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
