package prove

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// shaped is an item with another shape, its entries in the same order.
func (l *lowering) shaped(i item, shape []int) ([]item, error) {
	if err := sized(shape); err != nil {
		return nil, err
	}
	if entriesOf(shape) != entriesOf(i.shape) {
		return nil, fmt.Errorf("%v can't have the shape %v", i.shape, shape)
	}
	if i.c != nil {
		c := *i.c
		c.shape = shape
		return []item{{c: &c, shape: shape}}, nil
	}
	if len(shape) == 0 || shape[0]%l.batch != 0 {
		return nil, fmt.Errorf("the shape %v mixes images", shape)
	}
	return []item{{v: i.v, shape: shape}}, nil
}

func (n node) first() (item, error) {
	if !n.has(0) {
		return item{}, errors.New("it has no input")
	}
	return n.in[0], nil
}

func reshape(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	to, err := n.sizes("shape", 1, x.v != nil)
	if err != nil {
		return nil, err
	}
	if x.v != nil && l.free && len(to) > 0 && to[0] > 0 && !(n.has(1) && n.in[1].c.ofBatch(0)) {
		return nil, fmt.Errorf("the shape %v fixes the number of images", to)
	}
	shape, free, known := slices.Clone(to), -1, 1
	for a, d := range to {
		switch {
		case d == -1 && free < 0:
			free = a
			continue
		case d == 0 && n.integer("allowzero", 0) == 0 && a < len(x.shape):
			shape[a] = x.shape[a]
		case d < 0 || d > maxEntries:
			return nil, fmt.Errorf("the shape %v", to)
		}
		if known *= shape[a]; known > maxEntries {
			return nil, fmt.Errorf("the shape %v", to)
		}
	}
	if free >= 0 {
		if known == 0 || entriesOf(x.shape)%known != 0 {
			return nil, fmt.Errorf("%v can't have the shape %v", x.shape, to)
		}
		shape[free] = entriesOf(x.shape) / known
	}
	return l.shaped(x, shape)
}

func flatten(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	a := n.integer("axis", 1)
	if a < 0 {
		a += len(x.shape)
	}
	if a < 0 || a > len(x.shape) {
		return nil, fmt.Errorf("axis %d of %d", a, len(x.shape))
	}
	return l.shaped(x, []int{entriesOf(x.shape[:a]), entriesOf(x.shape[a:])})
}

func squeeze(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	axes, err := n.ints("axes", 1)
	if err != nil {
		return nil, err
	}
	if axes == nil {
		if x.v != nil && x.shape[0] <= l.batch {
			return nil, errors.New("it drops the axis of the images where there is one image")
		}
		for a, d := range x.shape {
			if d == 1 {
				axes = append(axes, a)
			}
		}
	}
	drop := map[int]bool{}
	for _, a := range axes {
		if a, err = x.axis(a); err != nil {
			return nil, err
		}
		if x.shape[a] != 1 {
			return nil, fmt.Errorf("axis %d has %d entries", a, x.shape[a])
		}
		drop[a] = true
	}
	shape := []int{}
	for a, d := range x.shape {
		if !drop[a] {
			shape = append(shape, d)
		}
	}
	return l.shaped(x, shape)
}

func unsqueeze(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	axes, err := n.ints("axes", 1)
	if err != nil {
		return nil, err
	}
	rank, add := len(x.shape)+len(axes), map[int]bool{}
	for _, a := range axes {
		if a, err = axisOf(a, rank); err != nil {
			return nil, err
		}
		add[a] = true
	}
	var shape []int
	rest := x.shape
	for a := range rank {
		if add[a] || len(rest) == 0 {
			shape = append(shape, 1)
			continue
		}
		shape, rest = append(shape, rest[0]), rest[1:]
	}
	return l.shaped(x, shape)
}

