package export_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/prove"
)

// What is proved from a file is within 1% of what is proved from the layers that it was written
// from. The bound of a file of prototypes is sound, and larger.
func TestProved(t *testing.T) {
	for name, n := range networks(t) {
		t.Run(name, func(t *testing.T) {
			weights := random(t, n)
			path := filepath.Join(t.TempDir(), "model.onnx")
			write(t, path, n, weights)
			own := lip.Chain{Layers: n.Layers, Weights: weights, Sizes: n.Sizes()}.Prove()
			start := time.Now()
			p, err := prove.File(path, prove.Options{})
			if err != nil {
				t.Fatal(err)
			}
			want, got := own.Composed.Value(), p.Lambda.Value()
			t.Logf("Λ %.5f from the file, %.5f from the layers, %.1f s", got, want,
				time.Since(start).Seconds())
			// Minima and maxima over planes are bounded all together there, not plane by plane.
			if loose := strings.HasPrefix(name, "prototypes"); !loose && got > 1.01*want {
				t.Errorf("Λ = %g, not %g", got, want)
			}
		})
	}
}
