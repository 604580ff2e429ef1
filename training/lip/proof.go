package lip

import (
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// A Chain is the layers of a classifier one after the other, with their effective weights. The last
// layer is a Dense that gives the logits.
type Chain struct {
	Layers  []Layer
	Weights [][]*tensors.Tensor // of each layer
	Sizes   []Size              // input of each layer
}

// A Proof is what is proved of a classifier.
type Proof struct {
	Layers []Bound
	// Product bounds the Lipschitz constant of every difference of two logits (PUB). It is the
	// product of all layers' bounds but the last, and of LogitGap of the last.
	Product Bound
	// Composed is the same with linear layers that follow each other taken as one map. It is at
	// most Product.
	Composed Bound
}

// Prove proves a classifier.
func (c Chain) Prove() Proof {
	n := len(c.Layers)
	p := Proof{Layers: make([]Bound, n), Product: Isometry(), Composed: Isometry()}
	for i, l := range c.Layers {
		p.Layers[i] = l.Bound(c.Weights[i], c.Sizes[i])
	}
	bounds := slices.Clone(p.Layers)
	last := c.Weights[n-1][0]
	d := last.Shape().Dimensions
	bounds[n-1] = LogitGap(flat(last), d[0], d[1])
	for _, b := range bounds {
		p.Product = p.Product.Times(b)
	}
	shorter := false
	for i := 0; i < n; {
		end, run := i+1, bounds[i]
		for ; end < n && isLinear(c.Layers[end-1]) && isLinear(c.Layers[end]); end++ {
			run = run.Times(bounds[end])
		}
		if o, ok := c.compose(i, end, p.Layers[i:end]); ok {
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
	o := operator{rows: make([][]entry, classes), columns: in}
	for i, v := range w {
		o.rows[i%classes] = append(o.rows[i%classes], entry{i / classes, float64(v)})
	}
	return Bound{o.gap(), "largest distance of two columns, float64, outward"}
}
