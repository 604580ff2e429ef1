package lip

import (
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// A Proof is what is proved of a classifier: layers one after the other, the last a Dense that gives the logits.
type Proof struct {
	Layers []Bound
	// Product bounds the Lipschitz constant of every difference of two logits by the product of all layers' bounds
	// but the last and the largest distance of two columns of that one (PUB).
	Product Bound
	// Composed is the same with linear layers that follow each other taken as one map: at most Product.
	Composed Bound
}

// linear layers have a matrix, but for their bias; not ok where it isn't the weights in some order, or too large.
type linear interface {
	operator(weights []*tensors.Tensor, in Size) (o operator, ok bool)
}

// Prove proves a classifier from effective weights and the input size of each layer.
func Prove(layers []Layer, weights [][]*tensors.Tensor, sizes []Size) Proof {
	n := len(layers)
	p := Proof{Layers: make([]Bound, n), Product: Isometry(), Composed: Isometry()}
	for i, l := range layers {
		p.Layers[i] = l.Bound(weights[i], sizes[i])
	}
	bounds := slices.Clone(p.Layers)
	d := weights[n-1][0].Shape().Dimensions
	bounds[n-1] = LogitGap(flat(weights[n-1][0]), d[0], d[1])
	for _, b := range bounds {
		p.Product = p.Product.Times(b)
	}
	shorter := false
	for i := 0; i < n; {
		end, run := i+1, bounds[i]
		for ; end < n && isLinear(layers[end-1]) && isLinear(layers[end]); end++ {
			run = run.Times(bounds[end])
		}
		if o, ok := compose(layers[i:end], weights[i:end], sizes[i:end], p.Layers[i:end]); ok {
			norm := 0.0
			if end == n {
				norm = o.gap()
			} else {
				norm, ok = o.norm(run.value)
			}
			if ok && norm < run.value {
				run, shorter = Bound{norm, "linear layers composed, float64, outward"}, true
			}
		}
		p.Composed = p.Composed.Times(run)
		i = end
	}
	if !shorter {
		p.Composed = p.Product
	}
	return p
}

func isLinear(l Layer) bool { _, ok := l.(linear); return ok }

// compose makes one operator of linear layers, where at least two aren't isometries by their kind.
func compose(layers []Layer, weights [][]*tensors.Tensor, sizes []Size, bounds []Bound) (o operator, ok bool) {
	count := 0
	for _, b := range bounds {
		if b != Isometry() {
			count++
		}
	}
	if count < 2 {
		return o, false
	}
	for i, l := range layers {
		next, ok := l.(linear).operator(weights[i], sizes[i])
		if !ok {
			return o, false
		}
		if i == 0 {
			o = next
		} else if o, ok = next.after(o); !ok {
			return o, false
		}
	}
	return o, true
}

func (d Dense) operator(w []*tensors.Tensor, in Size) (operator, bool) {
	return Geometry{Kernel: Size{1, 1}, In: Size{1, 1, in[0]}, Out: d.Units, Stride: 1}.operator(flat(w[0])), true
}

func (a Affine) operator(w []*tensors.Tensor, in Size) (o operator, ok bool) {
	g := a.geometry(in)
	if g.entries() > affordableEntries {
		return o, false
	}
	return g.operator(flat(w[0])), true
}

func (c Convolution) operator(w []*tensors.Tensor, in Size) (o operator, ok bool) {
	one, part := c.group(in)
	g, n := one.geometry(part), c.groups()
	if convolutions[c.Kind].bound != nil || g.entries()*n > affordableEntries {
		return o, false
	}
	channels := in[2] / n
	o = operator{columns: in.Entries(), rows: make([][]entry, g.rows()*g.columns()*c.Channels)}
	for i := range n {
		m := g.operator(flat(w[i]))
		if convolutions[c.Kind].folds {
			cells, _ := Depth{c.stride()}.operator(nil, Size{in[0], in[1], channels})
			if m, ok = m.after(cells); !ok {
				return o, false
			}
			m.slack = 0 // a permutation rounds nothing
		}
		for r, row := range m.rows {
			to := r/one.Channels*c.Channels + i*one.Channels + r%one.Channels
			for _, e := range row {
				o.rows[to] = append(o.rows[to], entry{e.column/channels*in[2] + i*channels + e.column%channels, e.value})
			}
		}
	}
	return o, true
}

// operator is the mean as a convolution at stride by on patches, 1/by² rounded.
func (a AveragePool) operator(_ []*tensors.Tensor, in Size) (operator, bool) {
	o := selection(a.By, in, func(cell, inCell, channel, c int) int { return cell*c + channel }, in.Entries()/a.By/a.By, 1/float64(a.By*a.By))
	o.slack = u / float64(a.By) * 1.01
	return o, true
}

func (d Depth) operator(_ []*tensors.Tensor, in Size) (operator, bool) {
	return selection(d.By, in, func(cell, inCell, channel, c int) int { return (cell*d.By*d.By+inCell)*c + channel }, in.Entries(), 1), true
}

func (Flat) operator(_ []*tensors.Tensor, in Size) (operator, bool) {
	return Depth{1}.operator(nil, append(Size{1, 1}, in.Entries()))
}

// selection has one entry of this value for each of the input: in the row that to names by its by×by cell, its place in the
// cell and its channel of c.
func selection(by int, in Size, to func(cell, inCell, channel, c int) int, rows int, value float64) operator {
	o := operator{rows: make([][]entry, rows), columns: in.Entries()}
	h, w, c := in[0], in[1], in[2]
	for y := range h {
		for x := range w {
			for channel := range c {
				r := to(y/by*(w/by)+x/by, y%by*by+x%by, channel, c)
				o.rows[r] = append(o.rows[r], entry{(y*w+x)*c + channel, value})
			}
		}
	}
	return o
}
