package rs

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// starCases are draws whose mean is known.
var starCases = []struct {
	name string
	mean float64
	draw func(r *rand.Rand) float64
}{
	{"uniform", 0.5, (*rand.Rand).Float64},
	{"votes of 0.9", 0.9, func(r *rand.Rand) float64 { return float64(b2i(r.Float64() < 0.9)) }},
	{"votes of 0.02", 0.02, func(r *rand.Rand) float64 { return float64(b2i(r.Float64() < 0.02)) }},
	{"two points", 0.865, func(r *rand.Rand) float64 {
		return 0.9 - 0.7*float64(b2i(r.Float64() < 0.05))
	}},
	// clip(1/2 + z, 0, 1) of z normal, symmetric
	{"clipped ramp", 0.5, func(r *rand.Rand) float64 {
		return min(max(0.5+r.NormFloat64(), 0), 1)
	}},
}

func starDraws(r *rand.Rand, n int, draw func(r *rand.Rand) float64) Sample {
	x := make([]float64, n)
	for i := range x {
		x[i] = draw(r)
	}
	return Draws(x)
}

// Either side errs in at most a part α of the runs, each in an order of its own.
func TestSTaRCovers(t *testing.T) {
	const runs, n, alpha = 1000, 60, 0.05
	for _, c := range starCases {
		r := rand.New(rand.NewPCG(201, 202))
		below, above := 0, 0
		for i := range runs {
			b, s := OfExample(STaR{}, 5, i), starDraws(r, n, c.draw)
			below += b2i(c.mean < b.Lower(s, alpha))
			above += b2i(c.mean > b.Upper(s, alpha))
		}
		if limit := excess(runs, alpha); below > limit || above > limit {
			t.Errorf("%s: wrong %d times below and %d above of %d", c.name, below, above, runs)
		}
	}
}

// On average the bound is much nearer to the mean than Betting's.
func TestSTaRIsTight(t *testing.T) {
	const runs, alpha = 20, 0.001
	for n, most := range map[int]float64{200: 0.98, 1000: 0.9} {
		for _, c := range starCases {
			r := rand.New(rand.NewPCG(203, 204))
			star, betting := 0.0, 0.0
			for i := range runs {
				s := starDraws(r, n, c.draw)
				star += c.mean - STaR{Seed: uint64(i)}.Lower(s, alpha)
				betting += c.mean - Betting{}.Lower(s, alpha)
			}
			if !(star < most*betting) {
				t.Errorf("%s, n = %d: %g of Betting's distance", c.name, n, star/betting)
			}
		}
	}
}

// In big floats, the wealth against the bound reaches 1/α, and so it does against the end of each
// cell below, which may be the bound.
func TestSTaRRoundsOutward(t *testing.T) {
	r := rand.New(rand.NewPCG(205, 206))
	for i, c := range starCases {
		const alpha = 0.001
		b, s := STaR{Seed: uint64(i)}, starDraws(r, 400, c.draw)
		bound := b.Lower(s, alpha)
		g := newGame(s.shuffled(b.Seed), alpha)
		rejected := func(m float64) bool {
			w := bigNumber(1)
			for i, bet := range g.bets {
				for _, x := range g.x[g.blocks[i].from:g.blocks[i].to] {
					f := bigNumber(0).Mul(bigNumber(bet),
						bigNumber(0).Sub(bigNumber(x), bigNumber(m)))
					w.Mul(w, f.Add(f, bigNumber(1)))
				}
				if bigNumber(0).Mul(w, bigNumber(alpha)).Cmp(big.NewFloat(1)) >= 0 {
					return true
				}
			}
			return false
		}
		below := 0.0
		for _, end := range g.cells() {
			if lost := !g.play(end); lost != !rejected(end) {
				t.Errorf("%s: %g is rejected otherwise in big floats", c.name, end)
			} else if lost {
				if bound != below && !(below < bound && bound <= end && rejected(bound)) {
					t.Errorf("%s: the bound %g isn't rejected", c.name, bound)
				}
				break
			}
			below = end
		}
	}
}

// Bets and cells depend on the draws before them only.
func TestSTaRBetsAreFixedBefore(t *testing.T) {
	r := rand.New(rand.NewPCG(207, 208))
	for range 50 {
		x := starDraws(r, 320, (*rand.Rand).Float64).shuffled(1)
		g := newGame(x, 0.05)
		at := g.common + r.IntN(40)
		other := slices.Clone(x)
		for i := g.blocks[at].from; i < len(x); i++ {
			other[i] = r.Float64()
		}
		h, m := newGame(other, 0.05), 0.3+0.2*r.Float64()
		g.play(m)
		h.play(m)
		k := min(at+1, len(g.bets), len(h.bets))
		if k < g.common || !slices.Equal(g.bets[:k], h.bets[:k]) ||
			!slices.Equal(g.cells(), h.cells()) {
			t.Errorf("draws from %d on change what was before them", g.blocks[at].from)
		}
		for i, bet := range g.bets {
			if !(0 <= bet && bet*m <= allIn*(1+1e-15)) || i < g.common && bet > allIn {
				t.Errorf("bet %g at %g", bet, m)
			}
		}
	}
}

// Every order is equally likely, and another for each seed and example.
func TestShuffled(t *testing.T) {
	const runs = 12000
	s := Draws([]float64{0.1, 0.4, 0.4, 0.9})
	orders := map[string]int{}
	for i := range runs {
		x := s.shuffled(OfExample(STaR{}, 7, i).(STaR).Seed)
		orders[fmt.Sprint(x)]++
		if slices.Sort(x); !slices.Equal(x, []float64{0.1, 0.4, 0.4, 0.9}) {
			t.Fatalf("%v", x)
		}
	}
	for order, k := range orders {
		if len(orders) != 12 || k < 850 || k > 1150 {
			t.Errorf("%s: %d times of %d, %d orders", order, k, runs, len(orders))
		}
	}
	one := OfExample(STaR{}, 7, 1)
	if one == OfExample(STaR{}, 8, 1) || one != OfExample(STaR{}, 7, 1) {
		t.Error("the order isn't that of the seed")
	}
}

// The methods' own bound takes the seed of the run, and is Betting where draws may end early.
func TestSTaRIsTheDefault(t *testing.T) {
	e := ramp(rand.New(rand.NewPCG(209, 210)), 1.2, 0.5, 1000)
	l, other := Lipschitz{Lambda: Claim(1), Tau: 1}, Lipschitz{Lambda: Claim(1), Tau: 1, Seed: 1}
	named := Lipschitz{Lambda: Claim(1), Tau: 1, Bound: OfExample(STaR{}, 0, e.Index)}
	one, again := certify(t, l, e, 0.001), certify(t, named, e, 0.001)
	if one.Radius != again.Radius || one.Ledger[0].Bound != "star" {
		t.Errorf("%v, named %v", one, again)
	}
	if two := certify(t, other, e, 0.001); two.Radius == one.Radius {
		t.Errorf("radius %g whatever the seed", one.Radius)
	}
	e.Stops = []int{100, 1000}
	c := certify(t, l, e, 0.001)
	if c.Ledger[0].Bound != "betting at stops" || !(c.Radius < one.Radius) {
		t.Errorf("at stops %v, at a fixed number %v", c, one)
	}
}

func BenchmarkSTaR(b *testing.B) {
	s := softSample(10000)
	for b.Loop() {
		STaR{}.Lower(s, 0.001)
	}
}
