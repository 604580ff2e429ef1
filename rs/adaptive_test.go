package rs

import (
	"math"
	"math/rand/v2"
	"testing"
)

// zipf is a class of probability p among K, the rest in proportion to 1/rank.
func zipf(p float64, k int) []float64 {
	probabilities, sum := make([]float64, k), 0.0
	for c := 1; c < k; c++ {
		probabilities[c] = 1 / float64(c)
		sum += probabilities[c]
	}
	for c := 1; c < k; c++ {
		probabilities[c] *= (1 - p) / sum
	}
	probabilities[0] = p
	return probabilities
}

// On populations where Mono wins and where TwoBound does, Adaptive's mean radius is at least
// that of the better one, but for a thousandth.
func TestAdaptiveIsTheBetter(t *testing.T) {
	for _, p := range [][]float64{{0.7, 0.3}, {0.99, 0.01}, {0.999, 0.001}, zipf(0.9, 10), zipf(0.6,
		100), zipf(0.99, 1000)} {
		r := rand.New(rand.NewPCG(61, 62))
		var mono, two, adaptive float64
		for range 60 {
			e := &Evidence{Sigma: 1, Selection: multinomial(r, 100, p), Estimation: multinomial(r, 2000, p)}
			e.Class = e.Selection.Top()
			mono += certify(t, Mono{}, e, 0.001).Radius / 60
			two += certify(t, TwoBound{Clip: true}, e, 0.001).Radius / 60
			adaptive += certify(t, Adaptive{}, e, 0.001).Radius / 60
		}
		t.Logf("K = %d, p = %g: mono %.4f, two bounds %.4f, adaptive %.4f", len(p), p[0], mono, two,
			adaptive)
		if adaptive < 0.999*max(mono, two) {
			t.Errorf("K = %d, p = %g: mono %g, two bounds %g, adaptive %g", len(p), p[0], mono, two,
				adaptive)
		}
	}
}

func TestAdaptiveChoosesOnTheSelection(t *testing.T) {
	r := rand.New(rand.NewPCG(63, 64))
	seen := map[float64]int{}
	for range 300 {
		e, alpha := randomVotes(r), math.Exp(-1-10*r.Float64())
		chosen, _, err := Adaptive{}.plan(e, alpha)
		if err != nil {
			t.Fatal(err)
		}
		share := chosen.share
		seen[share]++
		n := e.Estimation.Total()
		c := certify(t, Adaptive{}, e, alpha)
		if (len(c.Ledger) == 1) != (share == 1) || !near(c.Alpha(), alpha, 1e-15) ||
			c.Ledger[0].Alpha != alpha*share {
			t.Errorf("share %g: %+v", share, c.Ledger)
		}
		other := *e // another estimation draw of as many
		other.Estimation = make(Votes, len(e.Estimation))
		other.Estimation[r.IntN(len(e.Estimation))] = n
		if again, _, _ := (Adaptive{}).plan(&other, alpha); again != chosen {
			t.Errorf("the plan %+v became %+v with the estimation draw", chosen, again)
		}
		if share == 1 && c.Radius != certify(t, Mono{}, e, alpha).Radius {
			t.Errorf("a share of 1 isn't Mono")
		}
		if share == 0.5 && c.Radius != certify(t, TwoBound{Clip: true}, e, alpha).Radius {
			t.Errorf("a share of 1/2 isn't two bounds")
		}
	}
	if len(seen) < 3 {
		t.Errorf("shares %v", seen)
	}
}

func TestAdaptiveCovers(t *testing.T) {
	const runs, alpha = 4000, 0.05
	for _, p := range hardPopulations {
		if wrong := coverage(t, always(Adaptive{}), trials{p, 80, runs}, alpha); wrong > excess(runs,
			alpha) {
			t.Errorf("%v: wrong %d times of %d", p, wrong, runs)
		}
	}
}

