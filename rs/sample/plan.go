package sample

import (
	"errors"
	"fmt"
	"math"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// A Plan says how a run is sampled. [Default] has the usual one.
type Plan struct {
	Sigma  float64 // standard deviation of the noise, images being in [0, 1]
	Images int     // so many, evenly spread over the split, or all of fewer; 0 is all
	Tuning int     // other images, to choose a temperature of soft votes on; 0 is none
	N0     int     // draws an image to select the class with
	N      int     // draws an image to estimate with
	Seed   uint64  // of the noise
	Block  int     // draws of one stream of random numbers
	// Batch blocks are drawn at once; 0 finds the best number in the first seconds of a long run. It
	// changes the rate alone.
	Batch int
	// Scores are maps by which the scores of all classes are logged.
	Scores []rs.ScoreMap
	// Noise is Gaussian, as float32 has it, or countlog.Discrete: exact on the grid of 8-bit images.
	// Empty is Gaussian.
	Noise string
	// Precision of the model's products: countlog.Float32, TF32 or BF16. Empty is float32. The
	// backend must have it.
	Precision string
	// Until ends an image's draws early; without a Rule there are N of each image. Stops are filled
	// in, and a negative Tau is chosen on the tuning images.
	Until countlog.Until
	// Shard is the part of the images to draw; of 0 shards, all of them. Examples are filled in.
	Shard countlog.Shard
	// Progress is told how far the run is, at its start and after every row; nil is nobody.
	Progress func(Progress)
}

// Progress is how far a run is.
type Progress struct {
	Sigma  float64
	Tuning bool // of the tuning images
	// Begun rows were there before, Done are there now, and Total are planned.
	Begun, Done, Total int
}

// Gaussian is the [Plan.Noise] that a device draws.
const Gaussian = "gaussian"

// Default is the usual plan.
func Default() Plan {
	return Plan{
		Sigma: 0.5, Images: 200, N0: 100, N: 10000, Seed: 1, Block: 100, Noise: Gaussian,
		Until: countlog.Until{Method: rs.DefaultMethod, Alpha: rs.DefaultAlpha, Tau: -1},
	}
}

// tuningDraws of the estimation draw are enough to choose a temperature.
const tuningDraws = 1000

// Of a draw that may end early: firstStop draws are the least that an image gets, and by the next
// stop it gets stopGrowth times as many.
const firstStop, stopGrowth = 100, 1.5

// Check names the first field that is out of range, by its name in lower case.
func (p Plan) Check() error {
	if !(1e-6 <= p.Sigma && p.Sigma <= 1e6) {
		return fmt.Errorf("sigma %v: must be positive, from 1e-6 to 1e6, images being in [0, 1]",
			p.Sigma)
	}
	for _, f := range []struct {
		name         string
		value, least int
	}{
		{"images", p.Images, 0}, {"tuning", p.Tuning, 0}, {"n0", p.N0, 1}, {"n", p.N, 1},
		{"block", p.Block, 1}, {"batch", p.Batch, 0},
	} {
		if f.value < f.least {
			return fmt.Errorf("%s %d: must be at least %d", f.name, f.value, f.least)
		}
	}
	if p.Noise != "" && p.Noise != Gaussian && p.Noise != countlog.Discrete {
		return fmt.Errorf("noise %s: known: %s, %s", p.Noise, Gaussian, countlog.Discrete)
	}
	if err := countlog.CheckPrecision(p.Precision); err != nil {
		return err
	}
	if s := p.Shard; s != (countlog.Shard{}) && !isShard(s) {
		return fmt.Errorf("shard %v: want I/N with 0 <= I < N <= %d", s, maxShards)
	}
	return p.checkUntil()
}

// checkUntil checks the rule with no run yet: whether its method can be asked at all.
func (p Plan) checkUntil() error {
	u := p.Until
	if u.Rule == "" {
		return nil
	}
	if _, err := rs.ParseRule(u.Rule); err != nil {
		return fmt.Errorf("until: %w", err)
	}
	if !(rs.MinAlpha <= u.Alpha && u.Alpha < 1) {
		return fmt.Errorf("alpha %v: must lie between %v and 1", u.Alpha, rs.MinAlpha)
	}
	if !(u.Tau <= math.MaxFloat64) {
		return fmt.Errorf("tau %v: must be finite, or negative to be chosen", u.Tau)
	}
	of := countlog.Run{Model: countlog.Model{Lambda: rs.Claim(1)}, Until: u}
	of.Until.Tau = max(0, u.Tau)
	if _, _, err := of.Ranger(); err != nil {
		return fmt.Errorf("method: %w", err)
	}
	if p.asksTau() && p.Shard.Of > 0 {
		return fmt.Errorf("until: %s asks for a temperature chosen on all tuning images, "+
			"and a shard has some of them: give tau", u.Method)
	}
	if p.asksTau() && p.Tuning == 0 {
		return fmt.Errorf("until: %s asks for a temperature: give tau, "+
			"or images to choose it on (tuning)", u.Method)
	}
	return nil
}

// soft reports whether the method that the rule asks about needs a temperature.
func (p Plan) soft() bool {
	if p.Until.Rule == "" {
		return false
	}
	of := countlog.Run{Model: countlog.Model{Lambda: rs.Claim(1)}, Until: p.Until}
	of.Until.Tau = -1
	_, _, err := of.Ranger()
	return err != nil
}

// asksTau reports whether the temperature is to be chosen before the run can begin.
func (p Plan) asksTau() bool { return p.Until.Tau < 0 && p.soft() }

// until is the rule of a run.
func (p Plan) until() countlog.Until {
	u := p.Until
	if u.Rule == "" {
		return countlog.Until{}
	}
	rule, _ := rs.ParseRule(u.Rule) // checked
	u.Rule, u.Tau = rule.String(), max(0, u.Tau)
	u.Stops = rs.Stops(firstStop, p.Block, p.N, stopGrowth)
	return u
}

// ErrNoTuning is of a run of all images that is to have tuning images as well.
var ErrNoTuning = errors.New("all images are sampled, which leaves none for tuning: " +
	"sample fewer, or set tuning to 0")

// examples are the images of a run, of a split of so many, and others for tuning.
func (p Plan) examples(size int) (run, tuning countlog.Plan, err error) {
	run = countlog.Every(size)
	if p.Images > 0 {
		run = countlog.Spread(size, p.Images)
	}
	if p.Tuning == 0 {
		return run, tuning, nil
	}
	if run.Count == size {
		return run, tuning, ErrNoTuning
	}
	if over := max(1, run.Over); run.Stride < 2*over {
		return run, countlog.Others(size, run.Count).Thin(p.Tuning), nil
	}
	// Halfway between the images of the run.
	start := run.Start + run.Stride/2
	between := (size*max(1, run.Over) - start + run.Stride - 1) / run.Stride
	count := min(p.Tuning, between)
	return run, countlog.Plan{Start: start, Stride: between / count * run.Stride, Over: run.Over,
		Count: count}, nil
}