func transpose(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	perm, err := n.ints("perm", -1)
	if err != nil {
		return nil, err
	}
	if perm == nil {
		for a := range x.shape {
			perm = append(perm, len(x.shape)-1-a)
		}
	}
	sorted := slices.Sorted(slices.Values(perm))
	for a, p := range sorted {
		if a != p {
			return nil, fmt.Errorf("no order of axes: %v", perm)
		}
	}
	if len(perm) != len(x.shape) || x.v != nil && perm[0] != 0 {
		return nil, fmt.Errorf("the order of axes %v moves the images' axis", perm)
	}
	from := l.per(x)
	to := make([]int, len(perm))
	for a, p := range perm {
		to[a] = from[p]
	}
	return l.moved(n, x, to, gathered(from, to, func(at, source []int) bool {
		for a, p := range perm {
			source[p] = at[a]
		}
		return true
	}))
}

func slice(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	var given [4][]int
	for k, name := range []string{"starts", "ends", "axes", "steps"} {
		if given[k], err = n.sizes(name, k+1, x.v != nil && k == 1); err != nil {
			return nil, err
		}
	}
	starts, ends, axes, steps := given[0], given[1], given[2], given[3]
	ofBatch := n.has(2) && n.in[2].c.ofBatch(0)
	from := l.per(x)
	to, first := slices.Clone(from), make([]int, len(from))
	step := slices.Repeat([]int{1}, len(from))
	if len(starts) != len(ends) || axes != nil && len(axes) != len(starts) ||
		steps != nil && len(steps) != len(starts) {
		return nil, errors.New("starts, ends, axes and steps have different lengths")
	}
	for k := range starts {
		a := k
		if axes != nil {
			a = axes[k]
		}
		if a, err = axisOf(a, len(from)); err != nil {
			return nil, err
		}
		d, by := from[a], 1
		if steps != nil {
			by = steps[k]
		}
		if by == 0 {
			return nil, errors.New("a step of 0")
		}
		if x.v != nil && a == 0 {
			all := ends[k] >= 1<<30 || ends[k] >= x.shape[0] && (!l.free || k == 0 && ofBatch)
			if starts[k] != 0 || by != 1 || !all {
				return nil, errors.New("it takes some of the images")
			}
			continue
		}
		if d == 0 {
			continue
		}
		if k == 0 && ofBatch {
			return nil, errBatch
		}
		clamp := func(i, low, high int) int {
			if i < 0 {
				i += d
			}
			return max(low, min(high, i))
		}
		var count int
		if by > 0 {
			first[a] = clamp(starts[k], 0, d)
			count = (clamp(ends[k], 0, d) - first[a] + by - 1) / by
		} else {
			first[a] = clamp(starts[k], 0, d-1)
			count = (first[a] - clamp(ends[k], -1, d-1) - by - 1) / -by
		}
		to[a], step[a] = max(0, count), by
	}
	return l.moved(n, x, to, gathered(from, to, func(at, source []int) bool {
		for a, i := range at {
			source[a] = first[a] + i*step[a]
		}
		return true
	}))
}

// part is what an item has on an axis from first on.
func (l *lowering) part(n node, x item, axis, first, count int) (item, error) {
	from := l.per(x)
	to := slices.Clone(from)
	to[axis] = count
	out, err := l.moved(n, x, to, gathered(from, to, func(at, source []int) bool {
		copy(source, at)
		source[axis] += first
		return true
	}))
	if err != nil {
		return item{}, err
	}
	return out[0], nil
}

func splitOp(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	a, err := x.axis(n.integer("axis", 0))
	if err != nil {
		return nil, err
	}
	sizes, err := n.ints("split", 1)
	if err != nil {
		return nil, err
	}
	d := x.shape[a]
	if sizes == nil {
		parts := n.integer("num_outputs", len(n.Outputs))
		if parts < 1 || parts > d {
			return nil, fmt.Errorf("%d parts of %d", parts, d)
		}
		each := (d + parts - 1) / parts
		for rest := d; rest > 0; rest -= each {
			sizes = append(sizes, min(each, rest))
		}
	}
	var out []item
	first := 0
	for _, s := range sizes {
		if s < 0 || first+s > d {
			return nil, fmt.Errorf("parts %v of %d", sizes, d)
		}
		o, err := l.part(n, x, a, first, s)
		if err != nil {
			return nil, err
		}
		out, first = append(out, o), first+s
	}
	if first != d {
		return nil, fmt.Errorf("parts %v of %d", sizes, d)
	}
	return out, nil
}

