package lip

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// A Rounding bounds the float32 error of a classifier, for every input of at most some norm. It
// compares logits in float32 with logits in real arithmetic, from the same float32 weights and
// input.
type Rounding struct {
	// Layers bounds the l2 distance behind each layer. The last layer gives the logits.
	Layers []Bound
	// Margin bounds the error of every difference of two logits. It leaves room for the float32
	// error of a map from logits to scores: 4·γ(classes+8) times the norm of the logits.
	Margin Bound
}

const roundingProof = "standard model of float32, float64, outward"

// Rounding proves a classifier's Rounding for inputs of at most this norm, off by at most off to
// begin with. The bounds are the layers' of Prove. A layer without a proof of its rounding is an
// error.
func (c Chain) Rounding(bounds []Bound, norm, off float64) (Rounding, error) {
	var r Rounding
	for i, l := range c.Layers {
		bound := bounds[i].Value()
		if !(norm+off <= largestSum/float64(1<<26)) { // of that many terms
			return r, fmt.Errorf("lip: layer %d: values of norm up to %.2g may overflow in float32", i,
				norm+off)
		}
		if i == len(c.Layers)-1 {
			margin := c.head().marginRounding(c.Weights[i], c.Sizes[i], norm, off, bound)
			r.Margin = Bound{margin, roundingProof}
		}
		e, err := unrounded(l)
		if known, ok := l.(roundingLayer); ok {
			e, err = known.rounding(c.Weights[i], c.Sizes[i], bound, outward(norm+off))
		}
		if err != nil {
			return r, err
		}
		// ‖f̂(x̂) - f(x)‖ ≤ ‖f̂(x̂) - f(x̂)‖ + ‖f(x̂) - f(x)‖, and ‖f(x)‖ ≤ ‖f(x) - f(0)‖ + ‖f(0)‖.
		norm, off = outward(bound*norm+e.zero), outward(bound*off+e.fresh)
		r.Layers = append(r.Layers, Bound{off, roundingProof})
	}
	if err := r.Margin.check(); err != nil {
		return r, fmt.Errorf("lip: float32's rounding error has no finite bound: %w", err)
	}
	return r, nil
}

// marginRounding is the largest distance of two columns times what comes in, and what both entries
// add.
func (d Dense) marginRounding(w []*tensors.Tensor, _ Size, norm, off, bound float64) float64 {
	in, classes := w[0].Shape().Dim(0), d.Units
	columns, bias := make([]float64, classes), flat(w[1])
	for i, v := range flat(w[0]) {
		columns[i%classes] += float64(v) * float64(v)
	}
	c := norm + off
	for k, s := range columns {
		s *= 1 + float64(in)*0x1p-52
		b := math.Abs(float64(bias[k]))
		columns[k] = gamma(in+2)*(math.Sqrt(s)*c+b) + float64(in+2)*tiny*(1+math.Sqrt(s)+c+b)
	}
	slices.Sort(columns)
	worst := columns[classes-1]
	if classes > 1 {
		worst += columns[classes-2]
	}
	if !(math.Sqrt(float64(in))*c*maxAbs(w[0])+maxAbs(w[1]) <= largestSum) {
		return math.Inf(1)
	}
	logits := bound*c + vectorNorm(bias, 1) + worst*math.Sqrt(float64(classes))
	gap := LogitGap(flat(w[0]), in, classes).Value()
	return outward(gap*off + worst + 4*gamma(classes+8)*logits + float64(classes+8)*tiny)
}

// maxAbs is the largest absolute value of a tensor.
func maxAbs(t *tensors.Tensor) float64 {
	most := 0.0
	for _, v := range flat(t) {
		most = max(most, math.Abs(float64(v)))
	}
	return most
}
