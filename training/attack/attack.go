// Package attack finds the empirical end of the gap. It looks for small perturbations (l2) at which
// a classifier is wrong, with or without smoothing by Gaussian noise. A perturbation bounds the
// robust radius of an image from above. A certificate bounds the radius from below.
//
//	run, err := certify.Open("run")
//	result, err := attack.Run(ctx, backend, attack.Job{
//		Run: run, Classifier: model, Images: mnist.Test, Config: attack.Default(), Dir: "run"})
//	result.Table(certify.Default().Radii).WriteText(os.Stdout)
//
// The threat model is the l2 ball around the image in all of R^d, as for certificates. Box keeps
// the perturbed image in [0, 1] as well. That is a weaker attack.
//
// Every draw is a function of the seed, its purpose and its position. The images of a batch share
// the draws of a step, so the result for an image doesn't depend on the others. Draws that judge
// are apart from draws that attack.
package attack

import (
	"context"
	"fmt"
	"math"
)

// An Attack looks for small perturbations at which a classifier is wrong. The perturbations are
// guesses. A [Search] moves each to the boundary and judges it by fresh draws.
type Attack interface {
	// String is the attack's name in the log.
	fmt.Stringer
	// Perturb returns one batch of perturbations or more, [batch, h, w, c] each. It searches at the
	// norms radius, [batch], which are +Inf for images without a known perturbation. It begins at
	// the perturbations start, [batch, h, w, c], which may be nil. It doesn't change start.
	Perturb(ctx context.Context, t *Target, p Problem, radius []float64,
		start []float32) ([][]float32, error)
	// Bounded reports whether no norm exceeds its radius. A bounded attack also runs at the radii
	// of certificates.
	Bounded() bool
}

// Makers make the attacks of a run, in their order. A new attack is a file and a line here.
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

// Effort has the settings that all attacks of a search share.
type Effort struct {
	Steps, Restarts int
	Samples         int  // draws a gradient
	Box             bool // images stay in [0, 1]
}

// Attacks returns the attack of each of [Makers] with each loss.
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
	Sigma float64 // standard deviation of the noise, 0 for the network itself
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

// checkBegin returns an error where a search can't begin at these norms and perturbations.
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

// ascent is the start of one restart of an attack.
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
