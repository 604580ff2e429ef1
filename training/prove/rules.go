package prove

import (
	"math"

	"github.com/lipsmooth/lipsmooth/training/lip"
)

// A rule bounds a sum of maps of roots by the bounds of the roots. It returns +Inf where it doesn't
// apply.
type rule struct {
	name  string
	bound func(s *scope, parts []part, of bounds) float64
}

// bounds are those of roots.
type bounds func(*value) float64

// rules are tried in this order. A later one counts where its bound is smaller.
var rules = []rule{
	{"norm of linear maps", (*scope).sum},
	{"branches side by side", (*scope).sideBySide},
	{"centred slopes", (*scope).centred},
	{"sandwich", (*scope).sandwich},
}

// sum: norms of sums are at most sums of norms.
func (s *scope) sum(parts []part, of bounds) float64 {
	all := 0.0
	for _, f := range parts {
		all = plus(all, times(f.by.bounded(s.p.work), of(f.of)))
	}
	return all
}

// sideBySide: parts whose results have no entry in common are orthogonal.
func (s *scope) sideBySide(parts []part, of bounds) float64 {
	if len(parts) < 2 {
		return math.Inf(1)
	}
	seen := map[int]bool{}
	var all []float64
	for _, f := range parts {
		rows, ok := f.by.rows()
		if !ok {
			return math.Inf(1)
		}
		for _, r := range rows {
			if seen[r] {
				return math.Inf(1)
			}
			seen[r] = true
		}
		all = append(all, times(f.by.bounded(s.p.work), of(f.of)))
	}
	return hypot(all...)
}

// rows are those of the map's result that may differ from 0. It isn't ok where that is unknown, as
// entries of 0 may have errors.
func (c *composed) rows() (rows []int, ok bool) {
	l, isPick := c.l.(pick)
	if isPick && !l.transposed {
		for i, f := range l.from {
			if f >= 0 {
				rows = append(rows, i)
			}
		}
		return rows, true
	}
	s, ok := c.sparse()
	if !ok || s.Slack() > 0 {
		return nil, false
	}
	last := -1
	s.Each(func(row, _ int, _ float64) {
		if row != last {
			rows, last = append(rows, row), row
		}
	})
	return rows, true
}

// hidden finds the map before an activation of which parts are: of the activation's result y, and
// of its argument's root x. Both are nil where parts have another form. The map of x itself may be
// nil.
func (s *scope) hidden(parts []part) (x, y, inner *part) {
	if len(parts) > 2 {
		return nil, nil, nil
	}
	for i := range parts {
		f := &parts[i]
		if f.of.act == nil || !f.of.act.elementwise {
			continue
		}
		before, ok := s.form(f.of.arg)
		if !ok || len(before) != 1 {
			continue
		}
		if len(parts) == 1 {
			return nil, f, &before[0]
		}
		if other := &parts[1-i]; other.of == before[0].of {
			return other, f, &before[0]
		}
	}
	return nil, nil, nil
}

// step is x - Nᵀ·D·φ(N·x) + E·φ(N·x) with a diagonal D ≥ 0 and slopes of φ in [0, high]. In a
// region where φ has the slopes J, the symmetric Nᵀ·D·J·N lies between 0 and high·‖D^½·N‖², so the
// map lies between 1 - high·‖D^½·N‖² and 1; and ‖E·J·N‖ is at most high·‖E‖·‖N‖. SLL (Araujo et al.
// 2023) and CPL (Meunier et al. 2022) are such steps with a high·‖D^½·N‖² of at most 2.
//
// The step is plain where E is nearly 0. Then no sum of norms is smaller.
func (s *scope) step(parts []part) (factor float64, plain bool) {
	none := math.Inf(1)
	x, y, inner := s.hidden(parts)
	if x == nil || x.of != s.base || y.of.act.low < 0 {
		return none, false
	}
	if l, ok := x.by.l.(pick); !ok || !l.isSame() {
		return none, false
	}
	high := y.of.act.high
	d, rest, ok := s.p.matched(y.by, inner.by)
	if !ok {
		return none, false
	}
	scale := same(len(d))
	scale.scale = make([]float64, len(d))
	for i, v := range d {
		if v > 0 {
			scale.scale[i] = root(times(v, high))
		}
	}
	scaled, ok := inner.by.after(scale, s.p.work)
	if !ok {
		return none, false
	}
	w := scaled.bounded(s.p.work)
	more := times(high, rest, inner.by.rough(s.p.work))
	return plus(max(1, up(times(w, w)-1)), more), more < 1e-3
}

