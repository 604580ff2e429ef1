package prove

import "slices"

// compose returns b after a in a form that is as small as theirs. It isn't ok where there is none.
func compose(b, a linear) (linear, bool) {
	if p, ok := b.(pick); ok && p.isSame() {
		return a, true
	}
	if p, ok := a.(pick); ok && p.isSame() {
		return b, true
	}
	switch b := b.(type) {
	case pick:
		switch a := a.(type) {
		case pick:
			return b.afterPick(a)
		case conv:
			return b.afterConv(a)
		}
	case conv:
		switch a := a.(type) {
		case pick:
			return b.afterPick(a)
		case conv:
			return b.afterConv(a)
		}
	}
	return nil, false
}

func (p pick) afterPick(a pick) (linear, bool) {
	if p.transposed != a.transposed {
		if f, ok := p.uniform(); ok {
			return a.scaledBy(f, p.off), true
		}
		if f, ok := a.uniform(); ok {
			return p.scaledBy(f, a.off), true
		}
		return nil, false
	}
	if p.transposed {
		c, ok := a.adjoint().(pick).afterPick(p.adjoint().(pick))
		if !ok {
			return nil, false
		}
		return c.adjoint(), true
	}
	c := pick{columns: a.columns, from: make([]int32, len(p.from))}
	if p.scale != nil || a.scale != nil {
		c.scale = make([]float64, len(p.from))
		c.off = a.off
		if p.scale != nil {
			c.off = p.off
			if a.scale != nil {
				c.off = product(p.off, largest(p.scale), a.off, largest(a.scale))
			}
		}
	}
	for i, f := range p.from {
		c.from[i] = -1
		if f >= 0 {
			c.from[i] = a.from[f]
			if c.scale != nil {
				c.scale[i] = p.factor(i) * a.factor(int(f))
			}
		}
	}
	return c, true
}

// scaledBy multiplies every entry by one number.
func (p pick) scaledBy(f float64, off inaccuracy) pick {
	scale := make([]float64, len(p.from))
	for i := range scale {
		scale[i] = p.factor(i) * f
	}
	if p.scale != nil {
		off = product(p.off, largest(p.scale), off, f)
	}
	p.scale, p.off = scale, off
	return p
}

// channels says which channel of its input, of so many places, each channel of a pick's result is,
// and times what. A channel is -1 where it is 0. It isn't ok where p moves places.
func (p pick) channels(places int) (from []int, scale []float64, ok bool) {
	if p.transposed || len(p.from)%places != 0 || p.columns%places != 0 {
		return nil, nil, false
	}
	for i := 0; i < len(p.from); i += places {
		first := p.from[i]
		if first >= 0 && int(first)%places != 0 {
			return nil, nil, false
		}
		for j := range places {
			f := p.from[i+j]
			if first < 0 && f >= 0 || first >= 0 && (f != first+int32(j) ||
				p.factor(i+j) != p.factor(i)) {
				return nil, nil, false
			}
		}
		channel := -1
		if first >= 0 {
			channel = int(first) / places
		}
		from, scale = append(from, channel), append(scale, p.factor(i))
	}
	return from, scale, true
}

// inOrder says whether every channel is where it was, of so many.
func inOrder(from []int, channels int) bool {
	if len(from) != channels {
		return false
	}
	for i, f := range from {
		if f != i {
			return false
		}
	}
	return true
}

// afterConv scales and picks channels of the convolution's result.
func (p pick) afterConv(a conv) (linear, bool) {
	if a.transposed {
		return adjointOf(a.turned().afterPick(p.turned()))
	}
	from, scale, ok := p.channels(a.outPlaces())
	if !ok || !inOrder(from, a.out) && a.groups > 1 {
		return nil, false
	}
	c, n := a, len(a.weights)/a.out
	c.out = len(from)
	c.weights = make([]float64, 0, n*len(from))
	for o, f := range from {
		for i := range n {
			v := 0.0
			if f >= 0 {
				v = a.weights[f*n+i] * scale[o]
			}
			c.weights = append(c.weights, v)
		}
	}
	if p.scale != nil {
		c.off = product(p.off, largest(scale), a.off, largest(a.weights))
	}
	return c, true
}

// turned is the adjoint of a transposed convolution or of any pick.
func (c conv) turned() conv { c.transposed = !c.transposed; return c }
func (p pick) turned() pick { return p.adjoint().(pick) }

func adjointOf(l linear, ok bool) (linear, bool) {
	if !ok {
		return nil, false
	}
	return l.adjoint(), true
}

