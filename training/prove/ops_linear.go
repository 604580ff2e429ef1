package prove

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// A window is how kernels lie on images of two axes. An image of one axis has one row.
type window struct {
	side, kernel, stride, dilation, before, after [2]int
	lift                                          bool // the image has one axis
}

// window reads the attributes of convolutions and pools for images of these sides.
func (n node) window(side, kernel []int) (w window, err error) {
	if len(side) != len(kernel) || len(side) < 1 || len(side) > 2 {
		return w, fmt.Errorf("images of %d axes with a kernel of %d; known are 1 and 2", len(side),
			len(kernel))
	}
	read := func(name string, count, otherwise int) (x []int) {
		if x, err = n.ints(name, -1); err == nil && x == nil {
			x = slices.Repeat([]int{otherwise}, count)
		}
		if err == nil && len(x) != count {
			err = fmt.Errorf("%s has %d numbers for %d axes", name, len(x), len(side))
		}
		for _, v := range x {
			if err == nil && (v < 0 || v > 1<<20 || v == 0 && otherwise == 1) {
				err = fmt.Errorf("%s is %v", name, x)
			}
		}
		return x
	}
	k := len(side)
	strides, err1 := read("strides", k, 1), err
	dilations, err2 := read("dilations", k, 1), err
	pads, err3 := read("pads", 2*k, 0), err
	if err = errors.Join(err1, err2, err3); err != nil {
		return w, err
	}
	one := [2]int{1, 1}
	w.side, w.kernel, w.stride, w.dilation = one, one, one, one
	shift := 2 - k
	w.lift = k == 1
	auto := n.Attributes["auto_pad"].Text
	for a := range side {
		b := a + shift
		if kernel[a] < 1 || kernel[a] > 1<<20 {
			return w, fmt.Errorf("a kernel of sides %v", kernel)
		}
		w.side[b], w.kernel[b] = side[a], kernel[a]
		w.stride[b], w.dilation[b] = strides[a], dilations[a]
		w.before[b], w.after[b] = pads[a], pads[a+k]
		switch auto {
		case "", "NOTSET":
		case "VALID":
			w.before[b], w.after[b] = 0, 0
		case "SAME_UPPER", "SAME_LOWER":
			out := (side[a] + strides[a] - 1) / strides[a]
			total := max(0, (out-1)*strides[a]+(kernel[a]-1)*dilations[a]+1-side[a])
			w.before[b], w.after[b] = total/2, total-total/2
			if auto == "SAME_LOWER" {
				w.before[b], w.after[b] = w.after[b], w.before[b]
			}
		default:
			return w, fmt.Errorf("auto_pad %q", auto)
		}
	}
	return w, nil
}

// out are the sides of the result. With ceil, a last window may reach beyond the padding, but it
// begins inside the image or the padding before it.
func (w window) out(ceil bool) (out [2]int, err error) {
	for a := range out {
		room := w.side[a] + w.before[a] + w.after[a] - (w.kernel[a]-1)*w.dilation[a] - 1
		if room < 0 {
			return out, errors.New("the kernel is larger than the image")
		}
		if ceil {
			room += w.stride[a] - 1
		}
		out[a] = room/w.stride[a] + 1
		if ceil && (out[a]-1)*w.stride[a] >= w.side[a]+w.before[a] {
			out[a]--
		}
	}
	return out, nil
}

// conv is a convolution without its weights.
func (w window) conv(groups, in, out int, outSide [2]int) conv {
	return conv{groups: groups, in: in, out: out, side: w.side, outSide: outSide, kernel: w.kernel,
		stride: w.stride, dilation: w.dilation, before: w.before}
}

// image is the shape of channels of these sides, for one image.
func (w window) image(channels int, side [2]int) []int {
	if w.lift {
		return []int{1, channels, side[1]}
	}
	return []int{1, channels, side[0], side[1]}
}

