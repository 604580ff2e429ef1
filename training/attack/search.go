package attack

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// Search looks for the smallest perturbation of each image at which a classifier is wrong. It runs
// the attacks in their order, each from the best perturbation and at the smallest radius so far. It
// then seeks the boundary along each perturbation. Fresh draws judge the result.
type Search struct {
	Attacks []Attack
	Trial   int // draws that find the boundary along a ray
	Draws   int // draws of a judgement
	// Level bounds the probability that a judgement of an image is mistaken.
	Level float64
	Box   bool // images stay in [0, 1]
}

// Finding is the smallest perturbation of an image that was judged to make the classifier wrong.
type Finding struct {
	// Radius is the l2 norm, rounded up. It is 0 for a misclassified image and +Inf where no attack
	// succeeded.
	Radius float64
	Attack string  // its name, or "start" for a given perturbation; empty at 0 and +Inf
	Class  int     // the class that has more votes than the label there; -1 at +Inf
	Draws  int     // that judged
	Score  float64 // mean of (1 + h_class - h_label)/2 over them, rounded down
	Lower  float64 // the lower bound on its expectation, over ½
	// Perturbation, [h, w, c], ends near the boundary. It is nil where no attack reached the
	// boundary.
	Perturbation []float32
	Image        []float32 // [h, w, c], that was judged, at Radius from the image; nil at +Inf
}

// outward are the steps beyond the estimated boundary, in σ, at which it is judged.
var outward = []float64{0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.9}

// onward is the factor by which, without noise, the first of these steps goes beyond the boundary.
const onward = 1.001

func (a Search) check(b Batch, starts [][]float32, certified []float64) error {
	if len(a.Attacks) == 0 || a.Trial < 1 || !(0 < a.Level && a.Level < 1) {
		return fmt.Errorf("attack: search by %d attacks, %d draws along a ray, level %v; need one at "+
			"least of each, and a level between 0 and 1", len(a.Attacks), a.Trial, a.Level)
	}
	for _, d := range starts {
		if len(d) != len(b.Images) {
			return fmt.Errorf("attack: %d values to start from for %d of images", len(d), len(b.Images))
		}
	}
	if certified != nil && len(certified) != len(b.Labels) {
		return fmt.Errorf("attack: %d certified radii for %d images", len(certified), len(b.Labels))
	}
	return nil
}

// search is a search in progress.
type search struct {
	Search
	ctx    context.Context
	t      *Target
	p      Problem
	random stream
	best   []float32 // perturbations, [batch, h, w, c]
	radius []float64 // estimate of where they meet the boundary
	by     []string
	judged int
	found  []Finding
}