// afterPick scales and picks channels of the image, or takes in its padding.
func (c conv) afterPick(a pick) (linear, bool) {
	if c.transposed {
		return adjointOf(a.turned().afterConv(c.turned()))
	}
	if a.transposed {
		return nil, false
	}
	if c.isDense() {
		return c.columnsOf(a), true
	}
	if moved, scaled, ok := a.split(); ok {
		if padded, ok := c.unpadded(moved); ok {
			return compose(padded, scaled)
		}
	}
	from, scale, ok := a.channels(c.places())
	channels := a.columns / c.places()
	if !ok || !inOrder(from, channels) && c.groups > 1 {
		return nil, false
	}
	n, inner, outer, taps := c, c.in/c.groups, c.out/c.groups, c.taps()
	if c.groups > 1 {
		n.weights = make([]float64, len(c.weights))
		for i, v := range c.weights {
			o, in := i/(inner*taps), i/taps%inner
			n.weights[i] = v * scale[o/outer*inner+in]
		}
	} else {
		n.in = channels
		n.weights = make([]float64, c.out*channels*taps)
		most := 0
		count := make([]int, channels)
		for i, f := range from {
			if f < 0 {
				continue
			}
			count[f]++
			most = max(most, count[f])
			for o := range c.out {
				for k := range taps {
					n.weights[(o*channels+f)*taps+k] += c.weights[(o*c.in+i)*taps+k] * scale[i]
				}
			}
		}
		if most > 1 {
			n.off = sumOf(product(c.off, largest(c.weights), a.off, largest(scale)), most,
				largest(c.weights)*largest(scale))
			return n, true
		}
	}
	if a.scale != nil {
		n.off = product(c.off, largest(c.weights), a.off, largest(scale))
	}
	return n, true
}

// columnsOf is a dense map after a pick.
func (c conv) columnsOf(a pick) conv {
	n := dense(c.out, a.columns, make([]float64, c.out*a.columns), c.off)
	count, most := make([]int, a.columns), 0
	for i, f := range a.from {
		if f < 0 {
			continue
		}
		count[f]++
		most = max(most, count[f])
		for o := range c.out {
			n.weights[o*a.columns+int(f)] += c.weights[o*c.in+i] * a.factor(i)
		}
	}
	if a.scale != nil {
		n.off = product(c.off, largest(c.weights), a.off, largest(a.scale))
	}
	if most > 1 {
		n.off = sumOf(n.off, most, largest(c.weights)*largest(a.scale))
	}
	return n
}

// split makes a pick without numbers of p, after one that multiplies each entry of its input. It
// isn't ok where rows of one column are multiplied by different numbers.
func (p pick) split() (moved, scaled pick, ok bool) {
	if p.transposed {
		return p, p, false
	}
	scaled = same(p.columns)
	if p.scale == nil {
		return p, scaled, true
	}
	scaled.scale, scaled.off = make([]float64, p.columns), p.off
	seen := make([]bool, p.columns)
	for i, f := range p.from {
		switch {
		case f < 0:
		case seen[f] && scaled.scale[f] != p.scale[i]:
			return p, p, false
		default:
			seen[f], scaled.scale[f] = true, p.scale[i]
		}
	}
	p.scale, p.off = nil, inaccuracy{}
	return p, scaled, true
}

// unpadded finds that a pads images, with zeros or with their other side, and lets the convolution
// do so.
func (c conv) unpadded(a pick) (padded conv, ok bool) {
	if len(a.from)%c.in != 0 || a.columns%c.in != 0 || len(a.from) == a.columns || c.circular {
		return c, false
	}
	small := a.columns / c.in
	for h := 1; h <= min(small, c.side[0]); h++ {
		if small%h != 0 || small/h > c.side[1] {
			continue
		}
		for _, circular := range []bool{false, true} {
			padded = c
			padded.side, padded.circular = [2]int{h, small / h}, circular
			before, ok := padding(a, padded.side, c.side, circular)
			if !ok || circular && !(c.readsInside() && padded.fitsTorus()) {
				continue
			}
			for i := range before {
				padded.before[i] += before[i]
			}
			return padded, true
		}
	}
	return c, false
}

// readsInside says whether every tap reads from the image and none beyond.
func (c conv) readsInside() bool {
	for a, n := range c.side {
		last := (c.outSide[a]-1)*c.stride[a] + (c.kernel[a]-1)*c.dilation[a] - c.before[a]
		if c.before[a] > 0 || last >= n {
			return false
		}
	}
	return true
}

// fitsTorus says whether a circular convolution has its rows once each on the torus of its image.
func (c conv) fitsTorus() bool {
	for a, n := range c.side {
		if c.outSide[a]*c.stride[a] > n || n%c.stride[a] != 0 {
			return false
		}
	}
	return true
}

