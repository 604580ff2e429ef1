package lip

import (
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// A Chain is the layers of a classifier one after the other, with their effective weights. The last
// layer is a Head.
type Chain struct {
	Layers  []Layer
	Weights [][]*tensors.Tensor // of each layer
	Sizes   []Size              // input of each layer
}

// A Proof has the proved bounds of a classifier.
type Proof struct {
	Layers []Bound
	// Product bounds the Lipschitz constant of every difference of two logits (PUB). It is the
	// product of all layers' bounds but the last, and of LogitGap of the last.
	Product Bound
	// Composed is the same with consecutive linear layers as one map. It is at most Product.
	Composed Bound
	// Pairs bounds the Lipschitz constant of each difference of two logits, [classes][classes]. A
	// bound is at most Composed, and smaller where two columns of the last layer lie closer
	// together.
	Pairs [][]float64
}

// Prove proves a classifier.
func (c Chain) Prove() Proof {
	n := len(c.Layers)
	p := Proof{Layers: make([]Bound, n), Product: Isometry(), Composed: Isometry()}
	for i, l := range c.Layers {
		p.Layers[i] = l.Bound(c.Weights[i], c.Sizes[i])
	}
	bounds := slices.Clone(p.Layers)
	gap, end := c.head().logitGap(c.Weights[n-1], c.Sizes[n-1])
	bounds[n-1] = gap
	for _, b := range bounds {
		p.Product = p.Product.Times(b)
	}
	shorter, before := false, Isometry() // before the last layer, or the linear run that it ends
	for i := 0; i < n; {
		next, run := i+1, bounds[i]
		for ; next < n && isLinear(c.Layers[next-1]) && isLinear(c.Layers[next]); next++ {
			if next == n-1 {
				before = p.Composed.Times(run)
			}
			run = run.Times(bounds[next])
		}
		if i == n-1 {
			before = p.Composed
		}
		if o, ok := c.compose(i, next, p.Layers[i:next]); ok {
			norm := 0.0
			if next == n {
				norm = o.gap()
			} else {
				norm, ok = o.norm(run.value)
			}
			if ok && norm < run.value {
				run, shorter = Bound{norm, "linear layers composed, float64, outward"}, true
				if next == n {
					before, end = p.Composed, o
				}
			}
		}
		p.Composed = p.Composed.Times(run)
		i = next
	}
	p.Pairs = pairBounds(before, end, p.Composed)
	if end.rows == nil {
		out, _ := c.Layers[n-1].Out(c.Sizes[n-1])
		p.Pairs = alike(out[0], p.Composed.Value())
	}
	if !shorter {
		p.Composed = p.Product
	}
	return p
}

// A head is a last layer, which gives the logits.
type head interface {
	Layer
	// logitGap bounds what the layer stretches a difference of two logits by. The operator is that
	// of a linear layer, and has no rows where the layer isn't linear.
	logitGap(w []*tensors.Tensor, in Size) (Bound, operator)
	// marginRounding bounds the float32 error of every difference of two logits, for inputs of at
	// most norm that are off by at most off. The argument bound is the layer's Bound.
	marginRounding(w []*tensors.Tensor, in Size, norm, off, bound float64) float64
}

// IsHead says whether a layer may be the last.
func IsHead(l Layer) bool { _, ok := l.(head); return ok }

func (c Chain) head() head { return c.Layers[len(c.Layers)-1].(head) }

// compose makes one operator of the layers from first to before end. It isn't ok where fewer than
// two of them have a bound other than an isometry's, or where one has no operator.
func (c Chain) compose(first, end int, bounds []Bound) (o operator, ok bool) {
	count := 0
	for _, b := range bounds {
		if b != Isometry() {
			count++
		}
	}
	if count < 2 {
		return o, false
	}
	for i := first; i < end; i++ {
		next, ok := c.Layers[i].(linearLayer).operator(c.Weights[i], c.Sizes[i])
		if !ok {
			return o, false
		}
		if i == first {
			o = next
		} else if o, ok = next.after(o); !ok {
			return o, false
		}
	}
	return o, true
}

// LogitGap bounds the norm of the difference of two columns of w, [in, classes] row-major. It is
// what the last layer stretches a difference of two logits by.
func LogitGap(w []float32, in, classes int) Bound {
	o := columns(w, in, classes)
	return Bound{o.gap(), "largest distance of two columns, float64, outward"}
}

// columns is the operator of w, [in, classes] row-major.
func columns(w []float32, in, classes int) operator {
	o := operator{rows: make([][]entry, classes), columns: in}
	for i, v := range w {
		o.rows[i%classes] = append(o.rows[i%classes], entry{i / classes, float64(v)})
	}
	return o
}

// alike are pairs of classes that all have one bound.
func alike(classes int, bound float64) [][]float64 {
	p := make([][]float64, classes)
	for a := range p {
		p[a] = slices.Repeat([]float64{bound}, classes)
		p[a][a] = 0
	}
	return p
}

// pairBounds bounds every difference of two logits, where end maps what before bounds to the
// logits.
func pairBounds(before Bound, end operator, most Bound) [][]float64 {
	p := make([][]float64, len(end.rows))
	for a := range p {
		p[a] = make([]float64, len(end.rows))
	}
	end.gaps(func(a, b int, distance float64) {
		bound := min(most.Value(), up(before.Value()*distance))
		p[a][b], p[b][a] = bound, bound
	})
	return p
}
