package lip

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// deep iterates a residual layer. The layer is a gradient step on ‖relu(Wᵀx + b)‖², so the
// iteration leads to an x where fewer units are active.
func deep(l Layer, in Size, w []*tensors.Tensor) *tensors.Tensor {
	x := tensor(rand.New(rand.NewPCG(2, 2)), append(Size{1}, in...)...)
	for range 10 {
		x = run(pure, func(v []*Node) []*Node {
			y := v[0]
			for range 20 {
				y = l.Apply(y, v[1:])
			}
			return []*Node{y}
		}, append([]*tensors.Tensor{x}, w...)...)[0]
	}
	return x
}

// jacobian is that of l at x, [1, in…]: [outputs, inputs].
func jacobian(l Layer, in Size, w []*tensors.Tensor, x *tensors.Tensor) *mat.Dense {
	out := must(l.Out(in))
	n := out.Entries()
	g := run(pure, func(v []*Node) []*Node {
		x := BroadcastToDims(v[0], append(Size{n}, in...)...)
		y := Reshape(l.Apply(x, v[1:]), n, n)
		return Gradient(ReduceAllSum(Mul(y, identity(y, n))), x)
	}, append([]*tensors.Tensor{x}, w...)...)
	return matrix(g[0], n, in.Entries())
}

// A layerCase is a layer on an input of this size. A layer that claims to be orthogonal has
// singular values near 1, as many as the smaller side.
type layerCase struct {
	layer      Layer
	in         Size
	orthogonal bool
}

// trainedLayers are all layers, and all kinds of them, at odd sizes, paddings and strides.
var trainedLayers = []layerCase{
	{Dense{Units: 1}, Size{1}, true},
	{Dense{Units: 64}, Size{64}, true},
	{Dense{Units: 16}, Size{49}, true},
	{Dense{Units: 49}, Size{16}, true},
	{Dense{Kind: "cayley", Units: 31}, Size{31}, true},
	{Dense{Kind: "cayley", Units: 16}, Size{49}, true},
	{Dense{Kind: "cayley", Units: 49}, Size{16}, true},
	{Dense{Kind: "bro", Units: 31}, Size{31}, true},
	{Dense{Kind: "bro", Units: 16}, Size{49}, true},
	{Dense{Kind: "aol", Units: 17}, Size{31}, false},
	{Dense{Kind: "spectral", Units: 17}, Size{31}, false},
	{Dense{Kind: "normalised", Units: 10}, Size{31}, false},
	{Dense{Kind: "free", Units: 10}, Size{31}, false},
	{Sandwich{17}, Size{31}, false},
	{Sandwich{31}, Size{17}, false},
	{Convolution{Kind: "bcop", Kernel: 1, Channels: 4}, Size{3, 5, 6}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 8}, Size{7, 7, 4}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 4}, Size{5, 9, 8}, true},
	{Convolution{Kind: "bcop", Kernel: 5, Channels: 2}, Size{6, 5, 1}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 6, Stride: 2}, Size{6, 4, 4}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 8, Stride: 3}, Size{3, 9, 1}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 8, Groups: 2}, Size{5, 7, 4}, true},
	{Convolution{Kind: "bcop", Kernel: 3, Channels: 4, Padding: Zero}, Size{7, 5, 4}, false},
	{Convolution{Kind: "rko", Kernel: 3, Channels: 6}, Size{5, 7, 3}, false},
	{Convolution{Kind: "rko", Kernel: 3, Channels: 6, Stride: 2, Padding: Zero}, Size{5, 7, 3},
		false},
	{Convolution{Kind: "rko", Kernel: 3, Channels: 7, Stride: 3}, Size{6, 9, 1}, true},
	{Convolution{Kind: "cayley", Kernel: 3, Channels: 5}, Size{5, 7, 5}, true},
	{Convolution{Kind: "cayley", Kernel: 3, Channels: 6}, Size{6, 4, 3}, true},
	{Convolution{Kind: "cayley", Kernel: 1, Channels: 5, Stride: 2}, Size{6, 4, 3}, true},
	{Convolution{Kind: "bro", Kernel: 3, Channels: 5}, Size{5, 7, 5}, true},
	{Convolution{Kind: "bro", Kernel: 3, Channels: 4, Stride: 2, Groups: 2}, Size{6, 8, 2}, true},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 5}, Size{5, 7, 5}, true},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 2}, Size{7, 5, 5}, true},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 5, Padding: Zero}, Size{7, 5, 3}, true},
	{Convolution{Kind: "soc", Kernel: 3, Channels: 5, Stride: 2}, Size{6, 8, 1}, true},
	{Convolution{Kind: "aol", Kernel: 1, Channels: 5}, Size{3, 5, 3}, false},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 8}, Size{7, 7, 4}, false},
	{Convolution{Kind: "aol", Kernel: 5, Channels: 3}, Size{5, 7, 3}, false},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 6, Stride: 3}, Size{3, 9, 2}, false},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 4, Padding: Zero}, Size{7, 5, 2}, false},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 4, Padding: Zero, Stride: 2}, Size{7, 5, 4},
		false},
	{Convolution{Kind: "aol", Kernel: 3, Channels: 6, Groups: 3}, Size{5, 7, 3}, false},
	{Convolution{Kind: "spectral", Kernel: 3, Channels: 4}, Size{7, 5, 2}, false},
	{Convolution{Kind: "spectral", Kernel: 5, Channels: 4, Padding: Zero, Stride: 3}, Size{7, 8, 2},
		false},
	{Convolution{Kind: "free", Kernel: 3, Channels: 4, Padding: Zero, Stride: 2}, Size{9, 7, 2},
		false},
	{Affine{Kernel: 3}, Size{7, 5, 4}, false},
	{Affine{Kernel: 3, Padding: Zero}, Size{7, 5, 4}, false},
	{Residual{Kernel: 1, Inner: 3}, Size{3, 5, 2}, false},
	{Residual{Kernel: 3, Inner: 3}, Size{7, 7, 4}, false},
	{Residual{Kernel: 3, Inner: 2}, Size{5, 9, 4}, false},
	{Residual{Kernel: 3, Inner: 2, Padding: Zero}, Size{5, 7, 3}, false},
	{Residual{Kernel: 1, Inner: 20}, Size{17}, false},
	{Residual{Kind: "cpl", Kernel: 3, Inner: 8}, Size{7, 5, 4}, false},
	{Residual{Kind: "cpl", Kernel: 3, Inner: 6, Padding: Zero}, Size{5, 7, 3}, false},
	{Residual{Kind: "cpl", Kernel: 1, Inner: 20}, Size{17}, false},
	{Activation{}, Size{5, 3, 6}, true},
	{Activation{Kind: "groupsort", Group: 5}, Size{3, 3, 10}, true},
	{Activation{Kind: "groupsort"}, Size{7}, true},
	{Activation{Kind: "householder"}, Size{5, 3, 6}, true},
	{Activation{Kind: "abs"}, Size{5, 3, 3}, true},
	{Activation{Kind: "beta-abs"}, Size{5, 3, 3}, true},
	{Activation{Kind: "relu"}, Size{5, 3, 3}, false},
	{Centring{}, Size{5, 3, 3}, true},
	{Centring{}, Size{7}, true},
	{SpatialShift{}, Size{5, 3, 9}, true},
	{SpatialShift{}, Size{1, 2, 4}, true},
	{NormPool{3}, Size{9, 3, 3}, true},
	{AveragePool{3}, Size{9, 3, 3}, false},
	{Depth{3}, Size{9, 3, 3}, true},
	{Flat{}, Size{5, 3, 3}, true},
}