// padding returns how far images of these sides lie inside the larger ones that a makes of them.
func padding(a pick, side, larger [2]int, circular bool) (before [2]int, ok bool) {
	places := larger[0] * larger[1]
	// Where is the first entry? A torus has it once or more, first at the padding modulo the side.
	at := slices.Index(a.from[:places], 0)
	if at < 0 {
		return before, false
	}
	before = [2]int{at / larger[1], at % larger[1]}
	if circular { // the last of the equal starts that the image may have
		for i := range before {
			before[i] += (larger[i] - side[i] - before[i]) / side[i] * side[i]
		}
	}
	for i, f := range a.from {
		channel, y, x := i/places, i%places/larger[1]-before[0], i%larger[1]-before[1]
		want := -1
		if circular {
			y, x = ((y%side[0])+side[0])%side[0], ((x%side[1])+side[1])%side[1]
		}
		if y >= 0 && y < side[0] && x >= 0 && x < side[1] {
			want = (channel*side[0]+y)*side[1] + x
		}
		if int(f) != want {
			return before, false
		}
	}
	return before, true
}

// afterConv multiplies matrices, or convolves kernels on a torus.
func (c conv) afterConv(a conv) (linear, bool) {
	if c.isDense() && a.isDense() {
		return c.matrixTimes(a)
	}
	one := [2]int{1, 1}
	torus := func(c conv) bool {
		return c.circular && !c.transposed && c.groups == 1 && c.stride == one &&
			c.dilation == one && c.side == c.outSide
	}
	if torus(c) && torus(a) && float64(len(c.weights))*float64(a.in*a.taps()) < 1e9 {
		return c.kernelTimes(a), true
	}
	return nil, false
}

// maxDense bounds the entries of a product of matrices.
const maxDense = 1 << 24

func (c conv) matrixTimes(a conv) (linear, bool) {
	if c.out*a.in > maxDense || float64(c.out)*float64(c.in)*float64(a.in) > 4e9 {
		return nil, false
	}
	n := dense(c.out, a.in, make([]float64, c.out*a.in), inaccuracy{})
	for o := range c.out {
		row := n.weights[o*a.in:][:a.in]
		for k, v := range c.weights[o*c.in:][:c.in] {
			for i, w := range a.weights[k*a.in:][:a.in] {
				row[i] += v * w
			}
		}
	}
	n.off = c.productError(a, c.in)
	return n, true
}

// productError is the inaccuracy of sums of so many products of c's weights with a's.
func (c conv) productError(a conv, terms int) inaccuracy {
	row, _, _, _ := c.sums()
	_, column, _, _ := a.sums()
	x, y := largest(c.weights), largest(a.weights)
	dx, dy := c.off.of(x), a.off.of(y)
	n := float64(terms)
	return inaccuracy{abs: 1.01*(row*dy+column*dx+n*dx*dy+(n+2)*u*row*y) + 1e-300}
}

// kernelTimes is the circular convolution with c's kernel after that with a's.
func (c conv) kernelTimes(a conv) conv {
	n := a
	n.out = c.out
	n.kernel = [2]int{c.kernel[0] + a.kernel[0] - 1, c.kernel[1] + a.kernel[1] - 1}
	n.before = [2]int{c.before[0] + a.before[0], c.before[1] + a.before[1]}
	n.weights = make([]float64, n.out*n.in*n.taps())
	for o := range c.out {
		for m := range c.in {
			for k := range c.taps() {
				v := c.weights[(o*c.in+m)*c.taps()+k]
				if v == 0 {
					continue
				}
				y, x := k/c.kernel[1], k%c.kernel[1]
				for i := range a.in {
					for ky := range a.kernel[0] {
						to := ((o*n.in+i)*n.kernel[0]+y+ky)*n.kernel[1] + x
						from := a.weights[((m*a.in+i)*a.kernel[0]+ky)*a.kernel[1]:][:a.kernel[1]]
						for kx, w := range from {
							n.weights[to+kx] += v * w
						}
					}
				}
			}
		}
	}
	n.off = c.productError(a, c.in*min(c.taps(), a.taps()))
	return n.wrapped()
}

// wrapped adds taps that read the same place of a torus.
func (c conv) wrapped() conv {
	n := c
	for a := range n.kernel {
		n.kernel[a] = min(c.kernel[a], c.side[a])
	}
	if n.kernel == c.kernel {
		return c
	}
	n.weights = make([]float64, len(c.weights)/c.taps()*n.taps())
	for i, v := range c.weights {
		p, y, x := i/c.taps(), i%c.taps()/c.kernel[1], i%c.kernel[1]
		n.weights[(p*n.kernel[0]+y%n.kernel[0])*n.kernel[1]+x%n.kernel[1]] += v
	}
	folds := (c.taps() + n.taps() - 1) / n.taps() * 4
	n.off = sumOf(c.off, folds, largest(n.weights)+largest(c.weights))
	return n
}

