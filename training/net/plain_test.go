package net

import (
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/plain"
)

// Plain networks are built from their names alone, and nothing is proved of them.
func TestPlain(t *testing.T) {
	for name, in := range map[string]lip.Size{"lenet": {28, 28, 1}, "resnet20": {32, 32, 3}} {
		n, err := New(in, 10, Setting{Architecture: name})
		if err != nil {
			t.Fatal(err)
		}
		p := n.Prove(nil)
		if _, none := n.Bounds(nil); !n.Plain() || !IsPlain(name) || none != (lip.Bound{}) ||
			p.Pairs != nil || p.Composed != none || p.Product != none ||
			len(p.Layers) != len(n.Layers) || p.Composed.Constant().Known() {
			t.Errorf("%s: %+v", name, p)
		}
	}
	n, err := New(lip.Size{8, 8, 1}, 10, Setting{Architecture: "dense", Convolution: "aol", Width: 2})
	if err != nil || n.Plain() || IsPlain("dense") {
		t.Errorf("dense: %v", err)
	}
	for name, c := range map[string]struct {
		in      lip.Size
		classes int
		want    string
	}{
		"lenet":    {lip.Size{12, 12, 1}, 10, "lenet: layer 3: conv 5×5 50 (plain, no padding) needs"},
		"resnet20": {lip.Size{32, 32, 3}, 1, "at least 2 classes, not 1"},
	} {
		_, err := New(c.in, c.classes, Setting{Architecture: name})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if names := strings.Join(Names(), " "); names !=
		"conv dense lenet lipnext prototypes residual residual-affine resnet20 sandwich" {
		t.Error(names)
	}
}

// A chain with a layer of which nothing is proved has no bound, whatever the others have.
func TestUnprovedChain(t *testing.T) {
	w := tensors.FromFlatDataAndDimensions([]float32{1, 0, 0, 1}, 2, 2)
	dense := []*tensors.Tensor{w, tensors.FromFlatDataAndDimensions([]float32{0, 0}, 2)}
	p := lip.Chain{
		Layers:  []lip.Layer{lip.Dense{Units: 2}, plain.GlobalMean{}, lip.Dense{Units: 2}},
		Weights: [][]*tensors.Tensor{dense, nil, dense},
		Sizes:   []lip.Size{{2}, {1, 1, 2}, {2}},
	}.Prove()
	if none := (lip.Bound{}); p.Product != none || p.Composed != none || p.Pairs[0][1] < 1e300 {
		t.Errorf("%+v", p)
	}
}

// In training, layers that aren't plain and convolutions without a norm act as in use.
func TestTrain(t *testing.T) {
	pure, err := device.PureGo() // compiles nothing
	if err != nil {
		t.Fatal(err)
	}
	n, err := Of(lip.Size{8, 8, 1}, plain.Convolution{Kernel: 5, Channels: 3, Inside: true},
		plain.MaximumPool{By: 2}, lip.Flat{}, lip.Dense{Units: 3})
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 2*64)
	for i := range x {
		x[i] = float32(i%7) / 7
	}
	out, err := model.CallOnceN(pure, model.NewStore(), func(s *model.Scope, x *Node) []*Node {
		w := n.Effective(s, x.Graph())
		return []*Node{n.Logits(x, w), n.Train(s, x, w)}
	}, tensors.FromFlatDataAndDimensions(x, 2, 8, 8, 1))
	if err != nil {
		t.Fatal(err)
	}
	a, b := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
	for i := range a {
		if d := a[i] - b[i]; d > 1e-5 || d < -1e-5 {
			t.Errorf("logits %v in use, %v in training", a, b)
		}
	}
}
