package export_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// composed is a network of five layers by chance, of an image of sides from 1 to 12 with up to 6
// channels, and the logits.
func composed(t *testing.T, seed uint64) *net.Network {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 9))
	some := func(n int) int { return 1 + r.IntN(n) }
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	in := lip.Size{some(12), some(12), some(6)}
	size := in
	var layers []lip.Layer
	for len(layers) < 5 {
		kernel, padding := 1+2*r.IntN(3), one("", lip.Circular, lip.Zero)
		all := []lip.Layer{
			lip.Activation{Kind: one(lip.Activations()...)},
			lip.Activation{Kind: "groupsort", Group: some(4)},
			lip.Affine{Kernel: kernel, Padding: padding},
			lip.AveragePool{By: some(3)},
			lip.Centring{},
			lip.Convolution{Kind: one(lip.Convolutions()...), Kernel: kernel, Channels: some(8),
				Padding: padding, Stride: some(3), Groups: some(3)},
			lip.Dense{Kind: one(lip.Denses()...), Units: some(12)},
			lip.Depth{By: some(3)},
			lip.NormPool{By: some(3)},
			lip.Residual{Kind: one(lip.Residuals()...), Kernel: kernel, Inner: some(6),
				Padding: padding},
			lip.Sandwich{Units: some(12)},
			lip.SpatialShift{},
		}
		if len(layers) > 1 {
			all = append(all, lip.Flat{})
		}
		l := all[r.IntN(len(all))]
		if out, err := l.Out(size); err == nil { // else it can't follow
			layers, size = append(layers, l), out
		}
	}
	n, err := net.Of(in, append(layers, lip.Flat{}, lip.Dense{Units: classes})...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Layers that follow each other by chance have, as a file, the logits that they have here: sides of
// 1 and odd ones, channels that shrink, and strides that leave a rest, among others.
func TestComposed(t *testing.T) {
	if _, err := onnx.Library(); err != nil {
		t.Skip(err)
	}
	pure, err := compute.NewWithConfig("go") // compiles nothing
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "composed.onnx")
	furthest := 0.0
	for seed := range uint64(60) {
		n := composed(t, seed)
		weights := random(t, n)
		write(t, path, n, weights)
		const few = 10
		x := images(few, n.In)
		m, err := onnx.Open(path, onnx.Options{Size: [3]int(n.In), Layout: onnx.NCHW})
		if err != nil {
			t.Fatalf("%v, %v: %v", n.In, n.Layers, err)
		}
		theirs, err := m.Logits(x, few)
		m.Close()
		if err != nil {
			t.Fatalf("%v, %v: %v", n.In, n.Layers, err)
		}
		most, _ := apart(t, ours(t, pure, n, weights, x), theirs)
		if !(most <= tolerance) {
			t.Errorf("%v, %v: logits are %g apart", n.In, n.Layers, most)
		}
		furthest = max(furthest, most)
	}
	t.Logf("%.2g apart at most", furthest)
}
