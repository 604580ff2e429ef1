// Package attack finds the empirical end of the gap. It looks for small perturbations (l2) at which
// a classifier is wrong, with or without smoothing by Gaussian noise. A perturbation bounds the
// robust radius of an image from above; a certificate bounds it from below.
//
//	run, err := certify.Open("run")
//	result, err := attack.Run(ctx, backend, attack.Job{
//		Run: run, Classifier: model, Images: mnist.Test, Config: attack.Default(), Dir: "run"})
//	result.Table(certify.Default().Radii).WriteText(os.Stdout)
//
// The threat model is the l2 ball around the image in all of R^d, as for certificates. Box keeps
// the perturbed image in [0, 1] as well. That is a weaker attack.
//
// Every draw is a function of the seed, its purpose and numbers. The images of a batch share the
// draws of a step, so the result for an image doesn't depend on the others. Draws that judge are
// apart from draws that attack.
package attack

import (
	"context"
	"fmt"
	"math"
)

// An Attack looks for small perturbations at which a classifier is wrong. What it returns is a
// guess: a [Search] moves each perturbation to the boundary, and judges it by draws of its own.
type Attack interface {
	// String is the attack's name in the log.
	fmt.Stringer
	// Perturb returns one batch of perturbations or more, [batch, h, w, c] each. The norms to search
	// at are radius, [batch]; +Inf stands for an image of which none is known yet. The perturbations
	// start, [batch, h, w, c], to begin with, may be nil. They aren't changed.
	Perturb(ctx context.Context, t *Target, p Problem, radius []float64,
		start []float32) ([][]float32, error)
	// Bounded reports whether no norm exceeds its radius. The attack is run at the radii of
	// certificates then, too.
	Bounded() bool
}

// Makers make the attacks of a run, in the order in which they are run. A new attack is a file and
// a line here.
var Makers = []func(Effort, Loss) Attack{
	func(e Effort, l Loss) Attack {
		return DDN{Steps: e.Steps, Samples: e.Samples, Restarts: e.Restarts, StepSize: 0.5,
			Change: 0.05, Loss: l, Box: e.Box}
	},
	func(e Effort, l Loss) Attack {
		return PGD{Steps: e.Steps, Samples: e.Samples, Restarts: e.Restarts, StepSize: 0.5,
			Loss: l, Box: e.Box}
	},
}

// Effort is what all attacks of a search have in common.
type Effort struct {
	Steps, Restarts int
	Samples         int  // draws a gradient
	Box             bool // images stay in [0, 1]
}

// Attacks are those of [Makers], each by every loss.
func (e Effort) Attacks(losses ...Loss) (all []Attack) {
	for _, of := range Makers {
		for _, l := range losses {
			all = append(all, of(e, l))
		}
	}
	return all
}

// Smoothing says which classifier is attacked: arg max_c E h_c(x + σZ), where h_c is the vote for
// class c.
type Smoothing struct {
	Sigma float64 // standard deviation of the noise; 0 is the network itself
	// Tau is the temperature of soft votes, h_c = clip(1/2 + m_c/(2τ), 0, 1), where m_c is the
	// margin of c in logits. 0 is the hard vote: 1 for the class of the largest logit.
	Tau float64
}

// Batch is images, [batch, h, w, c], and their classes.
type Batch struct {
	Images []float32
	Labels []int
}

// Problem is images to attack under a classifier.
type Problem struct {
	Batch
	Smoothing
	Seed uint64
}

// checkBegin says why a search can't begin at these norms and perturbations, or nil.
func (p Problem) checkBegin(radius []float64, start []float32) error {
	if len(radius) != len(p.Labels) {
		return fmt.Errorf("attack: %d radii for %d images", len(radius), len(p.Labels))
	}
	for i, r := range radius {
		if !(r >= 0 && r <= math.MaxFloat32 || math.IsInf(r, 1)) {
			return fmt.Errorf("attack: radius %v of image %d: must be at least 0, and +Inf where none "+
				"is known", r, i)
		}
	}
	if start != nil && len(start) != len(p.Images) {
		return fmt.Errorf("attack: %d values to start from for %d of images", len(start),
			len(p.Images))
	}
	return nil
}

// ascent is what one restart of an attack begins with.
type ascent struct {
	Problem
	radius []float64 // [batch]
	begin  []float32 // perturbations, [batch, h, w, c]
	random stream
}

// ascent is the start of a restart. The first begins at start, or at 0 where start is nil, the
// others at a random place in the ball.
func (p Problem) ascent(name string, radius []float64, start []float32, restart int) ascent {
	random := stream{p.Seed, ""}.in(name)
	d := make([]float32, len(p.Images))
	if restart == 0 {
		copy(d, start)
	} else {
		u := random.in("begin", restart).direction(len(d) / len(radius))
		for i := range d {
			d[i] = float32(radius[i/len(u)] * u[i%len(u)] * 0.99)
		}
	}
	return ascent{p, radius, d, random.in("restart", restart)}
}
