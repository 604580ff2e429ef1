package attack

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// Search looks for the smallest perturbation of each image at which a classifier is wrong. It runs
// DDN with every loss, then PGD in the ball of DDN's perturbation. From each perturbation it seeks
// the boundary along the ray. Draws that nothing else sees judge the result.
type Search struct {
	Steps, Samples, Restarts int
	Losses                   []Loss
	Trial                    int     // draws that find the boundary along a ray
	Draws                    int     // draws of a judgement
	Level                    float64 // of all judgements of an image: what is found is no mistake, with probability 1 - Level at least
	Box                      bool    // images stay in [0, 1]
}

// Found is the smallest perturbation of an image that was judged to make the classifier wrong.
type Found struct {
	Radius       float64   // its l2 norm, rounded up; 0 where the image itself is misclassified, +Inf where none was found
	Attack       string    // what found it, "start" for one of those given; empty at 0 and +Inf
	Class        int       // the class that has more votes than the label there; -1 at +Inf
	Draws        int       // that judged
	Score        float64   // mean of (1 + h_class - h_label)/2 over them, rounded down
	Lower        float64   // the lower bound on its expectation, over ½
	Perturbation []float32 // [h, w, c], estimated to end at the boundary; nil where no attack reached it
	Image        []float32 // [h, w, c], that was judged, at Radius from the image; nil at +Inf
}

// outward are the steps beyond the estimated boundary, in σ, at which it is judged.
var outward = []float64{0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.9}

// onward is the factor by which, without noise, the first of these steps goes beyond the boundary.
const onward = 1.001

func (a Search) check(b Batch, starts [][]float32, within []float64) error {
	if len(a.Losses) == 0 || a.Trial < 1 || !(0 < a.Level && a.Level < 1) {
		return fmt.Errorf("attack: search with %d losses, %d draws along a ray, level %v; need one at least of each, and a level between 0 and 1", len(a.Losses), a.Trial, a.Level)
	}
	for _, d := range starts {
		if len(d) != len(b.Images) {
			return fmt.Errorf("attack: %d values to start from for %d of images", len(d), len(b.Images))
		}
	}
	if within != nil && len(within) != len(b.Labels) {
		return fmt.Errorf("attack: %d certified radii for %d images", len(within), len(b.Labels))
	}
	return nil
}

// search is a search in progress.
type search struct {
	Search
	ctx    context.Context
	t      *Target
	b      Batch
	s      Smoothed
	seed   uint64
	random stream
	best   []float32 // perturbations, [batch, h, w, c]
	radius []float64 // estimate of where they meet the boundary
	by     []string
	judged int
	found  []Found
}

// Smallest searches. It also begins at starts, perturbations, [batch, h, w, c] each, for example of
// another classifier. Where within, [batch], isn't nil, PGD is judged at these radii too, where
// they are positive: the radii of certificates.
func (a Search) Smallest(ctx context.Context, t *Target, b Batch, s Smoothed, starts [][]float32, within []float64, seed uint64) ([]Found, error) {
	if err := a.check(b, starts, within); err != nil {
		return nil, err
	}
	n := len(b.Labels)
	w := &search{Search: a, ctx: ctx, t: t, b: b, s: s, seed: seed, random: stream{seed, ""}.in("search"),
		best: make([]float32, len(b.Images)), radius: make([]float64, n), by: make([]string, n), found: make([]Found, n)}
	for i := range n {
		w.radius[i], w.found[i] = math.Inf(1), Found{Radius: math.Inf(1), Class: -1}
	}
	if err := w.judge(b.Images, nil); err != nil {
		return nil, err
	}
	for _, d := range starts {
		if err := w.consider(d, "start"); err != nil {
			return nil, err
		}
	}
	if err := w.descend(); err != nil {
		return nil, err
	}
	if err := w.climb(); err != nil {
		return nil, err
	}
	for _, step := range outward {
		to := w.beyond(step)
		if slices.Max(to) == 0 {
			break
		}
		if err := w.judge(along(b, w.best, to, a.Box), w.by); err != nil {
			return nil, err
		}
	}
	if within != nil {
		if err := w.within(within); err != nil {
			return nil, err
		}
	}
	for i := range w.found {
		if !math.IsInf(w.radius[i], 1) {
			w.found[i].Perturbation = w.best[i*t.values():][:t.values()]
		}
	}
	return w.found, nil
}

