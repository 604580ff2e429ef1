package prove

import (
	"fmt"
	"math"
	"slices"
)

// A prover bounds how much each value changes with the image.
type prover struct {
	work   *work
	whole  *scope
	bounds []float64 // of values, NaN before they are asked for
	rules  []string  // that gave the bounds
	series []*series // of each value, nil where it is none
	ratios []ratio   // of each value that has one
	steps  []Step
}

// A ratio bounds how much a value changes with another, which is nil where nothing is known.
type ratio struct {
	of     *value
	factor float64
}

// A scope writes values as sums of linear maps of roots: of activations, and of the base.
type scope struct {
	p     *prover
	base  *value
	forms [][]part
	cuts  bool // a sum that is too large may end at a value, which becomes a root
}

func (p *prover) scope(base *value, n int, cuts bool) *scope {
	s := &scope{p: p, base: base, forms: make([][]part, n), cuts: cuts}
	s.forms[base.id] = alone(base)
	return s
}

// form is a value as a sum of parts. It isn't ok where the sum would be too large.
func (s *scope) form(v *value) (parts []part, ok bool) {
	if f := s.forms[v.id]; f != nil {
		return f, true
	}
	if v.act != nil || len(v.terms) == 0 {
		s.forms[v.id] = alone(v)
		return s.forms[v.id], true
	}
	for _, t := range v.terms {
		of, ok := s.form(t.of)
		if !ok {
			return nil, false
		}
		next, ok := s.extend(parts, of, t.by)
		if !ok && s.cuts && !s.isRoot(t.of) {
			s.forms[t.of.id] = alone(t.of)
			next, ok = s.extend(parts, s.forms[t.of.id], t.by)
		}
		if !ok {
			return nil, false
		}
		parts = next
	}
	s.forms[v.id] = parts
	return parts, true
}

// isRoot says whether a value is written as itself.
func (s *scope) isRoot(v *value) bool {
	f := s.forms[v.id]
	return len(f) == 1 && f[0].of == v
}

// extend adds l after each part of a value to a sum of parts.
func (s *scope) extend(sum, of []part, l linear) ([]part, bool) {
	sum = slices.Clone(sum)
	for _, f := range of {
		c, ok := f.by.after(l, s.p.work)
		if !ok {
			return nil, false
		}
		i := slices.IndexFunc(sum, func(q part) bool { return q.of == f.of })
		if i < 0 {
			sum = append(sum, part{f.of, c})
			continue
		}
		if c, ok = sum[i].by.plus(c, s.p.work); !ok {
			return nil, false
		}
		sum[i].by = c
	}
	return sum, true
}

// bound is that of a value: how much it changes with the image.
func (p *prover) bound(v *value) float64 { return p.bounds[v.id] }

// add finds the bound of a value that follows those before it. Values that are only a step to
// others have a bound of NaN.
func (p *prover) add(v *value) error {
	if v.act == nil {
		return p.addLinear(v)
	}
	before, rule, err := p.of(v.arg)
	if err != nil {
		return err
	}
	if math.IsInf(v.act.stretch, 1) {
		return fmt.Errorf("%s: a product of values has no Lipschitz constant", v.node)
	}
	through := times(before, v.act.stretch)
	p.whole.forms[v.id], p.bounds[v.id] = alone(v), through
	p.steps = append(p.steps, Step{v.node, v.act.name, v.act.stretch, through, rule})
	return nil
}

// addLinear looks for steps that a sum ends.
func (p *prover) addLinear(v *value) error {
	if p.addSeries(v) {
		p.whole.forms[v.id] = alone(v)
		return nil
	}
	if len(v.terms) < 2 {
		return nil
	}
	for _, x := range p.starts(v) {
		local := p.scope(x, len(p.bounds), false)
		parts, ok := local.form(v)
		if !ok {
			continue
		}
		factor, plain := local.step(parts)
		if math.IsInf(factor, 1) {
			continue
		}
		before, _, err := p.of(x)
		if err != nil {
			return err
		}
		through := func(y *value) float64 {
			if y == x {
				return 1
			}
			return times(y.act.stretch, local.forms[y.arg.id][0].by.bounded(p.work))
		}
		if plain || factor < local.sum(parts, through) {
			p.whole.forms[v.id], p.bounds[v.id] = alone(v), times(factor, before)
			p.rules[v.id], p.ratios[v.id] = "1-Lipschitz step", ratio{x, factor}
			p.steps = append(p.steps, Step{v.node, "sum", factor, p.bounds[v.id], p.rules[v.id]})
			return nil
		}
	}
	return nil
}