// images is an input that is one image of some channels for each of the batch.
func (l *lowering) images(n node) (x item, per []int, err error) {
	if x, err = n.value(0); err != nil {
		return x, nil, err
	}
	per = l.per(x)
	if len(per) < 3 || len(per) > 4 || per[0] != 1 {
		return x, nil, fmt.Errorf("images of one or two axes are known, not the shape %v", x.shape)
	}
	return x, per, nil
}

func convOp(l *lowering, n node) ([]item, error) {
	if n.has(0) && n.in[0].c != nil {
		return convConstant(l, n)
	}
	x, per, err := l.images(n)
	if err != nil {
		return nil, err
	}
	c, err := n.floats(1)
	if err != nil {
		return nil, err
	}
	groups := n.integer("group", 1)
	if len(c.shape) != len(per) || groups < 1 || c.shape[0] < 1 || c.shape[0]%groups != 0 ||
		c.shape[1]*groups != per[1] || per[1] < 1 {
		return nil, fmt.Errorf("a kernel %v in %d groups for images %v", c.shape, groups, per)
	}
	w, err := n.window(per[2:], c.shape[2:])
	if err != nil {
		return nil, err
	}
	outSide, err := w.out(false)
	if err != nil {
		return nil, err
	}
	by := w.conv(groups, per[1], c.shape[0], outSide)
	by.weights, by.off = c.f, c.inaccuracy()
	return l.convolved(n, x, by, w.image(c.shape[0], outSide))
}

// convConstant convolves constants, as files do that compose kernels. Each of the batch is an image
// of a graph of its own.
func convConstant(l *lowering, n node) ([]item, error) {
	c, err := n.floats(0)
	if err != nil {
		return nil, err
	}
	if len(c.shape) < 3 || c.shape[0] < 1 || n.has(2) {
		return nil, fmt.Errorf("weights %v as images", c.shape)
	}
	count := c.shape[0]
	one := lowering{m: l.m, g: newGraph(len(c.f) / count), batch: 1}
	alone := n
	alone.in = slices.Clone(n.in)
	alone.in[0] = item{v: one.g.image(), shape: append([]int{1}, c.shape[1:]...)}
	out, err := convOp(&one, alone)
	if err != nil {
		return nil, err
	}
	by := out[0].v.terms[0].by.(conv)
	if by.count()*float64(count) > 1e9 {
		return nil, errors.New("its weights take too long to compute")
	}
	t := &tensor{shape: append([]int{count}, out[0].shape[1:]...)}
	for i := range count {
		t.f = append(t.f, apply(by, c.f[i*by.in*by.places():][:by.in*by.places()])...)
	}
	row, _, wide, _ := by.sums()
	x, terms := largest(c.f), float64(wide)
	e := by.off.of(largest(by.weights))
	t.off = 1.01*(row*c.off+terms*e*(x+c.off)+(terms+2)*u*row*x) + 1e-300
	if !(largest(t.f) <= maxSize) {
		return nil, fmt.Errorf("weights above %g", maxSize)
	}
	return []item{{c: t, shape: t.shape}}, nil
}

// convolved is a convolution with the bias that is a node's input 2, if there is one.
func (l *lowering) convolved(n node, x item, by conv, shape []int) ([]item, error) {
	if err := sized(shape); err != nil {
		return nil, err
	}
	var offset []float64
	loose := false
	if n.has(2) {
		b, err := n.floats(2)
		if err != nil {
			return nil, err
		}
		loose = b.off > 0
		if len(b.f) != shape[1] {
			return nil, fmt.Errorf("%d biases for %d channels", len(b.f), shape[1])
		}
		places := entriesOf(shape[2:])
		for _, v := range b.f {
			offset = append(offset, slices.Repeat([]float64{v}, places)...)
		}
	}
	v := l.g.linear(label(n.Node), offset, unpaddedTerm(x.v, by))
	v.loose = loose
	o, err := l.whole(v, shape)
	return []item{o}, err
}