func gather(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	c, err := n.constant(1)
	if err != nil {
		return nil, err
	}
	index, err := c.ints(false)
	if err != nil {
		return nil, err
	}
	a, err := x.axis(n.integer("axis", 0))
	if err != nil {
		return nil, err
	}
	from := l.per(x)
	for k, i := range index {
		if i < 0 {
			index[k] += from[a]
		}
		if index[k] < 0 || index[k] >= from[a] {
			return nil, fmt.Errorf("index %d of %d", i, from[a])
		}
	}
	to := slices.Concat(from[:a], c.shape, from[a+1:])
	if err := sized(to); err != nil {
		return nil, err
	}
	r, s := len(c.shape), strides(c.shape)
	return l.moved(n, x, to, gathered(from, to, func(at, source []int) bool {
		copy(source, at[:a])
		copy(source[a+1:], at[a+r:])
		k := 0
		for j, i := range at[a : a+r] {
			k += i * s[j]
		}
		source[a] = index[k]
		return true
	}))
}

func concat(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	rank := len(x.shape)
	constant := !slices.ContainsFunc(n.in, func(i item) bool { return i.v != nil })
	a, err := axisOf(n.integer("axis", 0), rank)
	if err != nil {
		return nil, err
	}
	if !constant && a == 0 {
		return nil, errors.New("it acts along the axis of the images")
	}
	for k, i := range n.in {
		if i.v == nil && i.c == nil || len(i.shape) != rank {
			return nil, fmt.Errorf("input %d has another shape", k)
		}
		// A constant beside values has to be the same for every image.
		if i.c != nil && !constant {
			if i.c.isFloat() && i.shape[0] == l.batch && l.batch == 1 {
				continue
			}
			return nil, fmt.Errorf("input %d is a constant beside values", k)
		}
	}
	to, firsts := slices.Clone(l.per(x)), make([]int, len(n.in))
	to[a] = 0
	for k, i := range n.in {
		p := l.per(i)
		for b := range p {
			if b != a && p[b] != to[b] {
				return nil, fmt.Errorf("input %d has another shape", k)
			}
		}
		firsts[k] = to[a]
		to[a] += p[a]
	}
	if err := sized(to); err != nil {
		return nil, err
	}
	placesOf := func(k int) []int32 {
		p := l.per(n.in[k])
		return gathered(p, to, func(at, source []int) bool {
			copy(source, at)
			source[a] -= firsts[k]
			return source[a] >= 0 && source[a] < p[a]
		})
	}
	if constant {
		return concatConstants(n.in, to, placesOf)
	}
	var terms []term
	offset := make([]float64, entriesOf(to))
	for k, i := range n.in {
		from := placesOf(k)
		if i.v != nil {
			terms = append(terms, term{i.v, pick{columns: i.v.n, from: from}})
			continue
		}
		for j, f := range from {
			if f >= 0 {
				offset[j] = i.c.f[f]
			}
		}
	}
	o, err := l.whole(l.g.linear(label(n.Node), offset, terms...), to)
	return []item{o}, err
}

func concatConstants(in []item, to []int, placesOf func(k int) []int32) ([]item, error) {
	sum := &tensor{shape: to}
	for k, i := range in {
		c := i.c.at(placesOf(k), to, 0)
		switch {
		case k == 0:
			sum = c
		case c.isFloat() != sum.isFloat():
			return nil, errors.New("integers beside floating-point numbers")
		case c.isFloat():
			for j, v := range c.f {
				sum.f[j] += v
			}
			sum.off = max(sum.off, c.off)
		default:
			for j, v := range c.i {
				sum.i[j] += v
			}
			sum.free = either(sum.free, c.free)
		}
	}
	return []item{{c: sum, shape: to}}, nil
}

// either says where one of two is true; nil is false everywhere.
func either(a, b []bool) []bool {
	if a == nil || b == nil {
		return slices.Concat(a, b)
	}
	a = slices.Clone(a)
	for k := range a {
		a[k] = a[k] || b[k]
	}
	return a
}