// starts are values of which a sum may be a step: those that it adds as they are, and those before
// an activation that it adds.
func (p *prover) starts(v *value) (all []*value) {
	for _, t := range v.terms {
		if l, ok := t.by.(pick); ok && l.isSame() {
			all = append(all, t.of)
		}
	}
	if len(all) > 0 {
		return all
	}
	parts, ok := p.whole.form(v)
	if !ok || len(parts) != 2 {
		return nil
	}
	for _, f := range parts {
		if f.of.act == nil || !f.of.act.elementwise || f.of.act.low < 0 {
			continue
		}
		all = append(all, f.of.arg)
		for i := 0; i < len(all) && len(all) < 12; i++ {
			for _, t := range all[i].terms {
				if !slices.Contains(all, t.of) {
					all = append(all, t.of)
				}
			}
		}
	}
	return slices.DeleteFunc(all, func(x *value) bool { return x.n != v.n })
}

// of bounds how much a value changes with the image, and names the rule that did.
func (p *prover) of(v *value) (bound float64, name string, err error) {
	if !math.IsNaN(p.bounds[v.id]) {
		return p.bounds[v.id], p.rules[v.id], nil
	}
	bound = math.Inf(1)
	parts, ok := p.whole.form(v)
	ok = ok && !p.whole.isRoot(v)
	if ok {
		for _, f := range parts {
			if _, _, err := p.of(f.of); err != nil {
				return 0, "", err
			}
		}
		for _, r := range rules {
			if b := r.bound(p.whole, parts, p.bound); b < bound*(1-1e-9) {
				bound, name = b, r.name
			}
		}
	}
	if !ok || len(parts) > 1 || p.worthSplitting(v, parts[0]) {
		b, err := p.local(v)
		if err != nil {
			return 0, "", err
		}
		if b < bound {
			bound, name = b, "parts one by one"
		}
	}
	if ok && len(parts) == 1 {
		if b := p.sandwiched(v, parts[0].of); b < bound*(1-1e-9) {
			bound, name = b, "sandwich"
		}
	}
	if math.IsInf(bound, 1) || math.IsNaN(bound) {
		return 0, "", fmt.Errorf("%s: no bound on what it stretches", v.node)
	}
	p.bounds[v.id], p.rules[v.id] = bound, name
	return bound, name, nil
}

// sandwiched is the rule of that name for maps that begin at a value shortly before an activation.
func (p *prover) sandwiched(v, y *value) float64 {
	bound := math.Inf(1)
	if y.act == nil || !y.act.elementwise || y.act.low < 0 {
		return bound
	}
	for x := y.arg; x.act == nil && len(x.terms) == 1; {
		x = x.terms[0].of
		local := p.scope(x, len(p.bounds), false)
		parts, ok := local.form(v)
		if !ok || len(parts) != 1 || p.whole.isRoot(x) {
			break
		}
		if _, _, err := p.of(x); err != nil {
			break
		}
		bound = min(bound, local.sandwich(parts, p.bound))
	}
	return bound
}

// worthSplitting says whether rules for the map after an activation may be better than the norm of
// all that follows.
func (p *prover) worthSplitting(v *value, only part) bool {
	a := only.of.act
	return a != nil && a.elementwise && len(v.terms) == 1 && v.terms[0].of != only.of &&
		v.terms[0].by.count() < 2e6
}

// parallel bounds values side by side that depend on different entries of one value, by the largest
// of their ratios.
func (p *prover) parallel(v *value) float64 {
	most, seen := 0.0, map[int32]bool{}
	var common *value
	for _, t := range v.terms {
		r := p.ratios[t.of.id]
		if r.of == nil || r.of.act != nil || len(r.of.terms) != 1 {
			return math.Inf(1)
		}
		x := r.of.terms[0]
		entries, ok := x.by.(pick)
		if !ok || entries.transposed || common != nil && x.of != common {
			return math.Inf(1)
		}
		common = x.of
		for _, f := range entries.from {
			if f >= 0 && seen[f] {
				return math.Inf(1)
			}
			seen[f] = true
		}
		most = max(most, times(t.by.norm(p.work), r.factor, entries.norm(p.work)))
	}
	before, _, err := p.of(common)
	if err != nil {
		return math.Inf(1)
	}
	return times(most, before)
}

// local bounds a sum by the bounds of the values that it adds.
func (p *prover) local(v *value) (float64, error) {
	var all []float64
	apart, seen := true, map[int32]bool{}
	for _, t := range v.terms {
		b, _, err := p.of(t.of)
		if err != nil {
			return 0, err
		}
		all = append(all, times(b, t.by.norm(p.work)))
		l, ok := t.by.(pick)
		if apart = apart && ok && !l.transposed; apart {
			for i, f := range l.from {
				if f >= 0 {
					apart = apart && !seen[int32(i)]
					seen[int32(i)] = true
				}
			}
		}
	}
	if apart {
		return min(hypot(all...), p.parallel(v)), nil
	}
	return plus(all...), nil
}
