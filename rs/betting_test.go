package rs

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestBettingPrior(t *testing.T) {
	for _, n := range []int{1, 2, 10, 1000, 1e5, 1e9} {
		for _, alpha := range []float64{1e-12, 0.001, 0.05, 0.5, 0.99} {
			b := newBets(n, alpha)
			sum := 0.0
			for j, theta := range b.theta {
				if !(0 < theta && theta <= 1) || j > 0 && theta <= b.theta[j-1] {
					t.Fatalf("n = %d, α = %g: bets %v", n, alpha, b.theta)
				}
				sum += math.Exp(b.logWeight[j])
			}
			if !near(sum, 1, 1e-12) || len(b.theta) > 100 {
				t.Errorf("n = %d, α = %g: %d bets of weight %g", n, alpha, len(b.theta), sum)
			}
		}
	}
}

// The bound is where the whole mixture's wealth is 1/α, to what negligible leaves out.
func TestBettingIsTheRoot(t *testing.T) {
	const alpha = 0.001
	for _, s := range []Sample{Bernoulli(90, 100), Bernoulli(3, 1000), Bernoulli(70, 70),
		softSample(5000), Draws([]float64{0.2, 0.9, 0.9, 1, 1, 1})} {
		wealth := func(m float64) float64 {
			b := newBets(s.N, alpha)
			sum := 0.0
			for j, theta := range b.theta {
				log := b.logWeight[j]
				for i, c := range s.Counts {
					if c > 0 {
						log += float64(c) * math.Log(1-theta+theta*s.Lo[i]/m)
					}
				}
				sum += math.Exp(log)
			}
			return sum
		}
		m := Betting{}.Lower(s, alpha)
		if w := wealth(m); w < 1/alpha || w > 1.02/alpha {
			t.Errorf("%d draws: wealth %g at the bound %g", s.N, w, m)
		}
	}
	if m := (Betting{}).Lower(Bernoulli(0, 10), 0.1); m != 0 {
		t.Errorf("no votes: %g", m)
	}
}

// For votes, how much further than Clopper–Pearson; for soft draws, how much nearer than the rest.
func TestBettingIsTight(t *testing.T) {
	const alpha = 0.001
	for _, n := range []int{100, 1000, 10000, 100000} {
		all := Betting{}.Lower(Bernoulli(n, n), alpha)
		if limit := math.Pow(alpha/8, 1/float64(n)); all < limit {
			t.Errorf("all of %d: %g, below %g", n, all, limit)
		}
		for _, rate := range []float64{0.5, 0.7, 0.9, 0.95} {
			s := Bernoulli(int(rate*float64(n)+0.5), n)
			exact := ClopperPearson{}.Lower(s, alpha)
			if ratio := (rate - Betting{}.Lower(s, alpha)) / (rate - exact); ratio < 1 ||
				ratio > 1.42 {
				t.Errorf("%g of %d: %g times as far as Clopper–Pearson", rate, n, ratio)
			}
		}
		s := softSample(n)
		b := Betting{}.Lower(s, alpha)
		if h, m := (Hoeffding{}).Lower(s, alpha), (Bernstein{}).Lower(s, alpha); b < h || b < m {
			t.Errorf("n = %d: betting %g, Hoeffding %g, Bernstein %g", n, b, h, m)
		}
	}
}

// softSample has n soft votes in 514 bins.
func softSample(n int) Sample {
	r := rand.New(rand.NewPCG(1, 2))
	h := Histogram{Edges: make([]float64, 513), Counts: make([]int, 514)}
	for i := range h.Edges {
		h.Edges[i] = -1 + float64(i)/256
	}
	for range n {
		bin := int(math.Floor((0.4+0.35*r.NormFloat64()+1)*256)) + 1
		h.Counts[max(0, min(bin, 513))]++
	}
	return SoftVotes(h, 1)
}

func BenchmarkBetting(b *testing.B) {
	s := softSample(100000)
	for b.Loop() {
		Betting{}.Lower(s, 0.001)
	}
}
