package attack

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/training/device"
)

var backend compute.Backend

func TestMain(m *testing.M) {
	var err error
	if backend, _, err = device.Open(context.Background(), device.Options{Quiet: true}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// side of the test images, one channel.
const side, values = 4, 16

// network is a classifier of test images.
type network struct {
	logits  func(scope *model.Scope, x *Node) *Node
	store   *model.Store
	classes int
	size    [3]int
}

func (n network) Shape() ([3]int, int) { return n.size, n.classes }

func (n network) Logits(scope *model.Scope, x *Node) *Node { return n.logits(scope, x) }

func (n network) Variables() *model.Store { return n.store }

func (n network) Identity() countlog.Model { return countlog.Model{Hash: "of a test"} }

// linear is the classifier of logits x·w, w [values, classes].
func linear(w []float32, classes int) network {
	store := model.NewStore()
	v := store.VariableWithValue("/w", tensors.FromFlatDataAndDimensions(w, values, classes))
	v.SetTrainable(false)
	return network{func(_ *model.Scope, x *Node) *Node {
		return Dot(Reshape(x, x.Shape().Dimensions[0], values), v.NodeValue(x)).Product()
	}, store, classes, [3]int{side, side, 1}}
}

// problem is a linear classifier of random weights, images with labels, the second of them wrong,
// and how far each image is from the nearest error: margin/‖w_y - w_j‖, least over the classes j,
// and 0 where it is wrong.
func problem(images, classes int) (c network, b Batch, distance []float64) {
	r := rand.New(rand.NewPCG(5, 6))
	w := make([]float32, values*classes)
	for i := range w {
		w[i] = float32(r.NormFloat64())
	}
	b.Images = make([]float32, images*values)
	for i := range b.Images {
		b.Images[i] = r.Float32()
	}
	for i := range images {
		z := make([]float64, classes)
		for k := range w {
			z[k%classes] += float64(b.Images[i*values+k/classes]) * float64(w[k])
		}
		y := slices.Index(z, slices.Max(z))
		if i == 1 {
			y = (y + 1) % classes
		}
		nearest := math.Inf(1)
		for c := range z {
			if c != y {
				nearest = min(nearest, max(0, z[y]-z[c])/apart(w, classes, y, c))
			}
		}
		b.Labels, distance = append(b.Labels, y), append(distance, nearest)
	}
	return linear(w, classes), b, distance
}

// apart is the distance of two columns of w, [values, classes].
func apart(w []float32, classes, i, j int) float64 {
	sum := 0.0
	for k := range len(w) / classes {
		d := float64(w[k*classes+i]) - float64(w[k*classes+j])
		sum += d * d
	}
	return math.Sqrt(sum)
}

func target(t *testing.T, c network) *Target {
	t.Helper()
	target, err := New(backend, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	return target
}

var (
	ctx      = context.Background()
	losses   = []Loss{Margin{}, CrossEntropy{1}}
	effort   = Effort{Steps: 20, Samples: 32, Restarts: 1}
	thorough = Search{Attacks: effort.Attacks(losses...), Trial: 500, Draws: 5000, Level: 1e-3}
)

// The boundary of a linear classifier is at margin/‖w_y - w_j‖; that of two classes stays there
// under noise, where Cohen's radius is exact: σΦ⁻¹(Φ(margin/(σ‖w_y - w_j‖))).
func TestLinear(t *testing.T) {
	for _, test := range []struct {
		classes int
		s       Smoothing
		over    float64 // what is found is farther by this part at most
		more    float64 // and this many σ
	}{
		{3, Smoothing{}, 0.005, 0},
		{2, Smoothing{0.1, 0}, 0.01, 0.16},
		{2, Smoothing{0.1, 0.3}, 0.01, 0.16},
	} {
		c, b, want := problem(6, test.classes)
		found, err := thorough.Smallest(ctx, target(t, c), Problem{b, test.s, 1}, nil, want)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range found {
			most := want[i]*(1+test.over) + test.more*test.s.Sigma
			if f.Radius < want[i]*(1-1e-6) || f.Radius > most || f.Lower <= 0.5 ||
				(f.Radius == 0) != (i == 1) || f.Class == b.Labels[i] {
				t.Errorf("%+v: image %d: boundary at %v, found %+v", test.s, i, want[i], f)
			}
			if at := Norms(f.Image, b.Images[i*values:][:values], values)[0]; at != f.Radius {
				t.Errorf("%+v: image %d: kept at %v, found at %v", test.s, i, at, f.Radius)
			}
			t.Logf("%+v: boundary at %.4f, found at %.4f by %s, score %.4f > %.4f", test.s, want[i],
				f.Radius, f.Attack, f.Score, f.Lower)
		}
	}
}

// In the cube the nearest error of its corners is farther, or there is none.
func TestBox(t *testing.T) {
	c, b, _ := problem(4, 3)
	on := target(t, c)
	for i, v := range b.Images {
		b.Images[i] = float32(math.Round(float64(v)))
	}
	votes, err := on.votes(ctx, b.Images, Smoothing{}, 1, stream{})
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range votes {
		b.Labels[i] = slices.Index(h, 1)
	}
	find := func(box bool) []Finding {
		e := effort
		e.Box = box
		a := Search{Attacks: e.Attacks(losses...), Trial: 1, Draws: 1, Level: 1e-3, Box: box}
		found, err := a.Smallest(ctx, on, Problem{Batch: b, Seed: 1}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	free, cube, farther := find(false), find(true), false
	for i := range free {
		if cube[i].Radius < free[i].Radius*0.999 {
			t.Errorf("image %d: %v in the cube, %v outside", i, cube[i].Radius, free[i].Radius)
		}
		farther = farther || cube[i].Radius > 1.01*free[i].Radius
	}
	if !farther {
		t.Error("the cube changes nothing")
	}
}

// Equal seeds find the same, other seeds other things, and an image's place among the others
// doesn't matter.
func TestSeed(t *testing.T) {
	c, b, _ := problem(4, 3)
	on := target(t, c)
	quick := thorough
	quick.Attacks, quick.Draws = Effort{Steps: 5, Samples: 32, Restarts: 1}.Attacks(losses...), 500
	find := func(b Batch, seed uint64) []Finding {
		p := Problem{b, Smoothing{0.2, 0.1}, seed}
		found, err := quick.Smallest(ctx, on, p, nil, []float64{0.1, 0.1, 0.1, 0.1})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	first := find(b, 1)
	if !reflect.DeepEqual(first, find(b, 1)) {
		t.Error("equal seeds differ")
	}
	if reflect.DeepEqual(first, find(b, 2)) {
		t.Error("another seed changes nothing")
	}
	turned := Batch{slices.Concat(b.Images[values:], b.Images[:values]),
		slices.Concat(b.Labels[1:], b.Labels[:1])}
	for i, f := range find(turned, 1) {
		if want := first[(i+1)%4]; math.Abs(f.Radius-want.Radius) > 1e-4 || f.Class != want.Class {
			t.Errorf("in another place: %v, was %v", f.Radius, want.Radius)
		}
	}
}

// bent is the classifier of logits |x·q|·w, q orthonormal, [values, values]: differences of logits
// i and j are ‖w_i - w_j‖-Lipschitz. It returns the largest of these.
func bent(classes int) (c network, lambda float64) {
	r := rand.New(rand.NewPCG(8, 9))
	q := make([][]float64, values)
	for i := range q {
		q[i] = make([]float64, values)
		for k := range q[i] {
			q[i][k] = r.NormFloat64()
		}
		for range 2 { // Gram and Schmidt
			for _, p := range q[:i] {
				dot := 0.0
				for k := range p {
					dot += p[k] * q[i][k]
				}
				for k := range p {
					q[i][k] -= dot * p[k]
				}
			}
		}
		sum := 0.0
		for _, v := range q[i] {
			sum += v * v
		}
		for k := range q[i] {
			q[i][k] /= math.Sqrt(sum)
		}
	}
	w, flat := make([]float32, values*classes), make([]float32, values*values)
	for i := range w {
		w[i] = float32(r.NormFloat64())
	}
	for i := range flat {
		flat[i] = float32(q[i/values][i%values])
	}
	for i := range classes {
		for j := range i {
			lambda = max(lambda, apart(w, classes, i, j)*(1+1e-6))
		}
	}
	c = linear(w, classes)
	v := c.store.VariableWithValue("/q", tensors.FromFlatDataAndDimensions(flat, values, values))
	v.SetTrainable(false)
	last := c.logits
	c.logits = func(scope *model.Scope, x *Node) *Node {
		d := x.Shape().Dimensions
		return last(scope, Reshape(Abs(Dot(Reshape(x, d[0], values), v.NodeValue(x)).Product()), d...))
	}
	return c, lambda
}

// On the boundary both classes have half of the votes: a verdict that one has more comes as seldom
// as its level says.
func TestJudgeLevel(t *testing.T) {
	w := make([]float32, values*2)
	w[0], w[1] = 1, -1
	on := target(t, linear(w, 2))
	const level, n = 0.1, 400
	images := make([]float32, 10*values) // margin 0
	for _, s := range []Smoothing{{0.5, 0}, {0.5, 1}} {
		wrong := 0
		for number := range n / 10 { // the ten share their draws
			v, err := on.Judge(ctx, Batch{images, make([]int, 10)}, s, Jury{100, 1, number})
			if err != nil {
				t.Fatal(err)
			}
			if v[0].Wrong(level) {
				wrong += 10
			}
		}
		if limit := n*level + 4*10*math.Sqrt(n/10*level*(1-level)); float64(wrong) > limit {
			t.Errorf("%+v: %d of %d verdicts at level %v are wrong", s, wrong, n, level)
		}
		// A margin of σ/2 one way or the other is seen at once.
		images[0] = -0.25
		v, err := on.Judge(ctx, Batch{images, make([]int, 10)}, s, Jury{2000, 1, 0})
		if err != nil || !v[0].Wrong(1e-6) || v[1].Wrong(1e-6) || v[0].Class != 1 {
			t.Error(v[0].Lower(1e-6), err)
		}
		images[0] = 0
	}
}

func TestBadInput(t *testing.T) {
	c, b, _ := problem(2, 3)
	on := target(t, c)
	plain := Problem{Batch: b, Seed: 1}
	pgd := PGD{Steps: 1, Samples: 1, Restarts: 1, StepSize: 1, Loss: Margin{}}
	ddn := DDN{Steps: 1, Samples: 1, Restarts: 1, StepSize: 1, Change: 0.1, Loss: Margin{}}
	perturb := func(a Attack, s Smoothing, radius []float64, start []float32) error {
		_, err := a.Perturb(ctx, on, Problem{b, s, 1}, radius, start)
		return err
	}
	judge := func(b Batch, draws int) error {
		_, err := on.Judge(ctx, b, Smoothing{}, Jury{draws, 1, 0})
		return err
	}
	find := func(ctx context.Context, t *Target, a Search, starts [][]float32,
		radii []float64) error {

		_, err := a.Smallest(ctx, t, plain, starts, radii)
		return err
	}
	nan, small, noSteps, noLoss := c, c, pgd, ddn
	nan.logits = func(scope *model.Scope, x *Node) *Node {
		return Div(c.Logits(scope, x), ScalarZero(x.Graph(), x.DType()))
	}
	small.classes, noSteps.Steps, noLoss.Loss = 1, 0, nil
	stopped, stop := context.WithCancel(ctx)
	stop()
	_, tooSmall := New(backend, small)
	one := []float64{1, 1}
	for want, err := range map[string]error{
		"need at least 1×1×1 and 2": tooSmall,
		"PGD of 0 steps":            perturb(noSteps, Smoothing{}, one, nil),
		"loss <nil>":                perturb(noLoss, Smoothing{}, one, nil),
		"1 radii for 2 images":      perturb(pgd, Smoothing{}, one[:1], nil),
		"radius NaN of image 1":     perturb(pgd, Smoothing{}, []float64{1, math.NaN()}, nil),
		"radius -1 of image 0":      perturb(ddn, Smoothing{}, []float64{-1, 1}, nil),
		"2 values to start from":    perturb(ddn, Smoothing{}, one, []float32{1, 2}),
		"σ = -1":                    perturb(pgd, Smoothing{Sigma: -1}, one, nil),
		"33 values in 2 images":     judge(Batch{make([]float32, 33), b.Labels}, 1),
		"image 0 of the batch is":   judge(Batch{b.Images, []int{3, 0}}, 1),
		"0 draws to judge with":     judge(b, 0),
		"search by 0 attacks":       find(ctx, on, Search{}, nil, nil),
		"1 certified radii for 2":   find(ctx, on, thorough, nil, []float64{1}),
		"1 values to start from":    find(ctx, on, thorough, [][]float32{{1}}, nil),
		"is NaN or infinite":        find(ctx, target(t, nan), thorough, nil, nil),
		"context canceled":          find(stopped, on, thorough, nil, nil),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// An operation without a gradient is named.
func TestNoGradient(t *testing.T) {
	c, b, _ := problem(2, 3)
	of := c.logits
	c.logits = func(scope *model.Scope, x *Node) *Node {
		return Rsqrt(AddScalar(Square(of(scope, x)), 1))
	}
	a := PGD{Steps: 1, Samples: 1, Restarts: 1, StepSize: 1, Loss: Margin{}}
	_, err := a.Perturb(ctx, target(t, c), Problem{b, Smoothing{}, 1}, []float64{1, 1}, nil)
	const want = "attack: the classifier's operation Rsqrt has no gradient in GoMLX"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