// add returns a + b in a form that is as small as theirs. It isn't ok where there is none.
func add(a, b linear) (linear, bool) {
	switch a := a.(type) {
	case pick:
		switch b := b.(type) {
		case pick:
			return a.plus(b)
		case conv:
			return b.plusPick(a)
		}
	case conv:
		switch b := b.(type) {
		case pick:
			return a.plusPick(b)
		case conv:
			return a.plus(b)
		}
	}
	return nil, false
}

// plus is a sum of picks that have no row, or every row, in common.
func (p pick) plus(b pick) (linear, bool) {
	if p.transposed || b.transposed {
		if p.transposed && b.transposed {
			l, ok := p.turned().plus(b.turned())
			return adjointOf(l, ok)
		}
		return nil, false
	}
	c := pick{columns: p.columns, from: make([]int32, len(p.from)),
		off: inaccuracy{max(p.off.rel, b.off.rel), max(p.off.abs, b.off.abs)}}
	scaled := p.scale != nil || b.scale != nil
	c.scale = make([]float64, len(p.from))
	for i := range p.from {
		f, g := p.from[i], b.from[i]
		switch {
		case f < 0 && g < 0:
			c.from[i] = -1
		case g < 0:
			c.from[i], c.scale[i] = f, p.factor(i)
		case f < 0:
			c.from[i], c.scale[i] = g, b.factor(i)
		case f == g:
			c.from[i], c.scale[i] = f, p.factor(i)+b.factor(i)
			scaled = true
		default:
			return nil, false
		}
	}
	if !scaled {
		c.scale = nil
	} else {
		c.off = sumOf(c.off, 2, largest(p.scale)+largest(b.scale))
	}
	return c, true
}

// alike says whether both have kernels of one shape on images of one shape.
func (c conv) alike(b conv) bool {
	return c.groups == b.groups && c.in == b.in && c.out == b.out && c.side == b.side &&
		c.outSide == b.outSide && c.kernel == b.kernel && c.stride == b.stride &&
		c.dilation == b.dilation && c.before == b.before && c.circular == b.circular &&
		c.transposed == b.transposed
}

func (c conv) plus(b conv) (linear, bool) {
	if !c.alike(b) {
		c, b = c.widened(b), b.widened(c)
		if !c.alike(b) {
			return nil, false
		}
	}
	n := c
	n.weights = make([]float64, len(c.weights))
	for i, v := range c.weights {
		n.weights[i] = v + b.weights[i]
	}
	size := largest(c.weights) + largest(b.weights)
	n.off = sumOf(inaccuracy{max(c.off.rel, b.off.rel), max(c.off.abs, b.off.abs)}, 2, size)
	return n, true
}

// widened surrounds the kernel by zeros, as far as that of b reaches.
func (c conv) widened(b conv) conv {
	one := [2]int{1, 1}
	if c.dilation != one || b.dilation != one {
		return c
	}
	n, more := c, [2]int{}
	for a := range n.kernel {
		more[a] = max(0, b.before[a]-c.before[a])
		n.before[a] += more[a]
		n.kernel[a] = max(c.kernel[a]+more[a], b.kernel[a]+max(0, c.before[a]-b.before[a]))
	}
	if n.kernel == c.kernel {
		return c
	}
	n.weights = make([]float64, len(c.weights)/c.taps()*n.taps())
	for i, v := range c.weights {
		p, y, x := i/c.taps(), i%c.taps()/c.kernel[1], i%c.kernel[1]
		n.weights[(p*n.kernel[0]+y+more[0])*n.kernel[1]+x+more[1]] = v
	}
	return n
}

// plusPick adds a pick of channels.
func (c conv) plusPick(p pick) (linear, bool) {
	if c.transposed || c.groups > 1 || c.side != c.outSide || c.stride != [2]int{1, 1} ||
		c.dilation != [2]int{1, 1} {
		return nil, false
	}
	from, scale, ok := p.channels(c.places())
	if !ok || len(from) != c.out || p.columns != c.in*c.places() {
		return nil, false
	}
	d := c
	d.kernel, d.before = [2]int{1, 1}, [2]int{}
	d.weights, d.off = make([]float64, c.out*c.in), p.off
	for o, f := range from {
		if f >= 0 {
			d.weights[o*c.in+f] = scale[o]
		}
	}
	return c.plus(d)
}