func expand(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	want, err := n.sizes("", 1, x.v != nil)
	if err != nil {
		return nil, err
	}
	if n.has(1) && n.in[1].c.ofBatch(0) && len(want) != len(x.shape) {
		return nil, errBatch
	}
	full, err := broadcast(x.shape, want)
	if err != nil {
		return nil, err
	}
	if x.v != nil {
		if len(full) != len(x.shape) || full[0] != x.shape[0] {
			return nil, errors.New("it repeats images")
		}
		full[0] /= l.batch
	}
	return l.moved(n, x, full, spread(l.per(x), full))
}

// fill is the constant that a Pad has beyond the image.
func (n node) fill() (float64, error) {
	if !n.has(2) {
		return n.float("value", 0), nil
	}
	c, err := n.floats(2)
	if err == nil && len(c.f) != 1 {
		err = errors.New("it pads with more than one number")
	}
	if err != nil {
		return 0, err
	}
	return c.f[0], nil
}

func pad(l *lowering, n node) ([]item, error) {
	x, err := n.value(0)
	if err != nil {
		return nil, err
	}
	pads, err := n.ints("pads", 1)
	if err != nil {
		return nil, err
	}
	axes, err := n.ints("", 3)
	if err != nil {
		return nil, err
	}
	fill, err := n.fill()
	if err != nil {
		return nil, err
	}
	from := l.per(x)
	if axes == nil {
		for a := range from {
			axes = append(axes, a)
		}
	}
	if len(pads) != 2*len(axes) {
		return nil, fmt.Errorf("%d pads of %d axes", len(pads), len(axes))
	}
	to, before, negative := slices.Clone(from), make([]int, len(from)), false
	for k, a := range axes {
		if a, err = axisOf(a, len(from)); err != nil {
			return nil, err
		}
		p, q := pads[k], pads[k+len(axes)]
		if a == 0 && (p != 0 || q != 0) || max(p, q) > maxEntries || min(p, q) < -maxEntries {
			return nil, fmt.Errorf("pads of %v", pads)
		}
		before[a] = p
		to[a] += p + q
		negative = negative || min(p, q) < 0
	}
	if err := sized(to); err != nil {
		return nil, err
	}
	mode := cmp.Or(n.Attributes["mode"].Text, "constant")
	index, ok := padModes[mode]
	if !ok || negative && mode != "constant" {
		return nil, fmt.Errorf("nothing is known of the mode %q with pads %v", mode, pads)
	}
	inside := true
	source := gathered(from, to, func(at, source []int) bool {
		for a, i := range at {
			j := index(i-before[a], from[a])
			if j < 0 {
				return false
			}
			inside = inside && j < from[a]
			source[a] = min(j, from[a]-1)
		}
		return true
	})
	if !inside {
		return nil, errors.New("pads wider than the image")
	}
	if mode != "constant" || fill == 0 {
		return l.moved(n, x, to, source)
	}
	offset := make([]float64, len(source))
	for k, f := range source {
		if f < 0 {
			offset[k] = fill
		}
	}
	v := l.g.linear(label(n.Node), offset, term{x.v, pick{columns: x.v.n, from: source}})
	o, err := l.whole(v, to)
	return []item{o}, err
}

// padModes says of each mode which entry an entry beyond an axis of d is: -1 for a constant.
var padModes = map[string]func(i, d int) int{
	"constant": outside,
	"edge":     func(i, d int) int { return max(0, min(d-1, i)) },
	"wrap":     func(i, d int) int { return ((i % d) + d) % d },
	"reflect": func(i, d int) int {
		if i < 0 {
			i = -i
		}
		if i >= d {
			i = 2*(d-1) - i
		}
		if i < 0 {
			return d // an error
		}
		return i
	},
}

func outside(i, d int) int {
	if i < 0 || i >= d {
		return -1
	}
	return i
}

// spaceToDepth and depthToSpace move blocks of places to channels and back.
func spaceToDepth(l *lowering, n node) ([]item, error) { return blocks(l, n, true) }
func depthToSpace(l *lowering, n node) ([]item, error) { return blocks(l, n, false) }

