package sample_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// conv is the convolutional network of the MNIST runs with weights as they are drawn.
func conv(t testing.TB, backend compute.Backend) network {
	n, err := net.New(lip.Size{28, 28, 1}, 10, net.Setting{Architecture: "conv", Convolution: "aol",
		Width: 16})
	if err != nil {
		t.Fatal(err)
	}
	drawn := model.NewStore()
	if err := drawn.SetRNGStateFromSeed(1); err != nil {
		t.Fatal(err)
	}
	var counts []int
	flat, err := model.CallOnceN(backend, drawn, func(scope *model.Scope,
		g *graph.Graph) []*graph.Node {
		var flat []*graph.Node
		counts = nil
		for _, w := range n.Effective(scope, g) {
			counts = append(counts, len(w))
			flat = append(flat, w...)
		}
		return flat
	})
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	for i, w := range flat {
		w.MaterializeLocal()
		store.VariableWithValue(fmt.Sprintf("/w%d", i),
			tensors.FromFlatDataAndDimensions(tensors.MustCopyFlatData[float32](w), w.Shape().Dimensions...))
	}
	return network{
		store: store, size: [3]int{28, 28, 1}, classes: 10,
		logits: func(_ *model.Scope, x *graph.Node) *graph.Node {
			weights := make([][]*graph.Node, len(counts))
			next := 0
			for i, c := range counts {
				for range c {
					weights[i] = append(weights[i], store.GetVariable(fmt.Sprintf("/w%d",
						next)).NodeValue(x.Graph()))
					next++
				}
			}
			return n.Logits(x, weights)
		},
	}
}

// BenchmarkEvidence reports the rate of noisy predictions.
func BenchmarkEvidence(b *testing.B) {
	for _, backend := range backends(b) {
		c := conv(b, backend)
		x := make([]float32, 28*28)
		r := rand.New(rand.NewPCG(1, 2))
		for i := range x {
			x[i] = r.Float32()
		}
		n, batches := 4000, []int{1, 2, 4, 8}
		if backend.Name() != "xla" {
			n, batches = 500, []int{1, 2}
		}
		for _, batch := range batches {
			b.Run(fmt.Sprintf("%s/batch=%d", backend.Name(), batch), func(b *testing.B) {
				const block = 100
				s, err := sample.New(backend, c, sample.Settings{Block: block,
					Edges: countlog.Edges(8, countlog.DefaultMarginBins), Batch: batch})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				if _, err := s.Evidence(example(x, 0, 0), ask(0.5, block, block, 1)); err != nil {
					b.Fatal(err)
				}
				index := 0
				for b.Loop() {
					if _, err := s.Evidence(example(x, index, 0), ask(0.5, 100, n, 1)); err != nil {
						b.Fatal(err)
					}
					index++
				}
				b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "draws/s")
			})
		}
	}
}