// matched finds a diagonal d ≥ 0 for which outer is nearly -innerᵀ·d, and bounds the norm of the
// rest.
func (p *prover) matched(outer, inner *composed) (d []float64, rest float64, ok bool) {
	if m, ok := outer.l.(conv); ok {
		if n, ok := inner.l.(conv); ok {
			if d, rest, ok = m.matched(n, p.work); ok {
				return d, rest, true
			}
		}
	}
	m, ok := outer.sparse()
	if !ok {
		return nil, 0, false
	}
	n, ok := inner.sparse()
	if !ok {
		return nil, 0, false
	}
	m = m.Transposed()
	hidden, columns := m.Size()
	if h, c := n.Size(); h != hidden || c != columns {
		return nil, 0, false
	}
	d = make([]float64, hidden)
	dot, square := make([]float64, hidden), make([]float64, hidden)
	mRows, nRows := byRow(m), byRow(n)
	for i := range d {
		values := map[int]float64{}
		for _, e := range nRows[i] {
			values[e.column] = e.v
			square[i] += e.v * e.v
		}
		for _, e := range mRows[i] {
			dot[i] += e.v * values[e.column]
		}
		d[i] = factorOf(dot[i], square[i])
	}
	r := lip.NewSparse(hidden, columns, 0, func(add func(row, column int, v float64)) {
		for i := range d {
			values := map[int]float64{}
			for _, e := range mRows[i] {
				values[e.column] = e.v
			}
			for _, e := range nRows[i] {
				values[e.column] = math.FMA(d[i], e.v, values[e.column])
			}
			for c, v := range values {
				add(i, c, v*(1+4*u))
			}
		}
	})
	return d, plus(r.Schur(), m.Slack(), times(largest(d), n.Slack())), true
}

// factorOf is -dot/square to the precision of float32, and at least 0. Entries of one channel have
// sums in different orders at the borders of an image; rounded, they agree.
func factorOf(dot, square float64) float64 {
	if square == 0 || dot >= 0 {
		return 0
	}
	return float64(float32(-dot / square))
}

// cell is an entry of a row.
type cell struct {
	column int
	v      float64
}

func byRow(s lip.Sparse) [][]cell {
	n, _ := s.Size()
	rows := make([][]cell, n)
	s.Each(func(row, column int, v float64) { rows[row] = append(rows[row], cell{column, v}) })
	return rows
}

// matched is that of convolutions: outer and the adjoint of inner have kernels of one shape.
func (c conv) matched(inner conv, w *work) (d []float64, rest float64, ok bool) {
	t, ok := inner.adjoint().(conv)
	if !ok || !t.alike(c) {
		return nil, 0, false
	}
	channels, places := c.in, c.places() // of the hidden side
	if c.transposed {
		channels, places = c.out, c.outPlaces()
	}
	hidden := func(i int) int {
		if c.transposed {
			return i / (len(c.weights) / c.out)
		}
		o, in := i/(len(c.weights)/c.out), i/c.taps()%(c.in/c.groups)
		return o/(c.out/c.groups)*(c.in/c.groups) + in
	}
	dot, square := make([]float64, channels), make([]float64, channels)
	for i, v := range t.weights {
		dot[hidden(i)] += v * c.weights[i]
		square[hidden(i)] += v * v
	}
	e := c.exact()
	e.weights = make([]float64, len(c.weights))
	most := 0.0
	for i, v := range t.weights {
		f := factorOf(dot[hidden(i)], square[hidden(i)])
		most = max(most, f)
		e.weights[i] = math.FMA(f, v, c.weights[i])
	}
	e.off = inaccuracy{rel: 4 * u}
	row, column, _, _ := e.sums()
	rest = plus(root(times(row, column)), e.slack(), c.slack(), times(most, inner.slack()))
	for h := range channels {
		f := factorOf(dot[h], square[h])
		for range places {
			d = append(d, f)
		}
	}
	return d, rest, true
}

// centred is M·φ(N·x), or with a part of x beside it: the slopes of φ are their middle, and a rest
// of at most half of their range. So the norm is at most that of the map with the middle slope,
// plus half the range times ‖M‖·‖N‖.
func (s *scope) centred(parts []part, of bounds) float64 {
	x, y, inner := s.hidden(parts)
	if y == nil || y.of.act.low <= -y.of.act.high {
		return math.Inf(1)
	}
	low, high := y.of.act.low, y.of.act.high
	middle, half := (low+high)/2, (high-low)/2*(1+4*u)
	both, ok := y.by.afterComposed(inner.by, s.p.work)
	if !ok {
		return math.Inf(1)
	}
	rows, _ := both.size()
	scale := same(rows)
	scale.scale, scale.off = make([]float64, rows), inaccuracy{rel: 4 * u}
	for i := range scale.scale {
		scale.scale[i] = middle
	}
	if both, ok = both.after(scale, s.p.work); ok && x != nil {
		both, ok = both.plus(x.by, s.p.work)
	}
	if !ok {
		return math.Inf(1)
	}
	rest := times(half, y.by.bounded(s.p.work), inner.by.bounded(s.p.work))
	return times(plus(both.bounded(s.p.work), rest), of(inner.of))
}

