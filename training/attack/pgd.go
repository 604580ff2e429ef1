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
// An image without a known radius stays unchanged. PGD returns the restart with the most votes for
// another class, by fresh draws.
type PGD struct {
	Steps    int
	Samples  int     // draws a gradient
	Restarts int     // the first begins at start, the others at a random place in the ball
	StepSize float64 // of the first step, in radii, falling linearly to 0
	Loss     Loss
	Box      bool // images stay in [0, 1]
}

func (a PGD) String() string { return "pgd " + a.Loss.String() }

// Bounded implements [Attack].
func (a PGD) Bounded() bool { return true }

func (a PGD) check() error {
	if a.Steps < 1 || a.Samples < 1 || a.Restarts < 1 || !(a.StepSize > 0) || a.StepSize > 1e6 ||
		a.Loss == nil {
		return fmt.Errorf("attack: PGD of %d steps, %d samples, %d restarts, step size %v, loss %v: "+
			"all must be positive", a.Steps, a.Samples, a.Restarts, a.StepSize, a.Loss)
	}
	return nil
}

// Perturb implements [Attack].
func (a PGD) Perturb(ctx context.Context, t *Target, p Problem, radius []float64,
	start []float32) ([][]float32, error) {

	if err := a.check(); err != nil {
		return nil, err
	}
	if err := cmp.Or(t.check(p.Batch, p.Smoothing), p.checkBegin(radius, start)); err != nil {
		return nil, err
	}
	ball := make([]float64, len(radius))
	for i, r := range radius {
		if !math.IsInf(r, 1) {
			ball[i] = r
		}
	}
	var all [][]float32
	for restart := range a.Restarts {
		d, err := a.climb(ctx, t, p.ascent(a.String(), ball, start, restart))
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	if len(all) == 1 {
		return all, nil
	}
	best, err := a.best(ctx, t, p, all)
	return [][]float32{best}, err
}

// best takes for each image the perturbation with the most votes for another class.
func (a PGD) best(ctx context.Context, t *Target, p Problem, all [][]float32) ([]float32, error) {
	random := stream{p.Seed, ""}.in(a.String()).in("choice")
	best := all[0]
	score := make([]float64, len(p.Labels))
	for k, d := range all {
		moved := along(p.Batch, d, Norms(d, make([]float32, len(d)), t.values()), a.Box)
		mean, err := t.votes(ctx, moved, p.Smoothing, a.Samples*4, random)
		if err != nil {
			return nil, err
		}
		for i, y := range p.Labels {
			if _, v := rival(mean[i], y); k == 0 || v > score[i] {
				score[i] = v
				copy(best[i*t.values():][:t.values()], d[i*t.values():][:t.values()])
			}
		}
	}
	return best, nil
}

// climb takes all steps of one restart.
func (a PGD) climb(ctx context.Context, t *Target, from ascent) ([]float32, error) {
	x, y, r := t.images(from.Images), labels(from.Labels), lengths(from.radius)
	d := t.images(from.begin)
	defer func() { finalize(x, y, r, d) }()
	for step := range a.Steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rate := a.StepSize * (1 - float64(step)/float64(a.Steps))
		by := noise{from.Smoothing, a.Samples, from.random.state(step)}
		out, err := t.call([3]any{"pgd", a.Loss, a.Box}, a.step, by, x, d, y, r, float32(rate))
		if err != nil {
			return nil, err
		}
		d.FinalizeAll()
		d = out[0]
	}
	return tensors.CopyFlatData[float32](d)
}

// step is the graph of a step: images, perturbations, labels, radii and the rate to perturbations.
func (a PGD) step(see func(*Node) *Node, _ *Node, in []*Node) []*Node {
	x, d, r, rate := in[0], in[1], Reshape(in[3], -1, 1, 1, 1), in[4]
	z := see(Add(x, d))
	label := ExpandAxes(oneHot(in[2], z.Shape().Dimensions[2]), 1)
	g := unit(Gradient(ReduceAllSum(a.Loss.Of(z, label)), d)[0])
	return []*Node{project(x, Add(d, Mul(g, Mul(r, rate))), r, a.Box)}
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
