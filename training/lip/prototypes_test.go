package lip

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// signedDistances are the logits in float64 by the definition, with the exact ‖w_i - w_j‖. Of each
// class they look at the so many prototypes of the largest scores as rivals, and at so many as its
// own.
func signedDistances(p Prototypes, x []float32, w, b []float32, own, rivals int) []float64 {
	n, in := p.count(), len(x)
	score := make([]float64, n)
	for i := range score {
		score[i] = float64(b[i])
		for d := range in {
			score[i] += float64(x[d]) * float64(w[d*n+i])
		}
	}
	near := func(k, count int) []int { // prototypes of a class
		of := make([]int, p.Each)
		for i := range of {
			of[i] = k*p.Each + i
		}
		slices.SortFunc(of, func(i, j int) int { return cmp.Compare(score[j], score[i]) })
		return of[:min(count, p.Each)]
	}
	var all []int
	for k := range p.Classes {
		all = append(all, near(k, rivals)...)
	}
	z := make([]float64, p.Classes)
	for k := range z {
		z[k] = math.Inf(-1)
		for _, i := range near(k, own) {
			least := math.Inf(1)
			for _, j := range all {
				if j/p.Each == k {
					continue
				}
				s, square := float64(b[i])-float64(b[j]), 0.0
				for d := range in {
					v := float64(w[d*n+i]) - float64(w[d*n+j])
					s, square = s+float64(x[d])*v, square+v*v
				}
				least = min(least, s/math.Sqrt(2*square))
			}
			z[k] = max(z[k], least)
		}
	}
	return z
}

// The logits are those of the definition, within the proved rounding. One is positive, and no
// other is above its negative. No slope is above its bound, and the bound is tight. In training the
// logits are those of the candidates.
func TestPrototypes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	p, in, batch := Prototypes{Classes: 3, Each: 11}, Size{9}, 50
	n := p.count()
	w := must(Trained(pure, p, in, 20))
	matrix, bias := flat(w[0]), flat(w[1])
	gap, _ := p.logitGap(w, in)
	if !(gap.Value() >= math.Sqrt2*(1-1e-12) && gap.Value() < math.Sqrt2*(1+1e-4)) {
		t.Errorf("a difference of two logits has the bound %v, want √2 and a little", gap.Value())
	}
	x := tensor(r, batch, in[0])
	args := append([]*tensors.Tensor{x}, w...)
	most := 0.0
	for i := range batch {
		most = max(most, norm(flat(x)[i*in[0]:][:in[0]]))
	}
	off := p.marginRounding(w, in, most, 0, p.Bound(w, in).Value())
	if !(off < 1e-4) {
		t.Errorf("float32 is off by up to %g, want less than 1e-4", off)
	}
	for _, on := range []compute.Backend{pure, backend} {
		logits := run1(on, func(v []*Node) *Node { return p.Apply(v[0], v[1:]) }, args...)
		trained := run1(on, func(v []*Node) *Node { return p.Train(nil, v[0], v[1:]) }, args...)
		for i := range batch {
			z := logits[i*p.Classes:][:p.Classes]
			image := flat(x)[i*in[0]:][:in[0]]
			exact := signedDistances(p, image, matrix, bias, p.Each, p.Each)
			nearest := signedDistances(p, image, matrix, bias, candidates, candidates)
			for k := range z {
				if d := math.Abs(float64(z[k]) - exact[k]); !(d <= off) {
					t.Errorf("logit %v, want %v, off by more than %g", z[k], exact[k], off)
				}
				if d := math.Abs(float64(trained[i*p.Classes+k]) - nearest[k]); !(d <= off) {
					t.Errorf("a logit of training off by %g from %v", d, nearest[k])
				}
			}
			top := slices.Max(exact)
			for _, v := range exact {
				if !(top > 0 && (v == top || v <= -top+1e-12)) {
					t.Errorf("logits %v, want one positive and the others at most its negative", exact)
				}
			}
		}
	}
	for a := range p.Classes {
		for b := range a {
			g := run1(pure, func(v []*Node) *Node {
				z := p.Apply(v[0], v[1:])
				of := func(k int) *Node { return Slice(z, AxisRange(), AxisElem(k)) }
				return Gradient(ReduceAllSum(Sub(of(a), of(b))), v[0])[0]
			}, args...)
			for i := range batch {
				if slope := norm(g[i*in[0]:][:in[0]]); slope > gap.Value()*(1+1e-6) {
					t.Errorf("logits %d and %d: slope %v above %v", a, b, slope, gap.Value())
				}
			}
		}
	}
	if n != 33 || len(flat(w[2])) != n*n {
		t.Errorf("%d prototypes, %d scales", n, len(flat(w[2])))
	}
	// An image that isn't finite gets logits that aren't, which the sampler refuses.
	bad := tensors.FromFlatDataAndDimensions(slices.Repeat([]float32{float32(math.NaN())}, in[0]), 1,
		in[0])
	for _, on := range []compute.Backend{pure, backend} {
		for _, z := range run1(on, func(v []*Node) *Node { return p.Apply(v[0], v[1:]) },
			append([]*tensors.Tensor{bad}, w...)...) {
			if v := float64(z); !math.IsNaN(v) && !math.IsInf(v, 0) {
				t.Errorf("the logit %v of NaN", z)
			}
		}
	}
	// Scores that may overflow have no bound.
	huge := p.marginRounding(w, in, 1e37, 0, 1)
	if !math.IsInf(huge, 1) {
		t.Errorf("inputs of norm 1e37 have the error %g, want none proved", huge)
	}
	if _, err := p.Out(Size{3, 3, 1}); err == nil {
		t.Error("an input that isn't flat is taken")
	}
}
