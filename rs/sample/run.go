package sample

import (
	"context"
	"fmt"
	"slices"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Images gives examples: a dataset.
type Images interface {
	Images(dst []float32, indices []int) error
	Label(i int) int
	Size() int // values an image
}

// Run samples the examples of a run that its folder has no row of yet, and calls each, where it isn't
// nil, after every row with the number of rows there are. A stopped run goes on where it stopped.
func (p *Sampler) Run(ctx context.Context, w *countlog.Writer, images Images, each func(done int)) (err error) {
	run := w.Run()
	if run.Block != p.settings.Block || run.Dataset.Classes != p.classifier.Classes || !slices.Equal(run.Edges(), p.settings.Edges) {
		return fmt.Errorf("sample: the run is of blocks of %d, %d classes and %d margin bins; the sampler was made for other settings", run.Block, run.Dataset.Classes, run.MarginBins)
	}
	defer func() {
		if closing := w.Sync(); err == nil {
			err = closing
		}
	}()
	x := make([]float32, images.Size())
	for index := range run.Examples.Indices() {
		if w.Has(index) {
			continue
		}
		if err := images.Images(x, []int{index}); err != nil {
			return err
		}
		e, err := p.evidence(ctx, x, index, images.Label(index), run.Sigma, run.N0, run.N, run.Seed)
		if err != nil && ctx.Err() != nil {
			return fmt.Errorf("sampling: stopped with %d of %d examples; the same command goes on from there: %w", w.Count(), run.Examples.Count, ctx.Err())
		}
		if err != nil {
			return err
		}
		if err := w.Append(e); err != nil {
			return err
		}
		if each != nil {
			each(w.Count())
		}
	}
	return nil
}
