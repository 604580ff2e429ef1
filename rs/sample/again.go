package sample

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Again draws some examples of a run once more, and calls each, where it isn't nil, after every
// example. Draws that can't be made again are an error: of a random model, or of another backend.
func (d *Drawer) Again(ctx context.Context, run countlog.Run, indices []int,
	each func(done int)) (again []rs.Evidence, err error) {

	if run.Model.Random {
		return nil, errors.New("the model answers by chance: no draw can be made again")
	}
	name, err := d.Backend(ctx)
	if err != nil {
		return nil, err
	}
	if name != run.Backend {
		return nil, fmt.Errorf("drawn on backend %s; this is %s, whose draws may differ: set "+
			"GOMLX_BACKEND", run.Backend, name)
	}
	p, err := d.sampler(ctx, run, 0)
	if err != nil {
		return nil, err
	}
	err = p.draw(ctx, run, d.Images, indices, func(e *rs.Evidence) error {
		if again = append(again, *e); each != nil {
			each(len(again))
		}
		return nil
	})
	return again, err
}

// Clean predicts some examples of a run without noise once more, and calls each, where it isn't
// nil, after every example. Another backend or processor may have other last bits.
func (d *Drawer) Clean(ctx context.Context, run countlog.Run, indices []int,
	each func(done int)) ([]rs.Clean, error) {

	p, err := d.sampler(ctx, run, 0)
	if err != nil {
		return nil, err
	}
	all := make([]rs.Clean, len(indices))
	x := make([]float32, d.values())
	for i, index := range indices {
		if err := cmp.Or(ctx.Err(), d.Images.Images(x, []int{index})); err != nil {
			return nil, err
		}
		z, err := p.runner.clean(x)
		if err == nil {
			all[i], err = p.settings.clean(x, z)
		}
		if err != nil {
			return nil, fmt.Errorf("sample: example %d: %w", index, err)
		}
		if each != nil {
			each(i + 1)
		}
	}
	return all, nil
}

// CheckMarginMax is an error where the histograms of a run don't end where this model's do. The
// last bits of a proof may differ between processors.
func (d *Drawer) CheckMarginMax(ctx context.Context, run countlog.Run) error {
	if run.MarginBins == 0 {
		return nil
	}
	want, err := d.marginMax(ctx, run)
	if err == nil && !(math.Abs(run.MarginMax/want-1) <= 0x1p-20) {
		err = fmt.Errorf("margin_max: %v, but of this model it is %v", run.MarginMax, want)
	}
	return err
}