func blocks(l *lowering, n node, deeper bool) ([]item, error) {
	x, err := n.value(0)
	if err != nil {
		return nil, err
	}
	b, from := n.integer("blocksize", 0), l.per(x)
	if len(from) != 4 || b < 1 || b > 1<<12 {
		return nil, errors.New("it needs images and a block")
	}
	deep, wide := slices.Clone(from), slices.Clone(from)
	crd := n.Attributes["mode"].Text == "CRD"
	if deeper {
		if from[2]%b != 0 || from[3]%b != 0 {
			return nil, errors.New("blocks don't fit the image")
		}
		deep[1], deep[2], deep[3] = from[1]*b*b, from[2]/b, from[3]/b
	} else {
		if from[1]%(b*b) != 0 {
			return nil, errors.New("blocks don't fit the channels")
		}
		wide[1], wide[2], wide[3] = from[1]/(b*b), from[2]*b, from[3]*b
	}
	c := wide[1]
	if deeper {
		return l.moved(n, x, deep, gathered(wide, deep, func(at, s []int) bool {
			k := at[1] / c
			s[0], s[1], s[2], s[3] = at[0], at[1]%c, at[2]*b+k/b, at[3]*b+k%b
			return true
		}))
	}
	return l.moved(n, x, wide, gathered(deep, wide, func(at, s []int) bool {
		k := at[2]%b*b + at[3]%b
		s[0], s[1], s[2], s[3] = at[0], k*c+at[1], at[2]/b, at[3]/b
		if crd {
			s[1] = at[1]*b*b + k
		}
		return true
	}))
}

// cast converts; floating-point numbers are real numbers here.
func cast(_ *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	to := onnxfile.Kind(n.integer("to", 0))
	switch {
	case x.v != nil && to.Floating():
		return []item{x}, nil
	case x.v != nil:
		return nil, errors.New("it rounds values to integers")
	case x.c.isFloat() && to.Floating():
		if to != onnxfile.Float32 && to != onnxfile.Float64 {
			return nil, errors.New("it rounds weights")
		}
		if to == onnxfile.Float64 || x.c.off > 0 {
			return []item{x}, nil
		}
		c := &tensor{shape: x.c.shape, f: make([]float64, len(x.c.f))}
		for k, v := range x.c.f {
			c.f[k] = float64(float32(v))
		}
		if !(largest(c.f) <= maxSize) {
			return nil, errors.New("a weight beyond float32")
		}
		return []item{{c: c, shape: c.shape}}, nil
	}
	c := *x.c
	if c.isFloat() {
		c.i = make([]int64, len(c.f))
		for k, v := range c.f {
			if v != float64(int32(v)) || c.off != 0 {
				return nil, errors.New("it rounds weights")
			}
			c.i[k] = int64(v)
		}
		c.f = nil
	}
	if to.Floating() {
		if slices.Contains(c.free, true) {
			return nil, errBatch
		}
		c.f = make([]float64, len(c.i))
	}
	i := slices.Clone(c.i)
	for k, v := range c.i {
		switch most := holds[to]; {
		case to == onnxfile.Bool && c.ofBatch(k):
			return nil, errBatch
		case to == onnxfile.Bool:
			i[k] = truth(v != 0)
		case v > most || v < -most || v < 0 && to == onnxfile.Uint8:
			return nil, fmt.Errorf("it casts the integer %d to a type that may not hold it", v)
		case to.Floating():
			c.f[k] = float64(v)
		}
	}
	if c.i = i; to.Floating() {
		c.i = nil
	}
	return []item{{c: &c, shape: c.shape}}, nil
}

// holds are the largest integers that are cast to a type: types of floating-point numbers hold all
// integers up to theirs.
var holds = map[onnxfile.Kind]int64{onnxfile.Int64: math.MaxInt64, onnxfile.Int32: math.MaxInt32,
	onnxfile.Int8: 127, onnxfile.Uint8: 255, onnxfile.Float64: 1 << 53, onnxfile.Float32: 1 << 24,
	onnxfile.Float16: 1 << 11, onnxfile.Bfloat16: 1 << 8}

