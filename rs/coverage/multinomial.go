package coverage

import (
	"math"
	"math/rand/v2"

	"github.com/lipsmooth/lipsmooth/rs"
)

// A multinomial draws votes by conditional binomials, class by class. A class takes its part of the
// draws that are left, by its share of the probability that is left.
type multinomial struct {
	share []float64 // p_c / (p_c + p_{c+1} + …)
}

func newMultinomial(p []float64) multinomial {
	m := multinomial{make([]float64, len(p))}
	rest := 0.0
	for c := len(p) - 1; c >= 0; c-- {
		if rest += p[c]; rest > 0 {
			m.share[c] = p[c] / rest
		}
	}
	return m
}

// draw puts n draws into votes.
func (m multinomial) draw(n int, votes rs.Votes, r *rand.Rand) {
	clear(votes)
	for c, share := range m.share {
		if n == 0 {
			return
		}
		votes[c] = binomial(n, share, r)
		n -= votes[c]
	}
}

// binomial draws from Bin(n, p), exactly up to the rounding of float64. It inverts the distribution
// where the mean is small, and else uses transformed rejection (Hörmann, J. Stat. Comput. Simul.
// 46, 1993, algorithm BTRS).
func binomial(n int, p float64, r *rand.Rand) int {
	switch {
	case p > 0.5:
		return n - binomial(n, 1-p, r)
	case p <= 0:
		return 0
	case float64(n)*p < 12:
		return inversion(n, p, r)
	}
	return rejection(n, p, r)
}

func inversion(n int, p float64, r *rand.Rand) int {
	odds := p / (1 - p)
	for {
		u, mass := r.Float64(), math.Exp(float64(n)*math.Log1p(-p))
		for k := 0; k <= n; k++ {
			if u < mass {
				return k
			}
			u -= mass
			mass *= odds * float64(n-k) / float64(k+1)
		}
		// u lay in what rounding left over
	}
}

func rejection(n int, p float64, r *rand.Rand) int {
	N := float64(n)
	spread := math.Sqrt(N * p * (1 - p))
	b := 1.15 + 2.53*spread
	a := -0.0873 + 0.0248*b + 0.01*p
	center, quick := N*p+0.5, 0.92-4.2/b
	mode := math.Floor((N + 1) * p)
	logOdds := math.Log(p / (1 - p))
	top := logFactorial(mode) + logFactorial(N-mode)
	for {
		u, v := r.Float64()-0.5, r.Float64()
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + center)
		if us >= 0.07 && v <= quick {
			return int(k)
		}
		if !(0 <= k && k <= N) {
			continue
		}
		v *= (2.83 + 5.1/b) * spread / (a/(us*us) + b)
		if math.Log(v) <= top-logFactorial(k)-logFactorial(N-k)+(k-mode)*logOdds {
			return int(k)
		}
	}
}

func logFactorial(x float64) float64 {
	l, _ := math.Lgamma(x + 1)
	return l
}