var hardPopulations = [][]float64{
	{0.5, 0.5}, {0.7, 0.3}, {0.9, 0.1}, {0.4, 0.3, 0.3}, {0.5, 0.3, 0.2}, {0.6, 0.3, 0.1},
	{0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, {0.25, 0.25, 0.25, 0.25}, {0.97, 0.02, 0.01},
}

func TestUnsoundShortcutsFail(t *testing.T) {
	const runs, alpha = 4000, 0.05
	// The second of ten selection draws is often not the second.
	wrong := coverage(t, always(UnsoundSecond{}), trials{[]float64{0.45, 0.3, 0.25}, 1000, runs / 4},
		alpha)
	if t.Logf("unsound-second: radius wrong %d times of %d", wrong,
		runs/4); wrong < 2*runs/4/20 { // 2α
		t.Errorf("unsound-second is wrong %d times of %d only", wrong, runs/4)
	}
	// The pair at α each: one of its two bounds fails more often than α. (The radius needs both
	// errors together, and two classes are each other's mirror, so that it seldom shows there.)
	r := rand.New(rand.NewPCG(71, 72))
	p := make([]float64, 42)
	for c := range p {
		p[c] = 0.01
	}
	p[0], p[1] = 0.5, 0.1
	selection := make(Votes, len(p))
	selection[0] = 10
	pair, two := 0, 0
	for range runs {
		e := &Evidence{Sigma: 1, Class: 0, Selection: selection, Estimation: multinomial(r, 1000, p)}
		fails := func(m Method) bool {
			c := certify(t, m, e, alpha)
			return c.Ledger[0].Value > p[0] || c.Ledger[1].Value < p[1]
		}
		pair, two = pair+b2i(fails(UnsoundPair{})), two+b2i(fails(TwoBound{}))
	}
	t.Logf("unsound-pair: a bound fails %d times of %d, of two bounds at α/2 %d", pair, runs, two)
	if limit := excess(runs, alpha); pair <= limit || two > limit {
		t.Errorf("unsound-pair: a bound fails %d times of %d, of two bounds at α/2 %d", pair, runs, two)
	}
}

func TestPaperLipschitz(t *testing.T) {
	r := rand.New(rand.NewPCG(81, 82))
	less := 0
	for range 200 {
		e := &Evidence{Sigma: 0.1 + r.Float64(), Selection: Votes{9, 1}, Estimation: Votes{400, 73},
			Margins: Histogram{Edges: []float64{-1, 0, 0.5, 1}, Counts: []int{r.IntN(300), 3, r.IntN(50),
				20, 400}}}
		e.Estimation[0] = e.Margins.Total() - e.Estimation[1]
		lambda, tau, alpha := math.Exp(2*r.NormFloat64()), math.Exp(r.NormFloat64()),
			math.Exp(-1-8*r.Float64())
		l := Lipschitz{Lambda: Claim(lambda), Tau: tau}
		exact, paper := certify(t, l, e, alpha), certify(t, PaperLipschitz(l), e, alpha)
		if paper.Radius > exact.Radius || paper.Class != exact.Class || paper.Alpha() != exact.Alpha() {
			t.Errorf("%+v: paper %+v, exact %+v", l, paper, exact)
		}
		if exact.Class != Abstain {
			want := l.Smoothed(e.Sigma).PaperRadius(exact.Ledger[0].Value)
			if !near(paper.Radius, want, 1e-12*want) {
				t.Errorf("%+v: %g, want T(p) = %g", l, paper.Radius, want)
			}
		}
		less += b2i(paper.Radius < 0.99*exact.Radius)
		l.Tau = 0
		if a, b := certify(t, l, e, alpha), certify(t, PaperLipschitz(l), e,
			alpha); a.Radius != b.Radius {
			t.Errorf("hard votes: %g, Mono %g", b.Radius, a.Radius)
		}
	}
	if less < 20 {
		t.Errorf("below the exact radius only %d times", less)
	}
}

// A ramp score along one direction, whose exact radius is known: neither soft certificate exceeds
// it more than α of the time.
func TestSoftMethodsCover(t *testing.T) {
	const runs, n, alpha = 1000, 60, 0.05
	for _, at := range []float64{0.05, 0.3} { // the margin at x is 2·at, Λ = 2
		for _, m := range []Method{Lipschitz{Lambda: Claim(2), Tau: 0.5},
			PaperLipschitz{Lambda: Claim(2), Tau: 0.5}} {
			r := rand.New(rand.NewPCG(91, 92))
			wrong := 0
			edges := make([]float64, 41)
			for i := range edges {
				edges[i] = float64(i-20) / 20
			}
			for range runs {
				e := &Evidence{Sigma: 0.5, Selection: Votes{9, 1}, Estimation: Votes{n, 0},
					Margins: Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}}
				for range n {
					margin := 2 * (at + 0.5*r.NormFloat64())
					bin := 0
					for bin < len(edges) && margin >= edges[bin] {
						bin++
					}
					e.Margins.Counts[bin]++
				}
				c := certify(t, m, e, alpha)
				wrong += b2i(c.Class != Abstain &&
					c.Radius > at+1e-12) // at distance at the margins are symmetric
			}
			if wrong > excess(runs, alpha) {
				t.Errorf("%T at %g: wrong %d times of %d", m, at, wrong, runs)
			}
		}
	}
}
