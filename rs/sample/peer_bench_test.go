package sample_test

import (
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/peers"
)

// BenchmarkPeerNet reports the rate of noisy predictions of the net that lipsmooth bench measures
// beside other libraries. An op is the evidence of one example.
func BenchmarkPeerNet(b *testing.B) {
	for _, backend := range backends(b) {
		b.Run(backend.Name(), func(b *testing.B) {
			o, err := peers.NewOurs(backend, peers.NewNet(1, peers.Side), 100, 1)
			if err != nil {
				b.Fatal(err)
			}
			defer o.Close()
			draws := 0
			for b.Loop() {
				n, err := o.Evidence()
				if err != nil {
					b.Fatal(err)
				}
				draws += n
			}
			b.ReportMetric(float64(draws)/b.Elapsed().Seconds(), "draws/s")
		})
	}
}
