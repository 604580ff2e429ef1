package rs

import (
	"fmt"
	"math"
)

// Hedged is the one-sided hedged capital bound with predictable plug-in bets, for draws in [0, 1]
// in the order they came (Waudby-Smith & Ramdas, JRSS B 2024, section 4):
//
//	K_t(m) = Π_{i<=t} (1 + min(λ_i, c/m)(x_i - m)),  λ_i = √(2 ln(1/α)/(s²_{i-1} d_i)),
//
// where s² is the running variance, regularised by one draw of mean 1/2 and variance 1/4. The lower
// bound is the largest m with K >= 1/α. Hedged needs the order of the draws, so it is no Bound.
type Hedged struct {
	C      float64 // truncation c in (0, 1); 0 is 1/2
	FixedN bool    // d_i = n: valid at n draws only; else d_i = i ln(1+i), valid at any time
	Final  bool    // compare K_n; else the largest K_t, t <= n
}

// Lower returns b with P(mean < b) <= alpha.
func (h Hedged) Lower(x []float64, alpha float64) float64 {
	checkAlpha(alpha)
	for _, v := range x {
		if !(0 <= v && v <= 1) {
			panic(fmt.Sprintf("rs: a draw of %g, outside [0, 1]", v))
		}
	}
	bets := h.bets(x, alpha)
	target := -math.Log(alpha)
	wins := func(m float64) bool {
		running, final := h.logCapital(x, bets, m)
		if h.Final {
			return final >= target
		}
		return running >= target
	}
	lo, hi := 0.0, 1.0
	for range 60 {
		if mid := (lo + hi) / 2; wins(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return max(0, lo-meanSlack)
}

// Upper returns b with P(mean > b) <= alpha: 1 - Lower of 1-x.
func (h Hedged) Upper(x []float64, alpha float64) float64 {
	mirrored := make([]float64, len(x))
	for i, v := range x {
		mirrored[i] = 1 - v
	}
	return 1 - h.Lower(mirrored, alpha)
}

// logCapital returns ln K at m: the largest K_t, and K_n.
func (h Hedged) logCapital(x, bets []float64, m float64) (running, final float64) {
	running = math.Inf(-1)
	for i, v := range x {
		final += math.Log1p(min(bets[i], h.c()/m) * (v - m))
		running = max(running, final)
	}
	return running, final
}

func (h Hedged) c() float64 {
	switch {
	case h.C == 0:
		return 0.5
	case 0 < h.C && h.C < 1:
		return h.C
	}
	panic(fmt.Sprintf("rs: Hedged.C = %g, outside (0, 1)", h.C))
}

// bets returns λ_i, which depends on the draws before the i-th only.
func (h Hedged) bets(x []float64, alpha float64) []float64 {
	bets := make([]float64, len(x))
	variance, sum, squares := 0.25, 0.5, 0.25
	for j, v := range x {
		i := float64(j + 1)
		d := i * math.Log1p(i)
		if h.FixedN {
			d = float64(len(x))
		}
		bets[j] = math.Sqrt(-2 * math.Log(alpha) / (variance * d))
		sum += v
		mu := sum / (i + 1)
		squares += (v - mu) * (v - mu)
		variance = squares / (i + 1)
	}
	return bets
}
