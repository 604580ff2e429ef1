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
	"github.com/lipsmooth/lipsmooth/rs"
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

// linear is the classifier of logits x·w, w [values, classes].
func linear(w []float32, classes int) Classifier {
	store := model.NewStore()
	v := store.VariableWithValue("/w", tensors.FromFlatDataAndDimensions(w, values, classes))
	v.SetTrainable(false)
	return Classifier{
		Logits: func(_ *model.Scope, x *Node) *Node {
			return Dot(Reshape(x, x.Shape().Dimensions[0], values), v.NodeValue(x)).Product()
		},
		Store: store, Size: [3]int{side, side, 1}, Classes: classes,
	}
}

// problem is a linear classifier of random weights, images with labels, the second of them wrong,
// and how far each image is from the nearest error: margin/‖w_y - w_j‖, least over the classes j,
// and 0 where it is wrong.
func problem(images, classes int) (c Classifier, b Batch, distance []float64) {
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

func target(t *testing.T, c Classifier) *Target {
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
	thorough = Search{Steps: 20, Samples: 32, Restarts: 1, Losses: losses, Trial: 500, Draws: 5000, Level: 1e-3}
)

// The boundary of a linear classifier is at margin/‖w_y - w_j‖; that of two classes stays there
// under noise, where Cohen's radius is exact: σΦ⁻¹(Φ(margin/(σ‖w_y - w_j‖))).
func TestLinear(t *testing.T) {
	for _, test := range []struct {
		classes int
		s       Smoothed
		over    float64 // what is found is farther by this part at most
		more    float64 // and this many σ
	}{
		{3, Smoothed{}, 0.005, 0},
		{2, Smoothed{0.1, 0}, 0.01, 0.16},
		{2, Smoothed{0.1, 0.3}, 0.01, 0.16},
	} {
		c, b, want := problem(6, test.classes)
		found, err := thorough.Smallest(ctx, target(t, c), b, test.s, nil, want, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range found {
			if f.Radius < want[i]*(1-1e-6) || f.Radius > want[i]*(1+test.over)+test.more*test.s.Sigma || f.Lower <= 0.5 || (f.Radius == 0) != (i == 1) || f.Class == b.Labels[i] {
				t.Errorf("%+v: image %d: boundary at %v, found %+v", test.s, i, want[i], f)
			}
			if at := Norms(f.Image, b.Images[i*values:][:values], values)[0]; at != f.Radius {
				t.Errorf("%+v: image %d: kept at %v, found at %v", test.s, i, at, f.Radius)
			}
			t.Logf("%+v: boundary at %.4f, found at %.4f by %s, score %.4f > %.4f", test.s, want[i], f.Radius, f.Attack, f.Score, f.Lower)
		}
	}
}

// No perturbation leaves its ball, nor with Box the cube; Box acts.
func TestBall(t *testing.T) {
	c, b, _ := problem(4, 3)
	on := target(t, c)
	radius := []float64{0, 1e-3, 0.5, 3}
	for _, s := range []Smoothed{{}, {0.5, 0}} {
		for _, l := range losses {
			for _, box := range []bool{false, true} {
				d, err := PGD{Steps: 5, Samples: 8, Restarts: 2, StepSize: 1, Loss: l, Box: box}.Perturb(ctx, on, b, s, radius, nil, 1)
				if err != nil {
					t.Fatal(err)
				}
				rounding := 0.0
				if box {
					rounding = 1e-7 // of x + d
				}
				out := false
				for i, v := range d {
					v += b.Images[i]
					out = out || v < -1e-6 || v > 1+1e-6
				}
				if out == box {
					t.Errorf("box %v, outside %v", box, out)
				}
				for i, norm := range Norms(d, make([]float32, len(d)), values) {
					if norm > radius[i]+rounding || !box && norm < 0.99*radius[i] {
						t.Errorf("%v: norm %v in a ball of %v", l, norm, radius[i])
					}
				}
			}
		}
	}
	// In the cube the nearest error of its corners is farther, or there is none.
	for i, v := range b.Images {
		b.Images[i] = float32(math.Round(float64(v)))
	}
	votes, err := on.votes(ctx, b.Images, Smoothed{}, 1, stream{})
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range votes {
		b.Labels[i] = slices.Index(h, 1)
	}
	free := thorough
	free.Trial, free.Draws = 1, 1
	cube := free
	cube.Box = true
	a, err := free.Smallest(ctx, on, b, Smoothed{}, nil, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	z, err := cube.Smallest(ctx, on, b, Smoothed{}, nil, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	farther := false
	for i := range a {
		if z[i].Radius < a[i].Radius*0.999 {
			t.Errorf("image %d: %v in the cube, %v outside", i, z[i].Radius, a[i].Radius)
		}
		farther = farther || z[i].Radius > 1.01*a[i].Radius
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
	quick.Steps, quick.Draws = 5, 500
	find := func(b Batch, seed uint64) []Found {
		found, err := quick.Smallest(ctx, on, b, Smoothed{0.2, 0.1}, nil, []float64{0.1, 0.1, 0.1, 0.1}, seed)
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
	turned := Batch{slices.Concat(b.Images[values:], b.Images[:values]), slices.Concat(b.Labels[1:], b.Labels[:1])}
	for i, f := range find(turned, 1) {
		if want := first[(i+1)%4]; math.Abs(f.Radius-want.Radius) > 1e-4 || f.Class != want.Class {
			t.Errorf("in another place: %v, was %v", f.Radius, want.Radius)
		}
	}
}

// bent is the classifier of logits |x·q|·w, q orthonormal, [values, values]: differences of logits
// i and j are ‖w_i - w_j‖-Lipschitz. It returns the largest of these.
func bent(classes int) (c Classifier, lambda float64) {
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
	v := c.Store.VariableWithValue("/q", tensors.FromFlatDataAndDimensions(flat, values, values))
	v.SetTrainable(false)
	last := c.Logits
	c.Logits = func(scope *model.Scope, x *Node) *Node {
		d := x.Shape().Dimensions
		return last(scope, Reshape(Abs(Dot(Reshape(x, d[0], values), v.NodeValue(x)).Product()), d...))
	}
	return c, lambda
}

// No attack succeeds inside a certificate: deterministic, by votes, by soft votes.
func TestCertified(t *testing.T) {
	const images, classes, draws, alpha, sigma, tau = 8, 4, 4000, 1e-4, 0.3, 0.4
	c, lambda := bent(classes)
	on := target(t, c)
	_, b, _ := problem(images, classes)
	random := stream{1, "/certify"}
	clean, err := on.votes(ctx, b.Images, Smoothed{Tau: 1e3}, 1, random) // ½ + m/2000
	if err != nil {
		t.Fatal(err)
	}
	margins := make([]float64, images)
	for i, h := range clean {
		b.Labels[i] = slices.Index(h, slices.Max(h))
		margins[i] = (slices.Max(h) - 0.5) * 2e3
	}
	for _, test := range []struct {
		s      Smoothed
		radius func(i int, mean float64) float64
	}{
		{Smoothed{}, func(i int, _ float64) float64 { return margins[i] / lambda }},
		{Smoothed{Sigma: sigma}, func(_ int, mean float64) float64 {
			return rs.CohenRadius(sigma, rs.ClopperPearson{}.Lower(rs.Bernoulli(int(mean*draws+0.5), draws), alpha))
		}},
		{Smoothed{sigma, tau}, func(_ int, mean float64) float64 { // Hoeffding's bound
			return rs.Lipschitz{Lambda: lambda, Tau: tau}.Smoothed(sigma).Radius(max(0, mean-math.Sqrt(-math.Log(alpha)/(2*draws))))
		}},
	} {
		mean, err := on.votes(ctx, b.Images, test.s, draws, random)
		if err != nil {
			t.Fatal(err)
		}
		certified := make([]float64, images)
		for i := range certified {
			certified[i] = max(0, test.radius(i, mean[i][b.Labels[i]]))
		}
		found, err := thorough.Smallest(ctx, on, b, test.s, nil, certified, 1)
		if err != nil {
			t.Fatal(err)
		}
		positive := 0
		for i, f := range found {
			if certified[i] > f.Radius*(1+1e-4) {
				t.Errorf("%+v: image %d: certified %v, attacked at %+v", test.s, i, certified[i], f)
			}
			if certified[i] > 0 {
				positive++
			}
			t.Logf("%+v: certified %.4f, attacked at %.4f", test.s, certified[i], f.Radius)
		}
		if positive < images/2 {
			t.Errorf("%+v: only %d images certified", test.s, positive)
		}
	}
}

// On the boundary both classes have half of the votes: a verdict that one has more comes as seldom
// as its level says.
func TestJudgeLevel(t *testing.T) {
	w := make([]float32, values*2)
	w[0], w[1] = 1, -1
	on := target(t, linear(w, 2))
	const level, n = 0.1, 400
	images := make([]float32, 10*values) // margin 0
	for _, s := range []Smoothed{{0.5, 0}, {0.5, 1}} {
		wrong := 0
		for number := range n / 10 { // the ten share their draws
			v, err := on.Judge(ctx, images, make([]int, 10), s, 100, 1, number)
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
		v, err := on.Judge(ctx, images, make([]int, 10), s, 2000, 1, 0)
		if err != nil || !v[0].Wrong(1e-6) || v[1].Wrong(1e-6) || v[0].Class != 1 {
			t.Error(v[0].Lower(1e-6), err)
		}
		images[0] = 0
	}
}

func TestBadInput(t *testing.T) {
	c, b, _ := problem(2, 3)
	on := target(t, c)
	pgd := PGD{Steps: 1, Samples: 1, Restarts: 1, StepSize: 1, Loss: Margin{}}
	ddn := DDN{Steps: 1, Samples: 1, Restarts: 1, StepSize: 1, Change: 0.1, Loss: Margin{}}
	nan := Classifier{Logits: func(scope *model.Scope, x *Node) *Node {
		return Div(c.Logits(scope, x), ScalarZero(x.Graph(), x.DType()))
	}, Store: c.Store, Size: c.Size, Classes: 3}
	for want, try := range map[string]func() error{
		"need at least 1×1×1 and 2": func() error { _, err := New(backend, Classifier{Classes: 1, Size: c.Size}); return err },
		"PGD of 0 steps": func() error {
			p := pgd
			p.Steps = 0
			_, err := p.Perturb(ctx, on, b, Smoothed{}, []float64{1, 1}, nil, 1)
			return err
		},
		"loss <nil>": func() error {
			a := ddn
			a.Loss = nil
			_, err := a.Perturb(ctx, on, b, Smoothed{}, []float64{1, 1}, nil, 1)
			return err
		},
		"1 radii for 2 images": func() error { _, err := pgd.Perturb(ctx, on, b, Smoothed{}, []float64{1}, nil, 1); return err },
		"radius NaN of image 1": func() error {
			_, err := pgd.Perturb(ctx, on, b, Smoothed{}, []float64{1, math.NaN()}, nil, 1)
			return err
		},
		"radius 0 of image 0": func() error { _, err := ddn.Perturb(ctx, on, b, Smoothed{}, []float64{0, 1}, nil, 1); return err },
		"σ = -1": func() error {
			_, err := pgd.Perturb(ctx, on, b, Smoothed{Sigma: -1}, []float64{1, 1}, nil, 1)
			return err
		},
		"33 values in 2 images":   func() error { _, err := on.Judge(ctx, make([]float32, 33), b.Labels, Smoothed{}, 1, 1, 0); return err },
		"image 0 of the batch is": func() error { _, err := on.Judge(ctx, b.Images, []int{3, 0}, Smoothed{}, 1, 1, 0); return err },
		"0 draws to judge with":   func() error { _, err := on.Judge(ctx, b.Images, b.Labels, Smoothed{}, 0, 1, 0); return err },
		"search with 0 losses":    func() error { _, err := Search{}.Smallest(ctx, on, b, Smoothed{}, nil, nil, 1); return err },
		"1 certified radii for 2": func() error { _, err := thorough.Smallest(ctx, on, b, Smoothed{}, nil, []float64{1}, 1); return err },
		"1 values to start from": func() error {
			_, err := thorough.Smallest(ctx, on, b, Smoothed{}, [][]float32{{1}}, nil, 1)
			return err
		},
		"is NaN or infinite": func() error { _, err := thorough.Smallest(ctx, target(t, nan), b, Smoothed{}, nil, nil, 1); return err },
		"context canceled": func() error {
			stopped, stop := context.WithCancel(ctx)
			stop()
			_, err := thorough.Smallest(stopped, on, b, Smoothed{}, nil, nil, 1)
			return err
		},
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
