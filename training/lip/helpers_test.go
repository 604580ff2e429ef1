package lip

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/gomlx/backends/default"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training/device"
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

func floats(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
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

// backend is the machine's best, pure the pure-Go one; they may be of one kind.
var backend, pure compute.Backend

func TestMain(m *testing.M) {
	var err error
	backend, _, err = device.Open(context.Background(), device.Options{Quiet: true})
	if err != nil {
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
	none := make([]float32, Size(dimensions).Entries())
	return tensors.FromFlatDataAndDimensions(none, dimensions...)
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

// isometry checks that f keeps norms and doesn't stretch the distances of pairs. It returns the
// smallest ratio of distances.
func isometry(t *testing.T, what string, f func(*Node) *Node, x, y *tensors.Tensor) float64 {
	t.Helper()
	out := run(pure, func(in []*Node) []*Node { return []*Node{f(in[0]), f(in[1])} }, x, y)
	a, b, fa, fb := flat(x), flat(y), flat(out[0]), flat(out[1])
	n := x.Shape().Dimensions[0]
	size := len(a) / n
	least := math.Inf(1)
	for i := range n {
		part := func(v []float32) []float32 { return v[i*size:][:size] }
		if d := norm(part(fa))/norm(part(a)) - 1; math.Abs(d) > 1e-6 {
			t.Errorf("%s %s: norm changed by %g", what, x.Shape(), d)
		}
		d := norm(minus(part(fa), part(fb))) / norm(minus(part(a), part(b)))
		if d > 1+1e-6 {
			t.Errorf("%s %s: distance grew by a factor of %g", what, x.Shape(), d)
		}
		least = min(least, d)
	}
	return least
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
