package cli

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// draws says how much to sample.
type draws struct {
	sigma  float64
	images int // 0 is every one
	tuning int // images outside those, for the temperature
	n0, n  int
	seed   uint64
	scores []string // maps whose scores of all classes are logged
	grid   bool     // noise on the images' own grid
	until  until    // zero draws n of every image
	shard  shard    // zero draws every image
}

// until is when an image's draws end early.
type until struct {
	rule, method string
	alpha, tau   float64 // tau is negative where it is to be chosen
}

// check names the first flag that is out of range.
func (u until) check(changed func(flag string) bool) error {
	if u.rule == "" {
		for _, flag := range []string{"method", "alpha", "tau"} {
			if changed(flag) {
				return fmt.Errorf("--%s says what --until asks about, and there is no --until; certify has flags of its own", flag)
			}
		}
		return nil
	}
	if _, err := rs.ParseRule(u.rule); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	if err := cmp.Or(checkTau(changed, u.tau), checkAlpha(u.alpha)); err != nil {
		return err
	}
	// With no run yet: whether the method can be asked at all.
	of := countlog.Run{Model: countlog.Model{Lambda: 1}, Until: countlog.Until{Rule: u.rule, Method: u.method}}
	if _, _, err := of.Ranger(); err != nil {
		return fmt.Errorf("--method: %w", err)
	}
	return nil
}

// firstStop draws are the least that an image gets, growth is how many times as many it gets by the next stop.
const firstStop, stopGrowth = 100, 1.5

// of is the rule of a run of n draws, in blocks.
func (u until) of(n, block int) countlog.Until {
	rule, _ := rs.ParseRule(u.rule) // checked
	return countlog.Until{Rule: rule.String(), Method: u.method, Alpha: u.alpha, Tau: max(0, u.tau), Stops: rs.Stops(firstStop, block, n, stopGrowth)}
}

// check names the first flag that is out of range.
func (s draws) check() error {
	if err := checkSigma(s.sigma); err != nil {
		return err
	}
	for _, f := range []struct {
		flag         string
		value, least int
	}{{"images", s.images, 0}, {"tuning", s.tuning, 0}, {"n0", s.n0, 1}, {"n", s.n, 1}} {
		if err := checkLeast(f.flag, f.value, f.least); err != nil {
			return err
		}
	}
	return nil
}

var errNoTuning = errors.New("all images leave none to choose a temperature on: sample fewer, or give --tuning 0")

// plans are the images of a run and others, to choose a temperature on.
func (s draws) plans(size int) (run, tuning countlog.Plan, err error) {
	run = countlog.Every(size)
	if s.images > 0 {
		run = countlog.Spread(size, s.images)
	}
	if s.tuning == 0 {
		return run, tuning, nil
	}
	if run.Stride < 2 {
		return run, tuning, errNoTuning
	}
	// Halfway between the images of the run.
	start := run.Start + run.Stride/2
	between := (size - start + run.Stride - 1) / run.Stride
	count := min(s.tuning, between)
	return run, countlog.Plan{Start: start, Stride: between / count * run.Stride, Count: count}, nil
}