// Smallest searches. It also begins at the perturbations starts, [batch, h, w, c] each, for example
// of another classifier. The radii of certificates, certified, [batch], may be nil. Otherwise
// Search also runs the bounded attacks at the positive radii.
func (a Search) Smallest(ctx context.Context, t *Target, p Problem, starts [][]float32,
	certified []float64) ([]Finding, error) {

	if err := a.check(p.Batch, starts, certified); err != nil {
		return nil, err
	}
	n := len(p.Labels)
	w := &search{Search: a, ctx: ctx, t: t, p: p, random: stream{p.Seed, ""}.in("search"),
		best: make([]float32, len(p.Images)), radius: make([]float64, n), by: make([]string, n),
		found: make([]Finding, n)}
	for i := range n {
		w.radius[i], w.found[i] = math.Inf(1), Finding{Radius: math.Inf(1), Class: -1}
	}
	if err := w.judge(p.Images, nil); err != nil {
		return nil, err
	}
	for _, d := range starts {
		if err := w.consider(d, "start"); err != nil {
			return nil, err
		}
	}
	for _, x := range a.Attacks {
		found, err := x.Perturb(ctx, t, p, w.radius, w.best)
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if err := w.consider(d, x.String()); err != nil {
				return nil, err
			}
		}
	}
	for _, step := range outward {
		to := w.beyond(step)
		if slices.Max(to) == 0 {
			break
		}
		if err := w.judge(along(p.Batch, w.best, to, a.Box), w.by); err != nil {
			return nil, err
		}
	}
	if certified != nil {
		if err := w.within(certified); err != nil {
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

// consider keeps perturbations that meet the boundary nearer than the best so far.
func (w *search) consider(d []float32, by string) error {
	at, err := w.boundary(d)
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

// halvings is the number of halvings in the search for the boundary along a ray. Without noise
// there are more, as only rounding limits the search.
func (s Smoothing) halvings() int {
	if s.Sigma == 0 {
		return 20
	}
	return 8
}

// boundary estimates how far along its perturbation each image stops being the label's. It looks up
// to twice the perturbation's norm, and up to the smallest radius so far. The result is +Inf where
// the image doesn't stop. The draws are the same at every place.
func (w *search) boundary(d []float32) ([]float64, error) {
	low, high := make([]float64, len(w.radius)), Norms(d, make([]float32, len(d)), w.t.values())
	for i := range high {
		high[i] = min(2*high[i], w.radius[i])
	}
	at := slices.Clone(high)
	for halving := range w.p.halvings() + 1 {
		moved := along(w.p.Batch, d, at, w.Box)
		mean, err := w.t.votes(w.ctx, moved, w.p.Smoothing, w.Trial, w.random.in("ray"))
		if err != nil {
			return nil, err
		}
		for i, y := range w.p.Labels {
			switch _, over := rival(mean[i], y); {
			case over > 0:
				high[i] = at[i]
			case halving == 0: // never
				high[i] = math.Inf(1)
			default:
				low[i] = at[i]
			}
			if !math.IsInf(high[i], 1) {
				at[i] = low[i] + (high[i]-low[i])/2
			}
		}
	}
	return high, nil
}

// beyond is how far along the best perturbations to judge. It is 0 where there is nothing to find.
func (w *search) beyond(step float64) []float64 {
	to := make([]float64, len(w.radius))
	for i, r := range w.radius {
		if !math.IsInf(r, 1) && math.IsInf(w.found[i].Radius, 1) {
			to[i] = r*onward + step*w.p.Sigma
			if w.p.Sigma == 0 {
				to[i] = r * (1 + step*(onward-1)/outward[0])
			}
		}
	}
	return to
}

// judge judges perturbed images, and keeps each that is nearer than the best so far. The argument
// by names the attack.
func (w *search) judge(perturbed []float32, by []string) error {
	jury := Jury{Draws: w.Draws, Seed: w.p.Seed, Number: w.judged}
	w.judged++
	verdicts, err := w.t.Judge(w.ctx, Batch{perturbed, w.p.Labels}, w.p.Smoothing, jury)
	if err != nil {
		return err
	}
	level, size := w.Level/float64(2+len(outward)), w.t.values()
	for i, norm := range Norms(perturbed, w.p.Images, size) {
		v := verdicts[i]
		if norm >= w.found[i].Radius || !v.Wrong(level) {
			continue
		}
		score, _ := v.Sample.Mean()
		w.found[i] = Finding{Radius: norm, Class: v.Class, Draws: v.Sample.N, Score: score,
			Lower: v.Lower(level), Image: slices.Clone(perturbed[i*size:][:size])}
		if by != nil {
			w.found[i].Attack = by[i]
		}
	}
	return nil
}

// within judges the best of the bounded attacks' perturbations in balls of these radii.
func (w *search) within(radius []float64) error {
	var best []float32
	over, by, size := make([]float64, len(radius)), make([]string, len(radius)), w.t.values()
	for _, a := range w.Attacks {
		if !a.Bounded() {
			continue
		}
		found, err := a.Perturb(w.ctx, w.t, w.p, radius, w.best)
		if err != nil {
			return err
		}
		for _, d := range found {
			x := along(w.p.Batch, d, Norms(d, make([]float32, len(d)), size), w.Box)
			mean, err := w.t.votes(w.ctx, x, w.p.Smoothing, w.Trial, w.random.in("within"))
			if err != nil {
				return err
			}
			first := best == nil
			if first {
				best = slices.Clone(x)
			}
			for i, y := range w.p.Labels {
				if _, v := rival(mean[i], y); first || v > over[i] {
					over[i], by[i] = v, a.String()
					copy(best[i*size:][:size], x[i*size:][:size])
				}
			}
		}
	}
	if best == nil {
		return nil
	}
	return w.judge(best, by)
}
