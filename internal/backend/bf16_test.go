package backend_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/internal/backend"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// backends are XLA, where there is a plugin, and pure Go.
func backends(t *testing.T) (list []compute.Backend) {
	t.Setenv(compute.ConfigEnvVar, "")
	open := func(b compute.Backend, err error) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	open(device.PureGo())
	b, info, err := device.Open(t.Context(), device.Options{NoInstall: true, Log: t.Output()})
	if info.Name != "go" {
		open(b, err)
	}
	return list
}

// run is the value of a function on a backend.
func run(t *testing.T, b compute.Backend, f func(x, w *Node) *Node, x, w any) *tensors.Tensor {
	t.Helper()
	exec, err := NewExec(b, f)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Call(x, w)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// rounded is x as bfloat16, to the nearest, ties to even.
func rounded(x float32) float32 {
	bits := math.Float32bits(x)
	return math.Float32frombits((bits + 0x7fff + bits>>16&1) &^ 0xffff)
}

const side = 8

// numbers have 9 bits, two more than bfloat16, and all sums here are exact in float32.
func numbers() (x, w []float32) {
	for i := range side * side {
		x, w = append(x, 1+float32(i*37%256)/256), append(w, float32(i*11%7-3))
	}
	return x, w
}

// product is that of [side, side] matrices, of inputs as round has them.
func product(x, w []float32, round func(float32) float32) []float32 {
	y := make([]float32, side*side)
	for i := range y {
		for k := range side {
			y[i] += round(x[i/side*side+k]) * round(w[k*side+i%side])
		}
	}
	return y
}

// Inputs of each product are rounded, also those that are products, and sums aren't.
func TestBF16(t *testing.T) {
	x, w := numbers()
	want := product(product(x, w, rounded), w, rounded)
	square := func(v []float32) *tensors.Tensor {
		return tensors.FromFlatDataAndDimensions(append([]float32(nil), v...), side, side)
	}
	dots := func(x, w *Node) *Node { return DotProduct(DotProduct(x, w), w) }
	for _, plain := range backends(t) {
		b := backend.BF16(plain)
		if backend.Name(b) != backend.Name(plain) || backend.Precision(b) != "bf16" ||
			backend.Precision(plain) != "" {
			t.Errorf("%s, precision %q", backend.Name(b), backend.Precision(b))
		}
		for i, v := range tensors.MustCopyFlatData[float32](run(t, b, dots, square(x), square(w))) {
			if v != want[i] {
				t.Fatalf("%s: product %d is %v, want %v", b, i, v, want[i])
			}
		}
		// What one function gives, another one takes, with a function inside.
		once := run(t, b, func(x, w *Node) *Node { return Reshape(DotProduct(x, w), -1) }, square(x),
			square(w))
		sorted := run(t, b, func(x, _ *Node) *Node { return Sort(x, 0, true) }, once, once)
		if !slices.IsSorted(tensors.MustCopyFlatData[float32](sorted)) {
			t.Errorf("%s: %v", b, sorted)
		}
	}
}

// A convolution of 1×1 is a product, whose results may be rounded too.
func TestBF16Convolution(t *testing.T) {
	x, w := numbers()
	want := product(x, w, rounded)
	same := func(v float32) float32 { return v }
	if want[0] == product(x, w, same)[0] {
		t.Fatal("rounding changes nothing")
	}
	for _, plain := range backends(t) {
		b := backend.BF16(plain)
		y := run(t, b, func(x, w *Node) *Node { return Convolve(x, w).Done() },
			tensors.FromFlatDataAndDimensions(append([]float32(nil), x...), 1, side, 1, side),
			tensors.FromFlatDataAndDimensions(append([]float32(nil), w...), 1, 1, side, side))
		for i, v := range tensors.MustCopyFlatData[float32](y) {
			if v != want[i] && v != rounded(want[i]) {
				t.Fatalf("%s: value %d is %v, want %v", b, i, v, want[i])
			}
		}
	}
}
