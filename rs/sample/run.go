package sample

import (
	"context"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Images gives examples: a dataset.
type Images interface {
	Images(dst []float32, indices []int) error
	Label(i int) int
	Size() int
}

// Run samples the examples of a run that its folder has no row of yet, and calls each after every
// row with the number of rows there are. A stopped run goes on where it stopped.
func (p *Sampler) Run(ctx context.Context, w *countlog.Writer, images Images, each func(done int)) (err error) {
	defer func() {
		if closing := w.Sync(); err == nil {
			err = closing
		}
	}()
	run := w.Run()
	x := make([]float32, images.Size())
	for index := range run.Examples.Indices() {
		if w.Has(index) {
			continue
		}
		if stop := ctx.Err(); stop != nil {
			return fmt.Errorf("sampling: stopped with %d of %d examples; the same command goes on from there: %w", w.Count(), run.Examples.Count, stop)
		}
		if err := images.Images(x, []int{index}); err != nil {
			return err
		}
		var e *rs.Evidence
		if caught := exceptions.TryCatch[error](func() {
			e, err = p.Evidence(x, index, images.Label(index), run.Sigma, run.N0, run.N, run.Seed)
		}); caught != nil {
			err = fmt.Errorf("sample: example %d: %w", index, caught)
		}
		if err != nil {
			return err
		}
		if err := w.Append(e); err != nil {
			return err
		}
		each(w.Count())
	}
	return nil
}

func shape(t dtypes.DType, dimensions ...int) shapes.Shape { return shapes.Make(t, dimensions...) }

func zeros(g *Graph, dimensions ...int) *Node { return Zeros(g, shape(dtypes.Int32, dimensions...)) }