// descend runs DDN from the best perturbations so far.
func (w *search) descend() error {
	for _, l := range w.Losses {
		norm := make([]float64, len(w.radius))
		for i, r := range w.radius {
			if norm[i] = r; !(r > 1e-30 && r < math.MaxFloat32) {
				norm[i] = 1
			}
		}
		ddn := DDN{Steps: w.Steps, Samples: w.Samples, Restarts: w.Restarts, StepSize: 0.5, Change: 0.05, Loss: l, Box: w.Box}
		found, err := ddn.Perturb(w.ctx, w.t, w.b, w.s, norm, w.best, w.seed)
		if err != nil {
			return err
		}
		for _, d := range found {
			if err := w.consider(d, ddn.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// pgd is PGD of a loss.
func (w *search) pgd(l Loss) PGD {
	return PGD{Steps: w.Steps, Samples: w.Samples, Restarts: w.Restarts, StepSize: 0.5, Loss: l, Box: w.Box}
}

// climb runs PGD in the balls that the best perturbations so far reach.
func (w *search) climb() error {
	for _, l := range w.Losses {
		radius := make([]float64, len(w.radius))
		for i, r := range w.radius {
			if !math.IsInf(r, 1) {
				radius[i] = r
			}
		}
		d, err := w.pgd(l).Perturb(w.ctx, w.t, w.b, w.s, radius, w.best, w.seed)
		if err != nil {
			return err
		}
		if err := w.consider(d, w.pgd(l).String()); err != nil {
			return err
		}
	}
	return nil
}

// consider keeps perturbations that meet the boundary nearer than the best so far.
func (w *search) consider(d []float32, by string) error {
	at, err := w.t.boundary(w.ctx, w.b, w.s, d, w.radius, w.Box, w.Trial, w.random.in("ray"))
	if err != nil {
		return err
	}
	size := w.t.values()
	for i, r := range at {
		if r < w.radius[i] {
			w.radius[i], w.by[i] = r, by
			copy(w.best[i*size:][:size], d[i*size:][:size])
		}
	}
	return nil
}

// beyond is how far along the best perturbations to judge. It is 0 where there is nothing to find.
func (w *search) beyond(step float64) []float64 {
	to := make([]float64, len(w.radius))
	for i, r := range w.radius {
		if !math.IsInf(r, 1) && math.IsInf(w.found[i].Radius, 1) {
			to[i] = r*onward + step*w.s.Sigma
			if w.s.Sigma == 0 {
				to[i] = r * (1 + step*(onward-1)/outward[0])
			}
		}
	}
	return to
}

// judge judges perturbed images, and keeps those nearer than the best so far. The argument by names
// the attack.
func (w *search) judge(perturbed []float32, by []string) error {
	number := w.judged
	w.judged++
	verdicts, err := w.t.Judge(w.ctx, perturbed, w.b.Labels, w.s, w.Draws, w.seed, number)
	if err != nil {
		return err
	}
	level, size := w.Level/float64(2+len(outward)), w.t.values()
	for i, norm := range Norms(perturbed, w.b.Images, size) {
		v := verdicts[i]
		if norm >= w.found[i].Radius || !v.Wrong(level) {
			continue
		}
		score, _ := v.Sample.Mean()
		w.found[i] = Found{Radius: norm, Class: v.Class, Draws: v.Sample.N, Score: score, Lower: v.Lower(level), Image: slices.Clone(perturbed[i*size:][:size])}
		if by != nil {
			w.found[i].Attack = by[i]
		}
	}
	return nil
}

// within judges the better of PGD's perturbations in balls of these radii.
func (w *search) within(radius []float64) error {
	var best []float32
	var over []float64
	by := make([]string, len(radius))
	for k, l := range w.Losses {
		d, err := w.pgd(l).Perturb(w.ctx, w.t, w.b, w.s, radius, w.best, w.seed)
		if err != nil {
			return err
		}
		x := along(w.b, d, Norms(d, make([]float32, len(d)), w.t.values()), w.Box)
		mean, err := w.t.votes(w.ctx, x, w.s, w.Trial, w.random.in("within"))
		if err != nil {
			return err
		}
		if k == 0 {
			best, over = x, make([]float64, len(radius))
		}
		for i, y := range w.b.Labels {
			if _, v := rival(mean[i], y); k == 0 || v > over[i] {
				over[i], by[i] = v, w.pgd(l).String()
				copy(best[i*w.t.values():][:w.t.values()], x[i*w.t.values():][:w.t.values()])
			}
		}
	}
	return w.judge(best, by)
}