func constantOp(_ *lowering, n node) ([]item, error) {
	c := &tensor{}
	a := n.Attributes
	var err error
	switch {
	case a["value"].Tensor != nil:
		c, err = decode(*a["value"].Tensor)
	case has(a, "value_float"):
		c.f = []float64{float64(a["value_float"].Float)}
	case has(a, "value_int"):
		c.i = []int64{a["value_int"].Integer}
	case has(a, "value_ints"):
		c.i, c.shape = a["value_ints"].Ints, []int{len(a["value_ints"].Ints)}
	case has(a, "value_floats"):
		c.f = []float64{}
		for _, v := range a["value_floats"].Floats {
			c.f = append(c.f, float64(v))
		}
		c.shape = []int{len(c.f)}
	default:
		err = errors.New("a constant of another type")
	}
	if err != nil {
		return nil, err
	}
	if !(largest(c.f) <= maxSize) {
		return nil, fmt.Errorf("a number that isn't finite, or above %g", maxSize)
	}
	return []item{{c: c, shape: c.shape}}, nil
}

func has(a map[string]onnxfile.Attribute, name string) bool { _, ok := a[name]; return ok }

func constantOfShape(_ *lowering, n node) ([]item, error) {
	shape, err := n.ints("", 0)
	if err != nil {
		return nil, err
	}
	if err := sized(shape); err != nil {
		return nil, err
	}
	one := &tensor{shape: []int{1}, f: []float64{0}}
	if t := n.Attributes["value"].Tensor; t != nil {
		if one, err = decode(*t); err != nil {
			return nil, err
		}
		if one.entries() != 1 {
			return nil, errors.New("its value isn't one number")
		}
	}
	c := one.at(make([]int32, entriesOf(shape)), shape, 0)
	return []item{{c: c, shape: shape}}, nil
}

// shapeOp is the shape of an item, or its number of entries.
func shapeOp(l *lowering, n node) ([]item, error) {
	x, err := n.first()
	if err != nil {
		return nil, err
	}
	if n.Op == "Size" {
		c := &tensor{i: []int64{int64(entriesOf(x.shape))}, free: []bool{x.v != nil && l.free}}
		return []item{{c: c}}, nil
	}
	rank := len(x.shape)
	bound := func(name string, otherwise int) int {
		i := n.integer(name, otherwise)
		if i < 0 {
			i += rank
		}
		return max(0, min(rank, i))
	}
	c := &tensor{i: []int64{}}
	if a, b := bound("start", 0), bound("end", rank); a < b {
		for k, d := range x.shape[a:b] {
			c.i = append(c.i, int64(d))
			c.free = append(c.free, x.v != nil && l.free && a+k == 0)
		}
	}
	c.shape = []int{len(c.i)}
	return []item{{c: c, shape: c.shape}}, nil
}

func rangeOp(_ *lowering, n node) ([]item, error) {
	var x [3]int
	for k := range x {
		v, err := n.ints("", k)
		if err != nil {
			return nil, err
		}
		if len(v) != 1 {
			return nil, errors.New("its inputs aren't single integers")
		}
		x[k] = v[0]
	}
	if x[2] == 0 || (x[1]-x[0])/x[2] > maxEntries {
		return nil, errors.New("a range without an end")
	}
	c := &tensor{i: []int64{}}
	for i := x[0]; x[2] > 0 && i < x[1] || x[2] < 0 && i > x[1]; i += x[2] {
		c.i = append(c.i, int64(i))
	}
	c.shape = []int{len(c.i)}
	return []item{{c: c, shape: c.shape}}, nil
}

// where chooses between constants.
func where(_ *lowering, n node) ([]item, error) {
	var c [3]*tensor
	var err error
	shape := []int{}
	for k := range c {
		if c[k], err = n.constant(k); err != nil {
			return nil, err
		}
		if shape, err = broadcast(shape, c[k].shape); err != nil {
			return nil, err
		}
	}
	for k := range c {
		c[k] = c[k].at(spread(c[k].shape, shape), shape, 0)
	}
	if c[0].isFloat() || c[1].isFloat() || c[2].isFloat() {
		return nil, errors.New("it chooses between floating-point numbers")
	}
	if slices.Contains(c[0].free, true) {
		return nil, errBatch
	}
	out := &tensor{shape: shape, i: make([]int64, len(c[0].i)), free: make([]bool, len(c[0].i))}
	for k, v := range c[0].i {
		from := c[2]
		if v != 0 {
			from = c[1]
		}
		out.i[k], out.free[k] = from.i[k], from.ofBatch(k)
	}
	return []item{{c: out, shape: shape}}, nil
}
