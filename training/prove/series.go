package prove

import "math"

// A series is Σ c_n·Lⁿ·x for a skew convolution L, as SOC layers compute it (Singla & Feizi 2021).
type series struct {
	of   *value
	by   conv // zero where the series has one term
	norm float64
	c    []float64
}

// addSeries finds that a value is a series, and bounds it. It says whether that bound is one to go
// on from: circular convolutions compose anyway.
func (p *prover) addSeries(v *value) bool {
	sum, ok := p.seriesOf(v)
	if !ok || len(sum.c) < 2 {
		return false
	}
	p.series[v.id] = sum
	before, _, err := p.of(sum.of)
	if err != nil {
		return false
	}
	factor := sum.bound()
	p.bounds[v.id], p.rules[v.id] = times(before, factor), "series of a skew convolution"
	p.ratios[v.id] = ratio{sum.of, factor}
	return true
}

// seriesOf is the sum of the series of v's terms, of the latest value that one of them is of.
func (p *prover) seriesOf(v *value) (*series, bool) {
	var base *value
	for _, fresh := range []bool{false, true} {
		var all *series
		for _, t := range v.terms {
			s, ok := p.termSeries(t, fresh && t.of == base)
			if !ok {
				return nil, false
			}
			if base == nil || s.of.id > base.id {
				base = s.of
			}
			if all == nil {
				all = s
			} else if all, ok = all.plus(s); !ok {
				break
			}
		}
		if all != nil && all.by.weights != nil {
			return all, true
		}
	}
	return nil, false
}

// termSeries is the series of a term, of the term's own value where it is to be fresh.
func (p *prover) termSeries(t term, fresh bool) (*series, bool) {
	s := p.series[t.of.id]
	if s == nil || fresh {
		s = &series{of: t.of, c: []float64{1}}
	}
	switch l := t.by.(type) {
	case conv:
		if s.by.weights != nil && !s.by.equal(l) {
			s = &series{of: t.of, c: []float64{1}}
		}
		if s.by.weights == nil {
			if !l.isSkew() {
				return nil, false
			}
			s = &series{s.of, l, l.norm(p.work), s.c}
		}
		return &series{s.of, s.by, s.norm, append([]float64{0}, s.c...)}, true
	case pick:
		factor, ok := l.uniform()
		if !ok {
			return nil, false
		}
		c := make([]float64, len(s.c))
		for i := range c {
			c[i] = s.c[i] * factor
		}
		return &series{s.of, s.by, s.norm, c}, true
	}
	return nil, false
}

// plus adds two series of one value and one convolution.
func (s *series) plus(t *series) (*series, bool) {
	if s.of != t.of || s.by.weights != nil && t.by.weights != nil && !s.by.equal(t.by) {
		return nil, false
	}
	if s.by.weights == nil {
		s, t = t, s
	}
	c := make([]float64, max(len(s.c), len(t.c)))
	copy(c, s.c)
	for i, v := range t.c {
		c[i] += v
	}
	return &series{s.of, s.by, s.norm, c}, true
}

// uniform is the number by which a pick multiplies every entry, known to about u.
func (p pick) uniform() (float64, bool) {
	if !p.ordered() || p.transposed || len(p.from) == 0 ||
		p.off.of(math.Abs(p.factor(0))) > 8*u*math.Abs(p.factor(0)) {
		return 0, false
	}
	for i := range p.from {
		if p.factor(i) != p.factor(0) {
			return 0, false
		}
	}
	return p.factor(0), true
}

func (c conv) equal(b conv) bool {
	if !c.alike(b) || c.off != b.off {
		return false
	}
	for i, v := range c.weights {
		if v != b.weights[i] {
			return false
		}
	}
	return true
}

// isSkew says whether c's adjoint is -c.
func (c conv) isSkew() bool {
	t, ok := c.adjoint().(conv)
	if !ok || c.off != (inaccuracy{}) || !t.alike(c) {
		return false
	}
	for i, v := range c.weights {
		if v != -t.weights[i] {
			return false
		}
	}
	return true
}

// bound: the eigenvalues of L are i·t with |t| ≤ ‖L‖, and L is normal. So the norm is at most the
// largest |Σ c_n·(i·t)ⁿ| of them. Between two points of a grid that changes by at most the distance
// times Σ n·|c_n|·‖L‖ⁿ⁻¹.
func (s *series) bound() float64 {
	slope, size := 0.0, 0.0
	for n := len(s.c) - 1; n >= 0; n-- {
		slope = slope*s.norm + size
		size = size*s.norm + math.Abs(s.c[n])
	}
	if !(size > 0 && size < 1e100 && slope < 1e100) {
		return times(size, 1.01)
	}
	points := math.Ceil(min(2e5, 1e5*s.norm*slope/size)) + 1
	h, most := s.norm/points, 0.0
	for i := 0.0; i <= points; i++ {
		t, re, im := i*h, 0.0, 0.0
		for n := len(s.c) - 1; n >= 0; n-- {
			re, im = s.c[n]-im*t, re*t
		}
		most = max(most, re*re+im*im)
	}
	most = math.Sqrt(most)
	// Each number of the series, each product and each sum are known to some u of the sizes' sum.
	e := float64(40*len(s.c)+40) * u * size
	return plus(most, 1.01*e, 0.51*h*slope*1.01)
}
