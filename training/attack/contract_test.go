package attack

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
)

// nudge is an attack in one file: random directions, as long as the radius.
type nudge struct{ times int }

func (nudge) String() string { return "nudge" }

func (nudge) Bounded() bool { return true }

func (a nudge) Perturb(_ context.Context, _ *Target, p Problem, radius []float64,
	_ []float32) (found [][]float32, err error) {

	for k := range a.times {
		d := make([]float32, len(p.Images))
		size := len(d) / len(radius)
		for i, r := range radius {
			if math.IsInf(r, 1) {
				r = 1 // none is known yet
			}
			for j, u := range (stream{p.Seed, a.String()}).in("direction", k).direction(size) {
				d[i*size+j] = float32(inside * r * u)
			}
		}
		found = append(found, d)
	}
	return found, nil
}

// attacks are what the common test takes: those of Makers, and one that is in no table.
func attacks(box bool, by ...Loss) []Attack {
	e := Effort{Steps: 5, Samples: 8, Restarts: 2, Box: box}
	return append(e.Attacks(by...), nudge{5})
}

// No perturbation leaves its ball where the attack is bounded, nor with Box the cube; Box acts.
func TestBall(t *testing.T) {
	c, b, _ := problem(4, 3)
	on := target(t, c)
	radius := []float64{0, 1e-3, 0.5, 3}
	for _, box := range []bool{false, true} {
		for _, a := range attacks(box, losses...) {
			for _, s := range []Smoothing{{}, {0.5, 0}} {
				found, err := a.Perturb(ctx, on, Problem{b, s, 1}, radius, nil)
				if err != nil || len(found) == 0 {
					t.Fatal(a, err)
				}
				for _, d := range found {
					checkBall(t, a, b, d, ball{radius, box})
				}
			}
		}
	}
}

// ball is around each image, cut by the box [0, 1] or not.
type ball struct {
	radius []float64
	box    bool
}

func checkBall(t *testing.T, a Attack, b Batch, d []float32, in ball) {
	t.Helper()
	_, ours := a.(nudge)
	out := false
	for i, v := range d {
		v += b.Images[i]
		out = out || !(-1e-6 <= v && v <= 1+1e-6)
	}
	if out == in.box && !ours {
		t.Errorf("%v: box %v, outside %v", a, in.box, out)
	}
	rounding := 0.0
	if in.box {
		rounding = 1e-7 // of x + d
	}
	for i, norm := range Norms(d, make([]float32, len(d)), values) {
		if a.Bounded() && (norm > in.radius[i]+rounding || !in.box && norm < 0.99*in.radius[i]) {
			t.Errorf("%v: norm %v in a ball of %v", a, norm, in.radius[i])
		}
		if math.IsNaN(norm) || math.IsInf(norm, 0) {
			t.Errorf("%v: norm %v", a, norm)
		}
	}
}

// certified is a classifier that is bent, images with labels, and under each smoothing the radii
// that are certified: deterministic, by votes, by soft votes.
func certified(t *testing.T, on *Target, lambda float64, b Batch) map[Smoothing][]float64 {
	t.Helper()
	const draws, alpha, sigma, tau = 4000, 1e-4, 0.3, 0.4
	n := len(b.Labels)
	votes := func(s Smoothing, draws int) [][]float64 {
		h, err := on.votes(ctx, b.Images, s, draws, stream{1, "/certify"})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	radii := map[Smoothing][]float64{}
	put := func(s Smoothing, i int, r float64) {
		if radii[s] == nil {
			radii[s] = make([]float64, n)
		}
		radii[s][i] = max(0, r)
	}
	for i, h := range votes(Smoothing{Tau: 1e3}, 1) { // ½ + m/2000
		b.Labels[i] = slices.Index(h, slices.Max(h))
		put(Smoothing{}, i, (slices.Max(h)-0.5)*2e3/lambda)
	}
	hard, soft := Smoothing{Sigma: sigma}, Smoothing{sigma, tau}
	for i, h := range votes(hard, draws) {
		counts := rs.Bernoulli(int(h[b.Labels[i]]*draws+0.5), draws)
		put(hard, i, rs.CohenRadius(sigma, rs.ClopperPearson{}.Lower(counts, alpha)))
	}
	curve := rs.Lipschitz{Lambda: rs.Claim(lambda), Tau: tau}.Smoothed(sigma)
	for i, h := range votes(soft, draws) { // Hoeffding's bound
		off := math.Sqrt(-math.Log(alpha) / (2 * draws))
		put(soft, i, curve.Radius(max(0, h[b.Labels[i]]-off)))
	}
	return radii
}

// No attack succeeds inside a certificate. What it finds lies at the radius that it says, was
// judged by draws of its own to be wrong, and is so under others, too.
func TestCertified(t *testing.T) {
	const images, classes = 8, 4
	c, lambda := bent(classes)
	on := target(t, c)
	_, b, _ := problem(images, classes)
	for s, radii := range certified(t, on, lambda, b) {
		for _, a := range append(attacks(false, Margin{}), nil) {
			search := Search{Attacks: []Attack{a}, Trial: 200, Draws: 2000, Level: 1e-3}
			if a == nil { // all of them together
				search = thorough
			}
			found, err := search.Smallest(ctx, on, Problem{b, s, 1}, nil, radii)
			if err != nil {
				t.Fatal(err)
			}
			positive := 0
			for i, f := range found {
				if radii[i] > f.Radius*(1+1e-4) {
					t.Errorf("%v, %+v: image %d: certified %v, attacked at %+v", a, s, i, radii[i], f)
				}
				if radii[i] > 0 {
					positive++
				}
			}
			checkFindings(t, fmt.Sprint(a, s), on, Problem{b, s, 99}, found)
			if positive < images/2 {
				t.Errorf("%+v: only %d images certified", s, positive)
			}
		}
	}
}

// checkFindings checks what was found of each image. Draws of the problem's seed judge it again.
func checkFindings(t *testing.T, name string, on *Target, p Problem, found []Finding) {
	t.Helper()
	at := Batch{slices.Clone(p.Images), p.Labels}
	for i, f := range found {
		copy(at.Images[i*values:], f.Image)
	}
	again, err := on.Judge(ctx, at, p.Smoothing, Jury{Draws: 10000, Seed: p.Seed})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range found {
		if f.Image == nil {
			if !math.IsInf(f.Radius, 1) || f.Class != -1 || f.Attack != "" {
				t.Errorf("%s: image %d: %+v", name, i, f)
			}
			continue
		}
		if at := Norms(f.Image, p.Images[i*values:][:values], values)[0]; at != f.Radius {
			t.Errorf("%s: image %d at %v, said to be at %v", name, i, at, f.Radius)
		}
		if f.Lower <= 0.5 || f.Score < f.Lower || f.Class == p.Labels[i] ||
			(f.Attack == "") != (f.Radius == 0) {
			t.Errorf("%s: image %d: %+v", name, i, f)
		}
		if again[i].Class != f.Class || !again[i].Wrong(0.01) {
			t.Errorf("%s: image %d: other draws say class %d, %v, found %+v", name, i, again[i].Class,
				again[i].Lower(0.01), f)
		}
	}
}