// TestTrainedLayers is the common test of every layer, and writes its table.
func TestTrainedLayers(t *testing.T) {
	var table strings.Builder
	const row = "//\t%-46v %-7v %8.5f %8.5f %8.5f\n"
	fmt.Fprintf(&table, strings.ReplaceAll(row, ".5f", "s"), "layer", "in", "smallest", "largest",
		"bound")
	for _, c := range trainedLayers {
		least, most, bound := c.test(t)
		fmt.Fprintf(&table, row, c.layer, c.in, least, most, bound)
	}
	t.Log("\n" + table.String())
	documented(t, table.String())
}

// test trains the layer and takes the smallest and the largest singular value of its Jacobian,
// where the layer is steepest. The bound holds, and it is tight.
func (c layerCase) test(t *testing.T) (least, most, bound float64) {
	t.Helper()
	w := must(Trained(pure, c.layer, c.in, 50))
	bound = c.layer.Bound(w, c.in).Value()
	slope, at := 0.0, zeros(append(Size{1}, c.in...)...)
	if !isLinear(c.layer) {
		var err error
		if slope, at, err = Observed(pure, c.layer.Apply, w, c.in, 40); err != nil {
			t.Fatal(err)
		}
	}
	s := singular(t, jacobian(c.layer, c.in, w, at))
	if _, ok := c.layer.(Residual); ok {
		if d := singular(t, jacobian(c.layer, c.in, w, deep(c.layer, c.in, w))); d[0] > s[0] {
			s = d
		}
	}
	least, most = s[len(s)-1], s[0]
	// The device rounds to float32, so its matrix may be longer than the exact one.
	if !(most <= bound*(1+2e-6) && slope <= bound*(1+1e-5) && bound <= 1.02*most) {
		t.Errorf("%v on %v: bound %v, largest singular value %v, slope %v",
			c.layer, c.in, bound, most, slope)
	}
	if c.orthogonal && least < 0.95 {
		t.Errorf("%v on %v: smallest singular value %v", c.layer, c.in, least)
	}
	return least, most, bound
}

var update = flag.Bool("update", false, "write the table of layers to doc.go")

// documented compares a table with the table of doc.go, numbers to 0.02, as another processor
// trains a little differently.
func documented(t *testing.T, table string) {
	t.Helper()
	text := string(must(os.ReadFile("doc.go")))
	start := strings.Index(text, "//\tlayer")
	end := start + strings.Index(text[start:], "//\n")
	if *update {
		if err := os.WriteFile("doc.go", []byte(text[:start]+table+text[end:]), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, got := strings.Fields(text[start:end]), strings.Fields(table)
	if len(want) != len(got) {
		t.Fatalf("doc.go has a table of %d words, the layers make %d: "+
			"go test -run TrainedLayers -update", len(want), len(got))
	}
	for i := range got {
		a, notA := strconv.ParseFloat(got[i], 64)
		b, notB := strconv.ParseFloat(want[i], 64)
		if notA == nil && notB == nil && math.Abs(a-b) <= 0.02 {
			continue
		}
		if got[i] != want[i] {
			t.Errorf("doc.go has %s, not %s, in the table of layers: "+
				"go test -run TrainedLayers -update", want[i], got[i])
		}
	}
}