func (c *composed) size() (rows, columns int) {
	if c.l != nil {
		return c.l.size()
	}
	return c.s.Size()
}

// afterComposed returns c after another composed map.
func (c *composed) afterComposed(before *composed, w *work) (*composed, bool) {
	if c.l != nil {
		return before.after(c.l, w)
	}
	a, ok := before.sparse()
	if !ok || !w.spend(composeCost(*c.s, a)) {
		return nil, false
	}
	s, ok := c.s.After(a)
	if !ok {
		return nil, false
	}
	product := func() float64 { return times(c.bounded(w), before.bounded(w)) }
	return &composed{s: &s, product: product, norm: unknown}, true
}

// composeCost is about what After takes.
func composeCost(b, a lip.Sparse) float64 {
	rows, columns := a.Size()
	all, _ := b.Size()
	return 4*float64(b.Entries())*float64(a.Entries())/float64(max(rows, 1)) +
		float64(all)*float64(columns)
}

// sandwich is M·φ(N·x) with slopes of φ in [0, high]. For unit vectors a and b, p = Mᵀ·a and r =
// N·b, and any t > 0, aᵀ·M·J·N·b = Σ p·j·r ≤ high·¼Σ(t·p + r/t)², and so the norm is at most high·½
// times the square of that of [t·Mᵀ, N/t]. It is 1 for the layers of Wang & Manchester (2023).
func (s *scope) sandwich(parts []part, of bounds) float64 {
	x, y, inner := s.hidden(parts)
	if x != nil || y == nil || y.of.act.low < 0 {
		return math.Inf(1)
	}
	m, ok := y.by.sparse()
	if !ok || m.Entries() > maxSandwich {
		return math.Inf(1)
	}
	n, ok := inner.by.sparse()
	if !ok || n.Entries() > maxSandwich || n.Slack() > 0 || m.Slack() > 0 {
		return math.Inf(1)
	}
	m = m.Transposed()
	hidden, out := m.Size()
	_, in := n.Size()
	if !s.p.work.spend(4 * float64(hidden) * float64(m.Entries()+n.Entries())) {
		return math.Inf(1)
	}
	t := balance(byRow(m), byRow(n), out, in)
	stack := func(errors bool) lip.Sparse {
		return lip.NewSparse(hidden, out+in, 0, func(add func(row, column int, v float64)) {
			put := func(row, column int, v float64) {
				if errors {
					v *= 4 * u
				}
				add(row, column, v)
			}
			m.Each(func(row, column int, v float64) { put(row, column, v*t[row]) })
			n.Each(func(row, column int, v float64) { put(row, out+column, v/t[row]) })
		})
	}
	w := min(stack(false).Schur(), sparseNorm(stack(false), math.Inf(1), s.p.work))
	w = plus(w, stack(true).Schur())
	return times(y.of.act.high, 0.5, times(w, w), of(inner.of))
}

// maxSandwich bounds the entries of either matrix.
const maxSandwich = 1 << 20

// balance looks for numbers t by which the rows of [t·m, n/t] are as orthogonal as they can be. Any
// numbers prove a bound.
func balance(m, n [][]cell, out, in int) []float64 {
	hidden := len(m)
	t := make([]float64, hidden)
	for i := range t {
		t[i] = 1
	}
	gram := func(rows [][]cell, columns int) []float64 {
		g, x := make([]float64, hidden*hidden), make([]float64, columns)
		for i, row := range rows {
			clear(x)
			for _, e := range row {
				x[e.column] = e.v
			}
			for j, other := range rows {
				for _, e := range other {
					g[i*hidden+j] += e.v * x[e.column]
				}
			}
		}
		return g
	}
	if hidden > 2048 {
		return t
	}
	g, h := gram(m, out), gram(n, in)
	log := make([]float64, hidden) // of t
	for range 50 {
		for i := range log {
			sum, weight := 0.0, 0.0
			for j := range log {
				a, b := g[i*hidden+j], h[i*hidden+j]
				if i == j || a*b >= 0 {
					continue
				}
				w := math.Abs(a * b)
				sum += w * (math.Log(-b/a)/2 - log[j])
				weight += w
			}
			if weight > 0 {
				log[i] += 0.7 * (sum/weight - log[i])
			}
		}
	}
	for i, v := range log {
		if e := math.Exp(v); e > 1e-6 && e < 1e6 {
			t[i] = e
		}
	}
	return t
}
