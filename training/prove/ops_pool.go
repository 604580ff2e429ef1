package prove

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// pool reads a pool's window and the sides of its result.
func (l *lowering) pool(n node) (x item, per []int, w window, out [2]int, err error) {
	if x, per, err = l.images(n); err != nil {
		return
	}
	kernel, err := n.ints("kernel_shape", -1)
	if err != nil {
		return
	}
	if w, err = n.window(per[2:], kernel); err != nil {
		return
	}
	if out, err = w.out(n.integer("ceil_mode", 0) != 0); err != nil {
		return
	}
	if strings.HasPrefix(n.Attributes["auto_pad"].Text, "SAME") &&
		(w.dilation != [2]int{1, 1} || w.stride[0] > w.kernel[0] || w.stride[1] > w.kernel[1]) {
		err = errors.New("runtimes differ on its padding")
		return
	}
	err = sized(w.image(per[1], out))
	if float64(entriesOf(per[:2])*out[0]*out[1])*float64(w.kernel[0]*w.kernel[1]) > 4*maxEntries {
		err = errors.New("its windows have too many entries")
	}
	return
}

// windows are the entries of each window of a pool, channel by channel.
func (w window) windows(channels int, out [2]int) [][]int32 {
	c := w.conv(1, 1, 1, out)
	var all [][]int32
	for channel := range channels {
		for oy := range out[0] {
			for ox := range out[1] {
				var places []int32
				for ky := range w.kernel[0] {
					for kx := range w.kernel[1] {
						if y, x := c.at(0, oy, ky), c.at(1, ox, kx); y >= 0 && x >= 0 {
							places = append(places, int32((channel*w.side[0]+y)*w.side[1]+x))
						}
					}
				}
				all = append(all, places)
			}
		}
	}
	return all
}

func maxPool(l *lowering, n node) ([]item, error) {
	x, per, w, out, err := l.pool(n)
	if err != nil {
		return nil, err
	}
	windows := w.windows(per[1], out)
	if slices.ContainsFunc(windows, func(p []int32) bool { return len(p) == 0 }) {
		return nil, errors.New("a window without entries")
	}
	v := l.g.activation(label(n.Node), largestOf(windows, x.v.n), x.v, len(windows))
	o, err := l.whole(v, w.image(per[1], out))
	return []item{o}, err
}

func averagePool(l *lowering, n node) ([]item, error) {
	x, per, w, out, err := l.pool(n)
	if err != nil {
		return nil, err
	}
	for a, o := range out {
		beyond := (o-1)*w.stride[a] + (w.kernel[a]-1)*w.dilation[a] + 1 - w.before[a] - w.side[a]
		if n.integer("count_include_pad", 0) != 0 && beyond > w.after[a] {
			return nil, errors.New("runtimes differ on a window beyond the padding")
		}
		w.after[a] = max(w.after[a], beyond)
	}
	taps := w.kernel[0] * w.kernel[1]
	by := w.conv(per[1], per[1], per[1], out)
	shape := w.image(per[1], out)
	inside := w.before == [2]int{} && w.after == [2]int{} || n.integer("count_include_pad", 0) != 0
	if inside {
		f, off := inverse(taps)
		by.weights, by.off = slices.Repeat([]float64{f}, per[1]*taps), off
		o, err := l.whole(l.g.linear(label(n.Node), nil, term{x.v, by}), shape)
		return []item{o}, err
	}
	by.weights = slices.Repeat([]float64{1}, per[1]*taps)
	sum := l.g.linear(label(n.Node), nil, term{x.v, by})
	scale := pick{columns: sum.n, from: places(shape)}
	for _, p := range w.windows(per[1], out) {
		if len(p) == 0 {
			return nil, errors.New("a window without entries")
		}
		f, off := inverse(len(p))
		scale.scale = append(scale.scale, f)
		scale.off.rel = max(scale.off.rel, off.rel)
	}
	o, err := l.whole(l.g.linear(label(n.Node), nil, term{sum, scale}), shape)
	return []item{o}, err
}

// inverse is 1/n, rounded.
func inverse(n int) (float64, inaccuracy) {
	f := 1 / float64(n)
	if powersOfTwo([]float64{f}) {
		return f, inaccuracy{}
	}
	return f, inaccuracy{rel: u}
}

// globalPool reduces all places of each channel.
func globalPool(l *lowering, n node) ([]item, error) {
	x, err := n.value(0)
	if err != nil {
		return nil, err
	}
	var axes []int
	for a := 2; a < len(x.shape); a++ {
		axes = append(axes, a)
	}
	kind := map[string]string{"GlobalAveragePool": "ReduceMean", "GlobalMaxPool": "ReduceMax"}[n.Op]
	return l.reduced(n, x, kind, axes, true)
}

