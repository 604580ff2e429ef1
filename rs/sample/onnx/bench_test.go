package onnx

import (
	"fmt"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"testing"
)

// BenchmarkBatch is inference alone, of 400 images a call, by images a run.
func BenchmarkBatch(b *testing.B) {
	for _, batch := range []int{1, 2, 4, 8, 16, 32, 64, 200} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			m := open(b, "testdata/bench.onnx", Options{Batch: batch})
			const n = 400
			x := testImages(n, m.Size)
			for b.Loop() {
				if _, err := m.Logits(x, n); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

// BenchmarkEvidence is a run's draws of an ONNX file, noise and counting included.
func BenchmarkEvidence(b *testing.B) {
	m := open(b, "testdata/bench.onnx", Options{})
	s, err := sample.NewOnHost(m, m.Size, m.Classes, sample.Settings{Block: 100,
		Edges: countlog.Edges(8, countlog.DefaultMarginBins)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	x := testImages(1, m.Size)
	const n = 4000
	for b.Loop() {
		if _, err := s.Evidence(sample.Example{Image: x, Index: 0},
			sample.Request{Sigma: 0.25, N0: 100, N: n, Seed: 1}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((n+100)*b.N)/b.Elapsed().Seconds(), "draws/s")
}