// unpaddedTerm lets a convolution of a padded value pad it.
func unpaddedTerm(v *value, by conv) term {
	for _, terms := range [][]term{v.given, v.terms} {
		if v.offset != nil || v.fixed || by.transposed || len(terms) != 1 {
			continue
		}
		if p, ok := terms[0].by.(pick); ok && !p.transposed && p.scale == nil {
			if padded, ok := by.unpadded(p); ok {
				return term{terms[0].of, padded}
			}
		}
	}
	return term{v, by}
}

// convTranspose is the adjoint of the convolution with the same weights.
func convTranspose(l *lowering, n node) ([]item, error) {
	x, per, err := l.images(n)
	if err != nil {
		return nil, err
	}
	c, err := n.floats(1)
	if err != nil {
		return nil, err
	}
	groups := n.integer("group", 1)
	if len(c.shape) != len(per) || groups < 1 || c.shape[0] != per[1] || per[1] < 1 ||
		per[1]%groups != 0 || c.shape[1] < 1 {
		return nil, fmt.Errorf("a kernel %v in %d groups for images %v", c.shape, groups, per)
	}
	w, err := n.window(per[2:], c.shape[2:])
	if err != nil {
		return nil, err
	}
	auto := n.Attributes["auto_pad"].Text
	if auto != "" && auto != "NOTSET" || has(n.Attributes, "output_shape") {
		return nil, errors.New("its padding is given by the size of its result")
	}
	more, err := n.ints("output_padding", -1)
	if err != nil {
		return nil, err
	}
	if more == nil {
		more = make([]int, len(per)-2)
	}
	if len(more) != len(per)-2 {
		return nil, fmt.Errorf("output_padding has %d numbers", len(more))
	}
	outSide := [2]int{1, 1}
	for a := range more {
		b := a + 2 - len(more)
		outSide[b] = w.stride[b]*(w.side[b]-1) + more[a] + (w.kernel[b]-1)*w.dilation[b] + 1 -
			w.before[b] - w.after[b]
		if more[a] < 0 || more[a] > 1<<20 || outSide[b] < 1 {
			return nil, errors.New("its result has no entries")
		}
	}
	forward := w.conv(groups, c.shape[1]*groups, per[1], w.side)
	forward.side, forward.weights, forward.off = outSide, c.f, c.inaccuracy()
	shape := w.image(c.shape[1]*groups, outSide)
	if err := sized(shape); err != nil {
		return nil, err
	}
	return l.convolved(n, x, forward.adjoint().(conv), shape)
}

// through maps the last axis of an item by a dense matrix.
func (l *lowering) through(n node, x item, by conv) (item, error) {
	per := l.per(x)
	rest := per[:len(per)-1]
	shape := append(slices.Clone(rest), by.out)
	if err := sized(shape); err != nil {
		return item{}, err
	}
	p := entriesOf(rest)
	by.side[1], by.outSide[1] = p, p
	v := x.v
	if p > 1 { // rows become places, and back
		v = l.turned(n, v, p, by.in)
	}
	v = l.g.linear(label(n.Node), nil, term{v, by})
	if p > 1 {
		v = l.turned(n, v, by.out, p)
	}
	return l.whole(v, shape)
}

// turned is the transpose of a value as a matrix.
func (l *lowering) turned(n node, v *value, rows, columns int) *value {
	from := gathered([]int{rows, columns}, []int{columns, rows}, func(at, source []int) bool {
		source[0], source[1] = at[1], at[0]
		return true
	})
	return l.g.linear(label(n.Node), nil, term{v, pick{columns: v.n, from: from}})
}

// matrixOf is a constant as [out, in] of x ↦ x·c for c, [in, out]; turned says that c is [out, in].
func matrixOf(c *tensor, turned bool) (weights []float64, out, in int) {
	rows, columns := c.shape[0], c.shape[1]
	if turned {
		return c.f, rows, columns
	}
	weights = make([]float64, len(c.f))
	for i, v := range c.f {
		weights[i%columns*rows+i/columns] = v
	}
	return weights, columns, rows
}