func reduce(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	axes, err := n.ints("axes", 1)
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 {
		if n.integer("noop_with_empty_axes", 0) != 0 {
			if n.Op == "ReduceL2" { // versions differ on whether it is the absolute value
				return nil, errors.New("it has no axes")
			}
			return []item{x}, nil
		}
		for a := range x.shape {
			axes = append(axes, a)
		}
	}
	keep := n.integer("keepdims", 1) != 0
	if x.c != nil {
		return reduceConstant(n.Op, x.c, len(axes), keep)
	}
	return l.reduced(n, x, n.Op, axes, keep)
}

// reduceConstant multiplies all integers of a constant, as sizes are computed.
func reduceConstant(op string, c *tensor, axes int, keep bool) ([]item, error) {
	if op != "ReduceProd" || c.isFloat() || axes != len(c.shape) || keep && len(c.shape) > 1 {
		return nil, errors.New("it reduces weights")
	}
	p := &tensor{i: []int64{1}, free: []bool{false}}
	for k, v := range c.i {
		if p.free[0] && c.ofBatch(k) {
			return nil, errBatch
		}
		p.i[0], p.free[0] = p.i[0]*v, p.free[0] || c.ofBatch(k)
	}
	if keep {
		p.shape = []int{1}
	}
	return []item{{c: p, shape: p.shape}}, nil
}

// reduced sums, averages and so on over axes of a value.
func (l *lowering) reduced(n node, x item, kind string, axes []int, keep bool) ([]item, error) {
	per := l.per(x)
	drop := map[int]bool{}
	for _, a := range axes {
		a, err := beside(a, len(per))
		if err != nil {
			return nil, err
		}
		drop[a] = true
	}
	kept, shape := slices.Clone(per), []int{}
	for a := range per {
		if drop[a] {
			kept[a] = 1
		}
		if !drop[a] || keep {
			shape = append(shape, kept[a])
		}
	}
	to := spread(kept, per) // of each entry, that of the result
	each, rows := len(to)/max(1, entriesOf(kept)), entriesOf(kept)
	if each == 0 {
		return nil, errors.New("it reduces nothing")
	}
	all := pick{columns: rows, from: to, transposed: true}
	name := label(n.Node)
	var v *value
	switch kind {
	case "ReduceSum":
		v = l.g.linear(name, nil, term{x.v, all.tidy()})
	case "ReduceMean":
		f, off := inverse(each)
		all.scale, all.off = slices.Repeat([]float64{f}, len(to)), off
		v = l.g.linear(name, nil, term{x.v, all.tidy()})
	case "ReduceL2":
		v = l.g.activation(name, norms(all.tidy(), nil), x.v, rows)
	case "ReduceMax", "ReduceMin":
		groups := make([][]int32, rows)
		for i, r := range to {
			groups[r] = append(groups[r], int32(i))
		}
		rank := 0
		if kind == "ReduceMin" {
			rank = each - 1
		}
		sorted := l.sorted(n, x.v, groups, fmt.Sprint(x.v.id, per, axesKey(drop, len(per))))
		p := pick{columns: sorted.n}
		for _, g := range groups {
			p.from = append(p.from, g[rank])
		}
		v = l.g.linear(name, nil, term{sorted, p})
	default:
		return nil, errors.New("nothing is proved of this operation")
	}
	o, err := l.whole(v, shape)
	return []item{o}, err
}

func axesKey(drop map[int]bool, rank int) (axes []int) {
	for a := range rank {
		if drop[a] {
			axes = append(axes, a)
		}
	}
	return axes
}

// sorted is a value with each group of entries sorted, once for all that ask with the same key.
func (l *lowering) sorted(n node, v *value, groups [][]int32, key string) *value {
	s, ok := l.sorts[key]
	if !ok {
		s = l.g.activation(label(n.Node), sorts(groups), v, v.n)
		l.sorts[key] = s
	}
	return s
}

