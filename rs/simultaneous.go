package rs

import (
	"fmt"
	"math"
)

// SimultaneousAlpha returns the level alpha/m, rounded down. m certificates at this level hold all
// together with probability at least 1-alpha, whatever their dependence.
func SimultaneousAlpha(alpha float64, m int) float64 {
	checkAlpha(alpha)
	checkImages(m)
	return share(alpha, m)
}

// share is alpha/m, rounded down, so that m of it are at most alpha. A power of two divides
// exactly.
func share(alpha float64, m int) float64 {
	if m&(m-1) == 0 {
		return alpha / float64(m)
	}
	return alpha / float64(m) * (1 - 0x1p-52)
}

// LeastDraws returns the least number of draws by which votes can certify a radius at alpha: where
// all agree, the lower bound on their probability, α^(1/n), must exceed 1/2.
func LeastDraws(alpha float64) int {
	checkAlpha(alpha)
	return int(math.Log(alpha)/-math.Ln2) + 1
}

// ExpectedWrong bounds the expected number of wrong certificates among m at alpha each, whatever
// their dependence: m·alpha, rounded up. An abstention isn't wrong.
func ExpectedWrong(alpha float64, m int) float64 {
	checkAlpha(alpha)
	checkImages(m)
	return float64(m) * alpha * (1 + 0x1p-52)
}

// WrongAtMost returns the least w such that more than w of m certificates are wrong with
// probability at most beta. The certificates are at alpha each, from independent noise. w is the
// (1-beta)-quantile of Bin(m, alpha), which bounds the number of wrong ones in distribution.
// Probabilities are rounded up by a part in 10^9.
func WrongAtMost(alpha float64, m int, beta float64) int {
	checkAlpha(alpha)
	checkAlpha(beta)
	checkImages(m)
	target := math.Log(beta) - 1e-9
	lo, hi := -1, m // more than hi are wrong with probability at most beta, more than lo aren't
	for hi-lo > 1 {
		if w := lo + (hi-lo)/2; logAtLeast(w+1, m, alpha) <= target {
			hi = w
		} else {
			lo = w
		}
	}
	return hi
}

// logAtLeast is ln P(Bin(m, p) >= k), 0 < k <= m.
func logAtLeast(k, m int, p float64) float64 {
	switch {
	case k == m:
		return float64(m) * math.Log(p)
	case float64(k) <= float64(m)*p: // at least about 1/2; the rest is the smaller sum
		below := 0.0
		if k == 1 {
			below = float64(m) * math.Log1p(-p)
		} else {
			below, _ = binomialTail(m-k+1, m, 1-p, p, math.FMA(float64(m), p, float64(1-k)))
		}
		return math.Log(-math.Expm1(min(below, 0)))
	}
	log, _ := binomialTail(k, m, p, 1-p, -math.FMA(float64(m), p, -float64(k)))
	return log
}

func checkImages(m int) {
	if m <= 0 {
		panic(fmt.Sprintf("rs: certificates of %d images", m))
	}
}
