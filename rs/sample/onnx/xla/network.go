// Package xla runs the graph of an ONNX file on a GoMLX backend: XLA on the CPU or on CUDA. Noise
// is drawn and votes are counted there too. GoMLX's gradients make the network a target of attacks.
//
//	file, err := onnx.Load("resnet.onnx", onnx.Options{Mean: mean, Std: std})
//	network, err := xla.New(backend, file)
//	result, err := sample.Draw(ctx, backend, network, images, sample.Default(), "run")
//
// The package onnx-gomlx converts the graph. It knows fewer operators than ONNX Runtime does. New
// compares the logits with those of ONNX Runtime, so a graph that is converted wrongly is an error.
package xla

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	converted "github.com/gomlx/onnx-gomlx/onnx"
	devices "github.com/lipsmooth/lipsmooth/internal/backend"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
)

// A Network is the classifier of an ONNX file on a GoMLX backend. It is a [sample.Classifier] and a
// [sample.Network].
type Network struct {
	sample.Classifier
	graph     converted.Model
	variables *model.Store
	recipe    steps
}

// New converts the file of a classifier and compares some logits. Its errors are one line. They
// name the file and what can't be run: an operator, a denoiser, images that are run one by one,
// logits that differ from those of ONNX Runtime.
func New(b compute.Backend, c *onnx.Classifier) (n *Network, err error) {
	recipe, err := c.Recipe()
	if err == nil && recipe.OneByOne {
		err = errors.New("its images are run one by one")
	}
	if err != nil {
		return nil, fmt.Errorf("xla: %s: %w", c.Identity().Name, err)
	}
	n = &Network{Classifier: c, recipe: steps(recipe), variables: model.NewStore()}
	err = protect(func() error {
		if n.graph, err = convert(n.recipe.Path); err != nil {
			return err
		}
		defer n.graph.Close() // the files of weights
		if err := n.graph.VariablesToScope(n.variables.RootScope()); err != nil {
			return err
		}
		return n.compare(b, c)
	})
	if err != nil {
		return nil, fmt.Errorf("xla: %s: %w", filepath.Base(n.recipe.Path), explain(err))
	}
	return n, nil
}

// Variables holds the weights.
func (n *Network) Variables() *model.Store { return n.variables }

// Logits takes images, [batch, h, w, c] in [0, 1], to logits, [batch, classes]. A row of
// probabilities that don't sum to 1 becomes NaN.
func (n *Network) Logits(scope *model.Scope, images *Node) *Node {
	g := images.Graph()
	batch := images.Shape().Dimensions[0]
	x := n.recipe.input(images)
	y := n.graph.CallGraph(scope, g, map[string]*Node{n.recipe.Input: x}, n.recipe.Output)[0]
	y = Reshape(ConvertDType(y, dtypes.Float32), batch, -1)
	if n.recipe.Probabilities {
		return logarithms(y, n.recipe.Single)
	}
	if n.recipe.Single {
		y = Concatenate([]*Node{ZerosLike(y), y}, 1)
	}
	return y
}

// logarithms of probabilities, [batch, classes], or of p and 1-p, [batch, 1].
func logarithms(p *Node, single bool) *Node {
	if single {
		p = Concatenate([]*Node{OneMinus(p), p}, 1)
	}
	scalar := func(v float64) *Node { return Scalar(p.Graph(), p.DType(), v) }
	fine := LogicalAnd(GreaterOrEqual(ReduceAndKeep(p, ReduceMin, 1), scalar(0)),
		LessOrEqual(Abs(AddScalar(ReduceAndKeep(p, ReduceSum, 1), -1)), scalar(0.01)))
	d := p.Shape().Dimensions
	all := func(v float64) *Node { return BroadcastToDims(scalar(v), d...) }
	return Where(BroadcastToDims(fine, d...), Log(MaxScalar(p, onnx.LeastProbability)),
		all(math.NaN()))
}

// compared is how many images New compares logits on.
const compared = 4

// compare is an error where logits of hashed images aren't those of ONNX Runtime. Probabilities are
// compared themselves.
func (n *Network) compare(b compute.Backend, c *onnx.Classifier) error {
	size, classes := n.Shape()
	x := make([]float32, compared*size[0]*size[1]*size[2])
	r := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i] = r.Float32()
	}
	got, err := n.logits(b, tensors.FromFlatDataAndDimensions(slices.Clone(x), compared,
		size[0], size[1], size[2]))
	if err != nil {
		return err
	}
	if len(got) != compared*classes {
		return fmt.Errorf("%d logits of %d images and %d classes", len(got), compared, classes)
	}
	at, err := c.At(1)
	if err != nil {
		return err
	}
	want, err := at.Logits(x, compared)
	if err != nil {
		return err
	}
	worst, largest := 0.0, 1.0
	for i, w := range want {
		v, w := float64(got[i]), float64(w)
		if n.recipe.Probabilities {
			v, w = math.Exp(v), math.Exp(w)
		}
		largest = max(largest, math.Abs(w))
		if d := math.Abs(v - w); !(d <= worst) {
			worst = d
		}
	}
	if !(worst <= n.recipe.tolerance(b)*largest) {
		return fmt.Errorf("its outputs differ from those of ONNX Runtime by %.3g, and reach %.3g: "+
			"the graph isn't converted well", worst, largest)
	}
	return nil
}

// tolerance of outputs, relative to the largest, or to 1 where that is less.
func (r steps) tolerance(b compute.Backend) float64 {
	switch {
	case devices.Precision(b) != "":
		return 5e-2
	case r.Type == "float16":
		return 1e-2
	}
	return 1e-4
}

// logits of images, [n, h, w, c].
func (n *Network) logits(b compute.Backend, x *tensors.Tensor) (z []float32, err error) {
	defer x.FinalizeAll()
	exec, err := model.NewExec(b, n.variables, n.Logits)
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	out, err := exec.Call(x)
	if err != nil {
		return nil, err
	}
	defer out[0].FinalizeAll()
	return tensors.CopyFlatData[float32](out[0])
}
