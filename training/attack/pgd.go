package attack

import (
	"cmp"
	"context"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// PGD is projected gradient ascent in the l2 ball of a given radius (Madry et al. 2018), through
// the mean over the noise (Salman et al. 2019). Each gradient is that of a loss over fresh draws.
type PGD struct {
	Steps    int
	Samples  int     // draws a gradient
	Restarts int     // the first from the start given, the others from a random place in the ball
	StepSize float64 // of the first step, in radii; falls linearly to 0
	Loss     Loss
	Box      bool // images stay in [0, 1]
}

func (p PGD) String() string { return "pgd " + p.Loss.String() }

func (p PGD) check() error {
	if p.Steps < 1 || p.Samples < 1 || p.Restarts < 1 || !(p.StepSize > 0) || p.StepSize > 1e6 || p.Loss == nil {
		return fmt.Errorf("attack: PGD of %d steps, %d samples, %d restarts, step size %v, loss %v: all must be positive", p.Steps, p.Samples, p.Restarts, p.StepSize, p.Loss)
	}
	return nil
}

// Perturb returns perturbations, [batch, h, w, c], of norms at most radius, [batch]. Of all
// restarts it returns the one with the most votes for another class, by draws of its own. The
// perturbations start, to begin with, may be nil.
func (p PGD) Perturb(ctx context.Context, t *Target, b Batch, s Smoothed, radius []float64, start []float32, seed uint64) ([]float32, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := cmp.Or(t.check(b, s), checkBegin(b, radius, 0, start)); err != nil {
		return nil, err
	}
	random := stream{seed, ""}.in(p.String())
	var best []float32
	var score []float64
	for restart := range p.Restarts {
		begin := begin(b, radius, start, random, restart)
		d, err := p.climb(ctx, t, b, s, radius, begin, random.in("restart", restart))
		if err != nil {
			return nil, err
		}
		if p.Restarts == 1 {
			return d, nil
		}
		mean, err := t.votes(ctx, along(b, d, Norms(d, make([]float32, len(d)), t.values()), p.Box), s, p.Samples*4, random.in("choice"))
		if err != nil {
			return nil, err
		}
		if best == nil {
			best, score = d, make([]float64, len(b.Labels))
			for i := range score {
				score[i] = math.Inf(-1)
			}
		}
		for i, y := range b.Labels {
			if _, v := rival(mean[i], y); v > score[i] {
				score[i] = v
				copy(best[i*t.values():][:t.values()], d[i*t.values():][:t.values()])
			}
		}
	}
	return best, nil
}

// climb takes all steps of one restart.
func (p PGD) climb(ctx context.Context, t *Target, b Batch, s Smoothed, radius []float64, begin []float32, random stream) ([]float32, error) {
	x, y, r := t.images(b.Images), labels(b.Labels), lengths(radius)
	d := t.images(begin)
	defer func() { finalize(x, y, r, d) }()
	for step := range p.Steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rate := p.StepSize * (1 - float64(step)/float64(p.Steps))
		out, err := t.call([3]any{"pgd", p.Loss, p.Box}, func(see func(*Node) *Node, _ *Node, in []*Node) []*Node {
			x, d, label, r, rate := in[0], in[1], oneHot(in[2], t.classifier.Classes), Reshape(in[3], -1, 1, 1, 1), in[4]
			g := unit(Gradient(ReduceAllSum(p.Loss.Of(see(Add(x, d)), ExpandAxes(label, 1))), d)[0])
			return []*Node{project(x, Add(d, Mul(g, Mul(r, rate))), r, p.Box)}
		}, s, p.Samples, random.state(step), x, d, y, r, float32(rate))
		if err != nil {
			return nil, err
		}
		d.FinalizeAll()
		d = out[0]
	}
	return tensors.CopyFlatData[float32](d)
}

// project puts perturbations into the ball of radius r. With box it also puts x + d into [0, 1],
// which brings it nearer to x.
func project(x, d, r *Node, box bool) *Node {
	limit := MulScalar(r, inside)
	d = Mul(d, Div(limit, MaxScalar(Max(norm(d), limit), 1e-30)))
	if box {
		d = Sub(ClipScalar(Add(x, d), 0, 1), x)
	}
	return d
}

// checkBegin says why a search can't begin at these lengths and perturbations, or nil.
func checkBegin(b Batch, lengths []float64, least float64, start []float32) error {
	if len(lengths) != len(b.Labels) {
		return fmt.Errorf("attack: %d radii for %d images", len(lengths), len(b.Labels))
	}
	for i, r := range lengths {
		if !(r >= least && r <= math.MaxFloat32) {
			return fmt.Errorf("attack: radius %v of image %d: must be finite and at least %v", r, i, least)
		}
	}
	if start != nil && len(start) != len(b.Images) {
		return fmt.Errorf("attack: %d values to start from for %d of images", len(start), len(b.Images))
	}
	return nil
}

// begin returns where a restart begins: at start, at 0 where start is nil, or at a random place in
// the ball.
func begin(b Batch, radius []float64, start []float32, random stream, restart int) []float32 {
	d := make([]float32, len(b.Images))
	if restart == 0 {
		copy(d, start)
		return d
	}
	u := random.in("begin", restart).direction(len(d) / len(radius))
	for i := range d {
		d[i] = float32(radius[i/len(u)] * u[i%len(u)] * 0.99)
	}
	return d
}

func finalize(all ...*tensors.Tensor) {
	for _, t := range all {
		t.FinalizeAll()
	}
}