func gemm(l *lowering, n node) ([]item, error) {
	x, err := n.value(0)
	if err != nil {
		return nil, err
	}
	c, err := n.floats(1)
	if err != nil {
		return nil, err
	}
	if len(x.shape) != 2 || len(c.shape) != 2 || n.integer("transA", 0) != 0 {
		return nil, errors.New("it isn't images times a matrix")
	}
	weights, out, in := matrixOf(c, n.integer("transB", 0) != 0)
	if in != x.shape[1] {
		return nil, fmt.Errorf("a matrix %v for %v", c.shape, x.shape)
	}
	off := c.inaccuracy()
	if a := n.float("alpha", 1); a != 1 {
		weights = slices.Clone(weights)
		for i := range weights {
			weights[i] *= a
		}
		off = product(off, largest(c.f), inaccuracy{}, a)
		if powersOfTwo([]float64{a}) && c.off == 0 {
			off = inaccuracy{}
		}
	}
	y, err := l.through(n, x, dense(out, in, weights, off))
	if err != nil || !n.has(2) {
		return []item{y}, err
	}
	b := n.in[2]
	if beta := n.float("beta", 1); beta != 1 {
		scaled := n
		scaled.Op = "Mul"
		scaled.in = []item{b, {c: &tensor{f: []float64{beta}}}}
		o, err := arithmeticOp(l, scaled)
		if err != nil {
			return nil, err
		}
		b = o[0]
	}
	add := n
	add.Op, add.in = "Add", []item{y, b}
	return arithmeticOp(l, add)
}

func matMul(l *lowering, n node) ([]item, error) {
	if len(n.in) != 2 || !n.has(0) || !n.has(1) {
		return nil, errors.New("it needs two inputs")
	}
	a, b := n.in[0], n.in[1]
	switch {
	case a.v != nil && b.v != nil:
		return nil, errNoProduct
	case a.c != nil && b.c != nil:
		return matrixProduct(a.c, b.c)
	case b.c != nil:
		c, err := plainMatrix(b.c)
		if err != nil {
			return nil, err
		}
		if len(b.c.shape) > len(a.shape) {
			return nil, fmt.Errorf("a matrix %v for %v", b.c.shape, a.shape)
		}
		weights, out, in := matrixOf(c, false)
		if len(a.shape) < 2 || a.shape[len(a.shape)-1] != in {
			return nil, fmt.Errorf("a matrix %v for %v", c.shape, a.shape)
		}
		y, err := l.through(n, a, dense(out, in, weights, c.inaccuracy()))
		return []item{y}, err
	}
	return leftProduct(l, n, a.c, b)
}

// plainMatrix is a matrix with perhaps some axes of one entry before it.
func plainMatrix(c *tensor) (*tensor, error) {
	k := len(c.shape) - 2
	if k < 0 || !c.isFloat() || entriesOf(c.shape[:k]) != 1 {
		return nil, fmt.Errorf("a product with the shape %v isn't known", c.shape)
	}
	m := *c
	m.shape = c.shape[k:]
	return &m, nil
}

// leftProduct is c·x for the last two axes of x.
func leftProduct(l *lowering, n node, c *tensor, x item) ([]item, error) {
	axes := len(c.shape)
	c, err := plainMatrix(c)
	if err != nil {
		return nil, err
	}
	per := l.per(x)
	k := len(per)
	if k < 3 || axes > k || per[k-2] != c.shape[1] {
		return nil, fmt.Errorf("a matrix %v before %v", c.shape, x.shape)
	}
	swap := func(from []int) ([]int, []int32) {
		to := slices.Clone(from)
		to[k-2], to[k-1] = from[k-1], from[k-2]
		return to, gathered(from, to, func(at, source []int) bool {
			copy(source, at)
			source[k-2], source[k-1] = at[k-1], at[k-2]
			return true
		})
	}
	to, from := swap(per)
	y, err := l.moved(n, x, to, from)
	if err != nil {
		return nil, err
	}
	z, err := l.through(n, y[0], dense(c.shape[0], c.shape[1], c.f, c.inaccuracy()))
	if err != nil {
		return nil, err
	}
	to, from = swap(l.per(z))
	return l.moved(n, z, to, from)
}

