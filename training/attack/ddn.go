package attack

import (
	"cmp"
	"context"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// DDN looks for the smallest perturbation by decoupled direction and norm (Rony et al. 2019). It
// takes a step along the unit gradient, then goes to a sphere around the image. The sphere's norm
// falls where the votes of the step's draws are for another class, and rises elsewhere.
type DDN struct {
	Steps    int
	Samples  int     // draws a gradient
	Restarts int     // the first from the start given, the others in a random direction
	StepSize float64 // of the first step, in norms; falls to a hundredth by a cosine
	Change   float64 // of the norm, as part of it, at each step (the paper's γ)
	Loss     Loss
	Box      bool // images stay in [0, 1]
}

func (a DDN) String() string { return "ddn " + a.Loss.String() }

func (a DDN) check() error {
	if a.Steps < 1 || a.Samples < 1 || a.Restarts < 1 || !(a.StepSize > 0) || a.StepSize > 1e6 || !(0 < a.Change && a.Change < 1) || a.Loss == nil {
		return fmt.Errorf("attack: DDN of %d steps, %d samples, %d restarts, step size %v, change %v, loss %v: all must be positive, change below 1",
			a.Steps, a.Samples, a.Restarts, a.StepSize, a.Change, a.Loss)
	}
	return nil
}

// Perturb returns perturbations, [batch, h, w, c], near the boundary of the label's class, one for
// each restart. The search for their norms begins at norm, [batch]. The perturbations start, to
// begin with, may be nil.
func (a DDN) Perturb(ctx context.Context, t *Target, b Batch, s Smoothed, norm []float64, start []float32, seed uint64) ([][]float32, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if err := cmp.Or(t.check(b, s), checkBegin(b, norm, math.SmallestNonzeroFloat32, start)); err != nil {
		return nil, err
	}
	random := stream{seed, ""}.in(a.String())
	var found [][]float32
	for restart := range a.Restarts {
		d, err := a.descend(ctx, t, b, s, norm, begin(b, norm, start, random, restart), random.in("restart", restart))
		if err != nil {
			return nil, err
		}
		found = append(found, d)
	}
	return found, nil
}

// descend takes all steps of one restart.
func (a DDN) descend(ctx context.Context, t *Target, b Batch, s Smoothed, start []float64, begin []float32, random stream) ([]float32, error) {
	x, y, r := t.images(b.Images), labels(b.Labels), lengths(start)
	d := t.images(begin)
	defer func() { finalize(x, y, r, d) }()
	for step := range a.Steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rate := a.StepSize * (0.505 + 0.495*math.Cos(math.Pi*float64(step)/float64(a.Steps)))
		out, err := t.call([4]any{"ddn", a.Loss, a.Change, a.Box}, func(see func(*Node) *Node, tau *Node, in []*Node) []*Node {
			x, d, label, r, rate := in[0], in[1], oneHot(in[2], t.classifier.Classes), in[3], in[4]
			z := see(Add(x, d))
			g := unit(Gradient(ReduceAllSum(a.Loss.Of(z, ExpandAxes(label, 1))), d)[0])
			wrong := GreaterThan(rivalry(ReduceMean(votes(z, tau), 1), label), ZerosLike(r))
			d = Add(d, Mul(g, Mul(Reshape(r, -1, 1, 1, 1), rate)))
			r = Mul(r, Where(wrong, AddScalar(ZerosLike(r), 1-a.Change), AddScalar(ZerosLike(r), 1+a.Change)))
			d = Mul(unit(d), Reshape(r, -1, 1, 1, 1))
			if a.Box {
				d = Sub(ClipScalar(Add(x, d), 0, 1), x)
			}
			return []*Node{d, r}
		}, s, a.Samples, random.state(step), x, d, y, r, float32(rate))
		if err != nil {
			return nil, err
		}
		finalize(d, r)
		d, r = out[0], out[1]
	}
	return tensors.CopyFlatData[float32](d)
}
