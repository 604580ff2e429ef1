package sample_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/pjrt"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// Blocks leave nothing behind: no device buffer even with the garbage collector off, nor anything
// on Go's heap. A tensor kept of each block would be some 500 bytes of heap, and a buffer of a
// device.
func TestMemoryIsFlat(t *testing.T) {
	const sigma, block, slack = 0.25, 10, 64 << 10
	grid, err := sample.NewGrid(sample.GridSteps(sigma), sigma)
	if err != nil {
		t.Fatal(err)
	}
	onEach(t, func(t *testing.T, backend compute.Backend) {
		for name, s := range map[string]sample.Settings{
			"votes":   {Block: block},
			"margins": {Block: block, Edges: edges},
			"scores": {Block: block, Edges: edges, Maps: []rs.ScoreMap{{Name: "softmax", T: 1},
				{Name: "sparsemax", T: 2}}},
			"discrete": {Block: block, Edges: edges, Grid: grid},
		} {
			t.Run(name, func(t *testing.T) {
				defer debug.SetGCPercent(debug.SetGCPercent(-1))
				p := newSampler(t, backend, dense(nil), s)
				x := make([]float32, values) // on any grid
				draw := func(blocks int) (buffers int64, heap uint64) {
					for index := range 5 {
						if _, err := p.Evidence(example(x, index, 0), ask(sigma, 5*block, blocks/5*block,
							1)); err != nil {
							t.Fatal(err)
						}
					}
					buffers = pjrt.BuffersAlive()
					runtime.GC()
					runtime.GC() // of what the first let go of
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					return buffers, m.HeapAlloc
				}
				draw(50)
				fewBuffers, few := draw(50)
				manyBuffers, many := draw(500)
				t.Logf("heap %d bytes after 50 blocks, %d after 500 more; %d and %d device buffers", few, many,
					fewBuffers, manyBuffers)
				if many > few+slack {
					t.Errorf("the heap grew from %d to %d bytes", few, many)
				}
				if manyBuffers > fewBuffers {
					t.Errorf("%d device buffers grew to %d", fewBuffers, manyBuffers)
				}
			})
		}
	})
}
