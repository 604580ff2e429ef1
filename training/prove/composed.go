package prove

import (
	"math"

	"github.com/lipsmooth/lipsmooth/training/lip"
)

// A composed map is a linear map from a root: the image, what an activation returns, or a value at
// which composing ended.
type composed struct {
	l       linear         // a small form of it, or nil
	s       *lip.Sparse    // its entries, or nil
	product func() float64 // bounds its norm by those of its parts; nil where l is not
	norm    float64        // bounds its norm; NaN before it is asked for
}

// A part of a value is a map of a root.
type part struct {
	of *value
	by *composed
}

// unknown is a bound that was not computed yet.
var unknown = math.NaN()

// alone is a value as a map of itself.
func alone(v *value) []part {
	return []part{{v, &composed{l: same(v.n), norm: unknown}}}
}

// sparse is the map as a matrix. It isn't ok where that is too large.
func (c *composed) sparse() (lip.Sparse, bool) {
	if c.s == nil {
		s, ok := sparse(c.l)
		if !ok {
			return s, false
		}
		c.s = &s
	}
	return *c.s, true
}

// rough is a proved bound that is soon computed, for what is multiplied by nearly 0.
func (c *composed) rough(w *work) float64 {
	if l, ok := c.l.(conv); ok && math.IsNaN(c.norm) {
		row, column, _, _ := l.sums()
		return plus(root(times(row, column)), l.slack())
	}
	return c.bounded(w)
}

// bounded is a proved bound on the norm.
func (c *composed) bounded(w *work) float64 {
	if !math.IsNaN(c.norm) {
		return c.norm
	}
	if c.l != nil {
		c.norm = c.l.norm(w)
		return c.norm
	}
	c.norm = min(c.product(), c.s.Schur())
	c.norm = min(c.norm, sparseNorm(*c.s, c.norm, w))
	return c.norm
}

// after returns l after c. It isn't ok where the composed map would be too large.
func (c *composed) after(l linear, w *work) (*composed, bool) {
	n := &composed{norm: unknown}
	if c.l != nil {
		var ok bool
		if n.l, ok = compose(l, c.l); ok {
			return n, true
		}
		n.l = nil
	}
	a, ok := c.sparse()
	if !ok {
		return nil, false
	}
	b, ok := sparse(l)
	if !ok {
		return nil, false
	}
	if !w.spend(composeCost(b, a)) {
		return nil, false
	}
	s, ok := b.After(a)
	if !ok {
		return nil, false
	}
	n.s, n.product = &s, func() float64 { return times(l.norm(w), c.bounded(w)) }
	return n, true
}

// plus returns the sum of two maps. It isn't ok where that would be too large.
func (c *composed) plus(d *composed, w *work) (*composed, bool) {
	n := &composed{norm: unknown}
	if c.l != nil && d.l != nil {
		var ok bool
		if n.l, ok = add(c.l, d.l); ok {
			return n, true
		}
		n.l = nil
	}
	a, ok := c.sparse()
	if !ok {
		return nil, false
	}
	b, ok := d.sparse()
	if !ok {
		return nil, false
	}
	rows, columns := a.Size()
	s := lip.NewSparse(rows, columns, plus(a.Slack(), b.Slack()),
		func(add func(row, column int, v float64)) {
			a.Each(add)
			b.Each(add)
		})
	n.s, n.product = &s, func() float64 { return plus(c.bounded(w), d.bounded(w)) }
	return n, true
}