// topK sorts an axis and keeps the first entries. What says where they were isn't known.
func topK(l *lowering, n node) ([]item, error) {
	x, err := n.value(0)
	if err != nil {
		return nil, err
	}
	k, err := n.ints("", 1)
	if err != nil {
		return nil, err
	}
	if has(n.Attributes, "k") {
		k = []int{n.integer("k", 0)}
	}
	a, err := x.axis(n.integer("axis", -1))
	if err != nil {
		return nil, err
	}
	per := l.per(x)
	if len(k) != 1 || k[0] < 1 || k[0] > per[a] || n.integer("sorted", 1) == 0 && k[0] != per[a] {
		return nil, fmt.Errorf("the first %v of %d", k, per[a])
	}
	if n.integer("sorted", 1) == 0 {
		return nil, errors.New("the order of its result isn't known")
	}
	kept := slices.Clone(per)
	kept[a] = 1
	groups := make([][]int32, entriesOf(kept))
	for i, r := range spread(kept, per) {
		groups[r] = append(groups[r], int32(i))
	}
	s := l.sorted(n, x.v, groups, fmt.Sprint(x.v.id, per, []int{a}))
	smallest := n.integer("largest", 1) == 0
	kept[a] = k[0]
	out, err := l.moved(n, item{v: s, shape: x.shape}, kept, gathered(per, kept,
		func(at, source []int) bool {
			copy(source, at)
			if smallest {
				source[a] = per[a] - 1 - at[a]
			}
			return true
		}))
	return out, err
}

// extreme is the largest or the smallest of items, entry by entry.
func extreme(l *lowering, n node) ([]item, error) {
	if len(n.in) == 0 {
		return nil, errors.New("it has no inputs")
	}
	all := n.in[0]
	var values []item
	for k, i := range n.in {
		switch {
		case i.v == nil && i.c == nil:
			return nil, errors.New("an input is left out")
		case i.v != nil:
			values = append(values, i)
		case k > 0 && all.c != nil:
			c, err := arithmetic(n.Op, all.c, i.c)
			if err != nil {
				return nil, err
			}
			all = item{c: c, shape: c.shape}
		}
	}
	switch {
	case len(values) == 0:
		return []item{all}, nil
	case len(values) == len(n.in):
		return l.between(n, values)
	case len(n.in) == 2:
		return l.against(n, n.in[0], n.in[1])
	}
	return nil, errors.New("values beside constants are known only in pairs")
}

// against is the larger or the smaller of a value and a constant.
func (l *lowering) against(n node, a, b item) ([]item, error) {
	x, c := a, b.c
	if a.c != nil {
		x, c = b, a.c
	}
	shape, err := l.binary(a, b)
	if err != nil {
		return nil, err
	}
	limit, err := spreadConstant(c, shape)
	if err != nil {
		return nil, err
	}
	t := l.scaledPick(x, shape, nil, inaccuracy{})
	v := x.v
	if !t.by.(pick).isSame() {
		v = l.g.linear(label(n.Node), nil, t)
	}
	f := slopes("limit", 0, 1, nil)
	f.eval = func(x []float64) []float64 {
		y := make([]float64, len(x))
		for i, v := range x {
			if y[i] = max(v, limit[i]); n.Op == "Min" {
				y[i] = min(v, limit[i])
			}
		}
		return y
	}
	o, err := l.whole(l.g.activation(label(n.Node), f, v, v.n), shape)
	return []item{o}, err
}

// between sorts values entry by entry. Max and Min of the same values share what is sorted, so
// together they are 1-Lipschitz.
func (l *lowering) between(n node, values []item) ([]item, error) {
	values = slices.Clone(values)
	slices.SortStableFunc(values, func(a, b item) int { return a.v.id - b.v.id })
	shape := l.per(values[0])
	for _, v := range values[1:] {
		if v.shape[0] != values[0].shape[0] {
			return nil, fmt.Errorf("shapes %v and %v mix images", v.shape, values[0].shape)
		}
		var err error
		so := item{v: v.v, shape: append([]int{v.shape[0]}, shape[1:]...)}
		if shape, err = l.binary(v, so); err != nil {
			return nil, err
		}
	}
	size, key := entriesOf(shape), fmt.Sprint(shape)
	for _, v := range values {
		key += fmt.Sprint(" ", v.v.id, v.shape)
	}
	s, ok := l.sorts[key]
	if !ok {
		var terms []term
		groups := make([][]int32, size)
		for k, v := range values {
			p := pick{columns: v.v.n, from: slices.Repeat([]int32{-1}, size*len(values))}
			copy(p.from[k*size:], spread(l.per(v), shape))
			terms = append(terms, term{v.v, p})
			for i := range groups {
				groups[i] = append(groups[i], int32(k*size+i))
			}
		}
		s = l.sorted(n, l.g.linear(label(n.Node), nil, terms...), groups, key)
	}
	rank := 0
	if n.Op == "Min" {
		rank = len(values) - 1
	}
	p := pick{columns: s.n}
	for i := range size {
		p.from = append(p.from, int32(rank*size+i))
	}
	o, err := l.whole(l.g.linear(label(n.Node), nil, term{s, p}), shape)
	return []item{o}, err
}
