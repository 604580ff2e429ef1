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
// falls where the votes of the step's draws are for another class, and rises elsewhere. The search
// begins at the known radius, or at 1 without one. DDN returns a batch for each restart.
type DDN struct {
	Steps    int
	Samples  int     // draws a gradient
	Restarts int     // the first begins at start, the others in a random direction
	StepSize float64 // of the first step, in norms, falling to a hundredth by a cosine
	Change   float64 // of the norm, as part of it, at each step (the paper's γ)
	Loss     Loss
	Box      bool // images stay in [0, 1]
}

func (a DDN) String() string { return "ddn " + a.Loss.String() }

// Bounded implements [Attack]. A norm may rise above its start.
func (a DDN) Bounded() bool { return false }

func (a DDN) check() error {
	if a.Steps < 1 || a.Samples < 1 || a.Restarts < 1 || !(a.StepSize > 0) || a.StepSize > 1e6 ||
		!(0 < a.Change && a.Change < 1) || a.Loss == nil {
		return fmt.Errorf("attack: DDN of %d steps, %d samples, %d restarts, step size %v, change %v, "+
			"loss %v: all must be positive, change below 1",
			a.Steps, a.Samples, a.Restarts, a.StepSize, a.Change, a.Loss)
	}
	return nil
}

// Perturb implements [Attack].
func (a DDN) Perturb(ctx context.Context, t *Target, p Problem, radius []float64,
	start []float32) (found [][]float32, err error) {

	if err := a.check(); err != nil {
		return nil, err
	}
	if err := cmp.Or(t.check(p.Batch, p.Smoothing), p.checkBegin(radius, start)); err != nil {
		return nil, err
	}
	norm := make([]float64, len(radius))
	for i, r := range radius {
		if norm[i] = r; !(r > 1e-30 && r < math.MaxFloat32) {
			norm[i] = 1
		}
	}
	for restart := range a.Restarts {
		d, err := a.descend(ctx, t, p.ascent(a.String(), norm, start, restart))
		if err != nil {
			return nil, err
		}
		found = append(found, d)
	}
	return found, nil
}

// descend takes all steps of one restart.
func (a DDN) descend(ctx context.Context, t *Target, from ascent) ([]float32, error) {
	x, y, r := t.images(from.Images), labels(from.Labels), lengths(from.radius)
	d := t.images(from.begin)
	defer func() { finalize(x, y, r, d) }()
	for step := range a.Steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		angle := math.Pi * float64(step) / float64(a.Steps)
		rate := a.StepSize * (0.505 + 0.495*math.Cos(angle))
		by := noise{from.Smoothing, a.Samples, from.random.state(step)}
		out, err := t.call([4]any{"ddn", a.Loss, a.Change, a.Box}, a.step, by,
			x, d, y, r, float32(rate))
		if err != nil {
			return nil, err
		}
		finalize(d, r)
		d, r = out[0], out[1]
	}
	return tensors.CopyFlatData[float32](d)
}

// step is the graph of a step: images, perturbations, labels, norms and the rate to perturbations
// and norms.
func (a DDN) step(see func(*Node) *Node, tau *Node, in []*Node) []*Node {
	x, d, r, rate := in[0], in[1], in[3], in[4]
	z := see(Add(x, d))
	label := oneHot(in[2], z.Shape().Dimensions[2])
	g := unit(Gradient(ReduceAllSum(a.Loss.Of(z, ExpandAxes(label, 1))), d)[0])
	wrong := GreaterThan(rivalry(ReduceMean(votes(z, tau), 1), label), ZerosLike(r))
	d = Add(d, Mul(g, Mul(Reshape(r, -1, 1, 1, 1), rate)))
	less, more := AddScalar(ZerosLike(r), 1-a.Change), AddScalar(ZerosLike(r), 1+a.Change)
	r = Mul(r, Where(wrong, less, more))
	d = Mul(unit(d), Reshape(r, -1, 1, 1, 1))
	if a.Box {
		d = Sub(ClipScalar(Add(x, d), 0, 1), x)
	}
	return []*Node{d, r}
}
