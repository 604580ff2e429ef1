package rs

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// normal is the normal distribution that the margins of a draw are taken for. It chooses levels,
// and nothing is certified by it.
type normal struct{ mean, deviation float64 }

// fit returns the normal distribution of a histogram of margins. Its deviation is widened for what
// few draws don't show, and is at most most: that of a Lipschitz margin can't exceed Λσ.
func fit(h Histogram, most float64) normal {
	n, sum, squares := 0, 0.0, 0.0
	last := len(h.Edges) - 1
	for i := 0; i < len(h.Counts); i++ {
		if four := h.Counts[i:]; len(four) >= 4 && four[0]|four[1]|four[2]|four[3] == 0 {
			i += 3 // most bins of a selection draw are empty
			continue
		}
		k := h.Counts[i]
		x := (h.Edges[max(i-1, 0)] + h.Edges[min(i, last)]) / 2
		n += k
		sum += x * float64(k)
		squares += x * x * float64(k)
	}
	if n < 2 {
		return normal{sum / max(1, float64(n)), most}
	}
	size := float64(n)
	mean := sum / size
	deviation := math.Sqrt(max(0, squares/size-mean*mean) * size / (size - 1))
	return normal{mean, min(most, deviation*(1+5/size))}
}

// choose returns the level with the largest radius to expect of n draws bounded at alpha: the rule
// of Isoperimetric. Where margins are normal with deviation κΛσ, a level z deviations below their
// mean has R = mean/Λ + σ (Φ⁻¹(p̲) - κz), which is concave in z. The best z is found to a part of a
// bin's width, and the level is the edge next to it.
func (l levels) choose(alpha float64, n int) int {
	if l.first == len(l.Margins.Edges) {
		return votes
	}
	kappa := l.deviation / (l.lambda * l.Sigma)
	quantile := -mathext.NormalQuantile(alpha)
	value := func(z float64) float64 { return expectedQuantile(z, quantile, n) - kappa*z }
	z := maximum(value, 0, 2+math.Sqrt(2*math.Log(float64(n)+1)))
	s := l.mean - z*l.deviation
	at := sort.SearchFloat64s(l.Margins.Edges, s)
	edges := l.Margins.Edges
	if at > l.first && (at == len(edges) || edges[at]-s > s-edges[at-1]) {
		at--
	}
	if at > l.first || !l.byVotes {
		return max(at, l.first)
	}
	return votes
}

// predict returns the radius to expect at a level of n draws bounded at alpha.
func (l levels) predict(at int, alpha float64, n int) float64 {
	s := 0.0
	if at != votes {
		s = l.Margins.Edges[at]
	}
	quantile := -mathext.NormalQuantile(alpha)
	return max(0, s-l.shift)/l.lambda + l.Sigma*expectedQuantile(l.below(s), quantile, n)
}

// below is how many deviations s lies below the mean.
func (n normal) below(s float64) float64 {
	switch {
	case n.deviation > 0:
		return (n.mean - s) / n.deviation
	case s > n.mean:
		return math.Inf(-1)
	}
	return math.Inf(1)
}

// expectedQuantile is about Φ⁻¹ of the Clopper–Pearson bound on n draws of which Φ(z) succeed. The
// bound's complement is 1 - exp(-g/(n - f/2)) for f failures and g the quantile of a Gamma variable
// of shape f+1, by Wilson and Hilferty; quantile is Φ⁻¹(1-α).
func expectedQuantile(z, quantile float64, n int) float64 {
	failures := float64(n) * math.Erfc(z/math.Sqrt2) / 2
	shape := failures + 1
	cube := 1 - 1/(9*shape) + quantile/(3*math.Sqrt(shape))
	return mathext.NormalQuantile(math.Exp(-shape * cube * cube * cube / (float64(n) - failures/2)))
}

// maximum returns about where a concave function on [lo, hi] is largest: golden sections.
func maximum(f func(float64) float64, lo, hi float64) float64 {
	const golden = 0.6180339887498949
	a, b := hi-golden*(hi-lo), lo+golden*(hi-lo)
	fa, fb := f(a), f(b)
	for hi-lo > 0.3 {
		if fa > fb {
			hi, b, fb = b, a, fa
			a = hi - golden*(hi-lo)
			fa = f(a)
		} else {
			lo, a, fa = a, b, fb
			b = lo + golden*(hi-lo)
			fb = f(b)
		}
	}
	return (lo + hi) / 2
}
