package net

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// A benchCase is the small conv net with one kind of layer.
type benchCase struct {
	name   string
	layers []lip.Layer
}

const benchBatch, benchClasses = 128, 10

// benchCases are the small conv net (28×28×1, width 12), unconstrained but for the layer named,
// which stands at both of its places. The first is unconstrained everywhere.
func benchCases() []benchCase {
	type builder = func(int) lip.Layer
	conv := func(channels int) lip.Layer {
		return lip.Convolution{Kind: "free", Kernel: 3, Channels: channels}
	}
	dense := func(units int) lip.Layer { return lip.Dense{Kind: "free", Units: units} }
	activation := func(int) lip.Layer { return lip.Activation{} }
	network := func(conv, dense, activation builder) []lip.Layer {
		return []lip.Layer{
			lip.Depth{By: 2}, conv(12), activation(12), lip.Depth{By: 2}, conv(24), activation(24),
			lip.Flat{}, dense(96), activation(96), dense(96), activation(96),
			lip.Dense{Kind: "free", Units: benchClasses},
		}
	}
	cases := []benchCase{{"unconstrained", network(conv, dense, activation)}}
	add := func(name string, conv, dense, activation builder) {
		cases = append(cases, benchCase{name, network(conv, dense, activation)})
	}
	replace := func(name string, place int, l lip.Layer) {
		add(name, conv, dense, activation)
		cases[len(cases)-1].layers[place] = l
	}
	convolution := func(name string, c lip.Convolution) {
		add("conv="+name, func(channels int) lip.Layer {
			c.Kernel, c.Channels = 3, channels
			return c
		}, dense, activation)
	}
	for _, kind := range lip.Convolutions() {
		if kind != "free" {
			convolution(kind, lip.Convolution{Kind: kind})
		}
	}
	convolution("aol,zero", lip.Convolution{Kind: "aol", Padding: lip.Zero})
	convolution("soc,zero", lip.Convolution{Kind: "soc", Padding: lip.Zero})
	for _, kind := range lip.Denses() {
		if kind != "free" {
			layer := func(units int) lip.Layer { return lip.Dense{Kind: kind, Units: units} }
			add("dense="+kind, conv, layer, activation)
		}
	}
	sandwich := func(units int) lip.Layer { return lip.Sandwich{Units: units} }
	add("dense=sandwich", conv, sandwich, activation)
	// The second convolution's place, with the same shape on either side.
	replace("residual=free", 4, conv(48))
	replace("residual=affine", 4, lip.Affine{Kernel: 3})
	for _, kind := range lip.Residuals() {
		replace("residual="+kind, 4, lip.Residual{Kind: kind, Kernel: 3, Inner: 24})
	}
	activate := func(name string, a lip.Activation) {
		add("activation="+name, conv, dense, func(int) lip.Layer { return a })
	}
	for _, kind := range lip.Activations() {
		if kind != "maxmin" {
			activate(kind, lip.Activation{Kind: kind})
		}
	}
	activate("groupsort,4", lip.Activation{Kind: "groupsort", Group: 4})
	replace("pool=average", 3, lip.AveragePool{By: 2})
	replace("pool=l2", 3, lip.NormPool{By: 2})
	return cases
}

// trainingStep returns a training step of a network, which takes its own time, and a function that
// frees it.
func trainingStep(b *testing.B, layers []lip.Layer) (step func() time.Duration, done func()) {
	images := normal(rand.New(rand.NewPCG(1, 1)), benchBatch, 28, 28, 1)
	labels := make([]int32, benchBatch)
	for i := range labels {
		labels[i] = int32(i % benchClasses)
	}
	n, err := Of(lip.Size{28, 28, 1}, layers...)
	if err != nil {
		b.Fatal(err)
	}
	store := model.NewStore()
	store.SetParam(model.ParamInitialSeed, int64(1))
	adam := optimizer.Adam().LearningRate(1e-3).Done()
	exec, err := model.NewExec(backend, store,
		func(scope *model.Scope, images, labels *Node) *Node {
			store.SetTraining(images.Graph(), true)
			z := n.Logits(images, n.Effective(scope.In("model"), images.Graph()))
			loss := ReduceAllMean(Square(Sub(z, OneHot(labels, benchClasses, z.DType()))))
			adam.UpdateGraph(scope, images.Graph(), loss)
			return loss
		})
	if err != nil {
		b.Fatal(err)
	}
	step = func() time.Duration {
		began := time.Now()
		out, err := exec.Call(images, tensors.FromFlatDataAndDimensions(labels, benchBatch))
		if err != nil {
			b.Fatal(err)
		}
		tensors.MustCopyFlatData[float32](out[0])
		return time.Since(began)
	}
	step() // compiles
	return step, exec.Finalize
}

// BenchmarkTraining is the throughput of training steps. The fastest step counts. The ratio is the
// median of a step's rate to the unconstrained net's. The steps of both take turns, so that other
// load falls on both.
func BenchmarkTraining(b *testing.B) {
	cases := benchCases()
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			own, done := trainingStep(b, c.layers)
			defer done()
			other, done := trainingStep(b, cases[0].layers)
			defer done()
			fastest, ratios := time.Hour, []float64{}
			for b.Loop() {
				step := own()
				fastest = min(fastest, step)
				ratios = append(ratios, other().Seconds()/step.Seconds())
			}
			slices.Sort(ratios)
			b.ReportMetric(benchBatch/fastest.Seconds(), "images/s")
			b.ReportMetric(ratios[len(ratios)/2], "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}
