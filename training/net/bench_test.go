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

// BenchmarkTraining is the throughput of training steps, batch 128, of the small conv net (28×28×1, width 12), all of it unconstrained
// but the layer named, which stands at both of its places. The fastest step counts; ratio is the median of that to the unconstrained net, whose steps
// take turns with its own, so that other load falls on both.
func BenchmarkTraining(b *testing.B) {
	const batch, classes = 128, 10
	conv := func(channels int) lip.Layer { return lip.Convolution{Kind: "free", Kernel: 3, Channels: channels} }
	dense := func(units int) lip.Layer { return lip.Dense{Kind: "free", Units: units} }
	activation := func(int) lip.Layer { return lip.Activation{} }
	network := func(conv, dense, activation func(int) lip.Layer) []lip.Layer {
		return []lip.Layer{
			lip.Depth{By: 2}, conv(12), activation(12), lip.Depth{By: 2}, conv(24), activation(24), lip.Flat{},
			dense(96), activation(96), dense(96), activation(96), lip.Dense{Kind: "free", Units: classes},
		}
	}
	type named struct {
		name   string
		layers []lip.Layer
	}
	cases := []named{{"unconstrained", network(conv, dense, activation)}}
	convolution := func(name string, c lip.Convolution) {
		cases = append(cases, named{"conv=" + name, network(func(channels int) lip.Layer { c.Kernel, c.Channels = 3, channels; return c }, dense, activation)})
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
			cases = append(cases, named{"dense=" + kind, network(conv, func(units int) lip.Layer { return lip.Dense{Kind: kind, Units: units} }, activation)})
		}
	}
	cases = append(cases, named{"dense=sandwich", network(conv, func(units int) lip.Layer { return lip.Sandwich{Units: units} }, activation)})
	second := func(l lip.Layer) []lip.Layer { // the same shape on either side of a residual layer
		layers := network(conv, dense, activation)
		layers[4] = l
		return layers
	}
	cases = append(cases,
		named{"residual=free", second(conv(48))}, named{"residual=affine", second(lip.Affine{Kernel: 3})},
		named{"residual=sll", second(lip.Residual{Kernel: 3, Inner: 24})}, named{"residual=cpl", second(lip.Residual{Kind: "cpl", Kernel: 3, Inner: 24})})
	activate := func(name string, a lip.Activation) {
		cases = append(cases, named{"activation=" + name, network(conv, dense, func(int) lip.Layer { return a })})
	}
	for _, kind := range lip.Activations() {
		if kind != "maxmin" {
			activate(kind, lip.Activation{Kind: kind})
		}
	}
	activate("groupsort,4", lip.Activation{Kind: "groupsort", Group: 4})
	for name, pool := range map[string]lip.Layer{"average": lip.AveragePool{By: 2}, "l2": lip.NormPool{By: 2}} {
		layers := network(conv, dense, activation)
		layers[3] = pool
		cases = append(cases, named{"pool=" + name, layers})
	}
	r := rand.New(rand.NewPCG(1, 1))
	images := normal(r, batch, 28, 28, 1)
	labels := make([]int32, batch)
	for i := range labels {
		labels[i] = int32(i % classes)
	}
	trainer := func(b *testing.B, layers []lip.Layer) (step func() time.Duration, done func()) {
		n, err := Of(lip.Size{28, 28, 1}, layers...)
		if err != nil {
			b.Fatal(err)
		}
		store := model.NewStore()
		store.SetParam(model.ParamInitialSeed, int64(1))
		adam := optimizer.Adam().LearningRate(1e-3).Done()
		exec, err := model.NewExec(backend, store, func(scope *model.Scope, images, labels *Node) *Node {
			store.SetTraining(images.Graph(), true)
			z := n.Logits(images, n.Effective(scope.In("model"), images.Graph()))
			loss := ReduceAllMean(Square(Sub(z, OneHot(labels, classes, z.DType()))))
			adam.UpdateGraph(scope, images.Graph(), loss)
			return loss
		})
		if err != nil {
			b.Fatal(err)
		}
		step = func() time.Duration {
			began := time.Now()
			out, err := exec.Call(images, tensors.FromFlatDataAndDimensions(labels, batch))
			if err != nil {
				b.Fatal(err)
			}
			tensors.MustCopyFlatData[float32](out[0])
			return time.Since(began)
		}
		step() // compiles
		return step, exec.Finalize
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			own, done := trainer(b, c.layers)
			defer done()
			other, done := trainer(b, cases[0].layers)
			defer done()
			fastest, ratios := time.Hour, []float64{}
			for b.Loop() {
				step := own()
				fastest = min(fastest, step)
				ratios = append(ratios, other().Seconds()/step.Seconds())
			}
			slices.Sort(ratios)
			b.ReportMetric(batch/fastest.Seconds(), "images/s")
			b.ReportMetric(ratios[len(ratios)/2], "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}
