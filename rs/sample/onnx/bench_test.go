package onnx

import (
	"fmt"
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
