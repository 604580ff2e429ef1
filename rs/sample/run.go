package sample

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Run samples the examples that have no row yet in the run's folder. After every row it calls each
// with the number of rows, unless each is nil. A stopped run continues where it stopped.
func (p *Sampler) Run(ctx context.Context, w *countlog.Writer, images Images,
	each func(done int)) (err error) {
	run := w.Run()
	defer func() {
		if closing := w.Sync(); err == nil {
			err = closing
		}
	}()
	var missing []int
	for index := range run.Examples.Indices() {
		if !w.Has(index) {
			missing = append(missing, index)
		}
	}
	err = p.draw(ctx, run, images, missing, func(e *rs.Evidence) error {
		if err := w.Append(e); err != nil {
			return err
		}
		if each != nil {
			each(w.Count())
		}
		return nil
	})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("sampling: stopped with %d of %d examples; the same command goes on from "+
			"there: %w", w.Count(), run.Examples.Count, ctx.Err())
	}
	return err
}

// draw draws the evidence of some examples of a run, and calls done with each, in their order.
func (p *Sampler) draw(ctx context.Context, run countlog.Run, images Images, indices []int,
	done func(*rs.Evidence) error) error {

	if made := p.made(); run.Block != p.settings.Block || run.Dataset.Classes != p.classes ||
		!slices.Equal(run.Edges(), p.settings.Edges) ||
		!slices.Equal(run.Scores, made.Scores) || run.Noise.Kind != made.Noise.Kind ||
		run.Noise.Steps != made.Noise.Steps {
		return fmt.Errorf("sample: the run is of blocks of %d, %d classes, %d margin bins, scores %v "+
			"and noise %+v; the sampler was made for other settings", run.Block, run.Dataset.Classes,
			run.MarginBins, run.Scores, run.Noise)
	}
	draws := request{
		Request: Request{Sigma: run.Sigma, N0: run.N0, N: run.N, Seed: run.Seed},
		stops:   run.Until.Stops,
	}
	if draws.stops != nil {
		rule, m, err := run.Ranger()
		if err != nil {
			return fmt.Errorf("sample: %w", err)
		}
		draws.settled = func(e *rs.Evidence) (bool, error) { return rule.Settled(e, m, run.Until.Alpha) }
	}
	blocks := (run.N0+run.Block-1)/run.Block + (run.N+run.Block-1)/run.Block
	draws.left = len(indices) * blocks
	size, _ := images.Shape()
	x := make([]float32, size[0]*size[1]*size[2])
	return p.sample(ctx, draws, func() (*example, error) {
		if len(indices) == 0 {
			return nil, nil
		}
		index := indices[0]
		indices = indices[1:]
		if err := images.Images(x, []int{index}); err != nil {
			return nil, err
		}
		return p.open(Example{x, index, images.Label(index)}, draws)
	}, done)
}

// made is what a run must say of the scores and noise that the sampler was made for.
func (p *Sampler) made() (r countlog.Run) {
	for _, m := range p.settings.Maps {
		r.Scores = append(r.Scores, m.String())
	}
	if g := p.settings.Grid; g != nil {
		r.Noise = GridNoise(g.Steps, g.sigma, p.values())
	}
	return r
}

// GridNoise is the record of noise on a grid in run.json, for this many steps and values of an
// image.
func GridNoise(steps int, sigma float64, values int) countlog.Noise {
	g := Grid{Steps: steps, sigma: sigma}
	return countlog.Noise{Kind: countlog.Discrete, Steps: steps, Rounding: g.Rounding(values)}
}

// OlderGridNoise is the record of older versions, which left out what float32 rounds off.
func OlderGridNoise(steps, values int) countlog.Noise {
	half := math.Sqrt(float64(values)) / float64(2*steps)
	return countlog.Noise{Kind: countlog.Discrete, Steps: steps, Rounding: half * (1 + 1e-12)}
}

// SettingsOf returns the settings of the sampler that a run is drawn with.
func SettingsOf(run countlog.Run) (s Settings, err error) {
	s = Settings{Block: run.Block, Edges: run.Edges(), Random: run.Model.Random}
	for _, text := range run.Scores {
		m, err := rs.ParseScoreMap(text)
		if err != nil {
			return s, fmt.Errorf("sample: %w", err)
		}
		s.Maps = append(s.Maps, m)
	}
	if run.Noise.Kind == countlog.Discrete {
		s.Grid, err = NewGrid(run.Noise.Steps, run.Sigma)
	}
	return s, err
}