// matrixProduct multiplies constants.
func matrixProduct(a, b *tensor) ([]item, error) {
	more := slices.Repeat([]int{1}, max(0, len(a.shape)-2, len(b.shape)-2))
	a, err := plainMatrix(a)
	if err != nil {
		return nil, err
	}
	if b, err = plainMatrix(b); err != nil {
		return nil, err
	}
	rows, inner, columns := a.shape[0], a.shape[1], b.shape[1]
	if b.shape[0] != inner || float64(rows)*float64(inner)*float64(columns) > 1e10 {
		return nil, fmt.Errorf("weights %v times weights %v", a.shape, b.shape)
	}
	c := &tensor{shape: []int{rows, columns}, f: make([]float64, rows*columns)}
	for i := range rows {
		for k, v := range a.f[i*inner:][:inner] {
			for j, w := range b.f[k*columns:][:columns] {
				c.f[i*columns+j] += v * w
			}
		}
	}
	x, y := largest(a.f), largest(b.f)
	c.off = sumOf(product(a.inaccuracy(), x, b.inaccuracy(), y), inner, x*y).abs
	if !(largest(c.f) <= maxSize) {
		return nil, fmt.Errorf("weights above %g", maxSize)
	}
	c.shape = append(more, c.shape...)
	return []item{{c: c, shape: c.shape}}, nil
}

// batchNorm at inference multiplies channels by scale/√(variance + epsilon).
func batchNorm(l *lowering, n node) ([]item, error) {
	x, err := n.value(0)
	if err != nil {
		return nil, err
	}
	more := slices.ContainsFunc(n.Outputs[1:], func(o string) bool { return o != "" })
	if n.integer("training_mode", 0) != 0 || l.m.Opset < 14 && more ||
		l.m.Opset < 9 && n.integer("spatial", 1) != 1 {
		return nil, errors.New("it is in training mode: export the model for evaluation")
	}
	per := l.per(x)
	if len(per) < 2 {
		return nil, errors.New("it needs an axis of channels")
	}
	var c [5]*tensor
	for k := 1; k < 5; k++ {
		if c[k], err = n.floats(k); err != nil {
			return nil, err
		}
		if len(c[k].f) != per[1] || c[k].off != 0 {
			return nil, fmt.Errorf("input %d isn't a weight of %d channels", k, per[1])
		}
	}
	epsilon := &tensor{f: []float64{n.float("epsilon", 1e-5)}}
	variance, err := arithmetic("Add", c[4], epsilon)
	if err != nil {
		return nil, err
	}
	for _, v := range variance.f {
		if !(v > 1e-30) {
			return nil, errors.New("a variance isn't positive")
		}
	}
	places := entriesOf(per[2:])
	var scale, offset []float64
	for range per[0] {
		for k, v := range variance.f {
			f := c[1].f[k] / math.Sqrt(v)
			scale = append(scale, slices.Repeat([]float64{f}, places)...)
			offset = append(offset, slices.Repeat([]float64{c[2].f[k] - f*c[3].f[k]}, places)...)
		}
	}
	// A sum, a root and a quotient.
	off := inaccuracy{rel: 4 * u, abs: 1e-300}
	v := l.g.linear(label(n.Node), offset, l.scaledPick(x, per, scale, off))
	v.loose = true
	return []item{{v: v, shape: x.shape}}, nil
}
