package lip

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// wide is Apply in float64, of each input. Where the layer's graph has float32 constants, it is the
// layer's matrix.
func wide(l Layer, in Size, w []*tensors.Tensor, xs *tensors.Tensor) []float64 {
	if c, ok := l.(Convolution); ok && c.kind().apply != nil {
		var all []float64
		x, bias := flat(xs), flat(w[c.groups()])
		for ; len(x) > 0; x = x[in.Entries():] {
			v := make([]float64, in.Entries())
			for i := range v {
				v[i] = float64(x[i])
			}
			for i, y := range c.wide(in, w, v) {
				all = append(all, y+float64(bias[i%len(bias)]))
			}
		}
		return all
	}
	y := run(pure, func(v []*Node) []*Node {
		for i := range v {
			v[i] = ConvertDType(v[i], dtypes.Float64)
		}
		return []*Node{l.Apply(v[0], v[1:])}
	}, append([]*tensors.Tensor{xs}, w...)...)
	return tensors.MustCopyFlatData[float64](y[0])
}

// wide is the convolution without its bias.
func (c Convolution) wide(in Size, w []*tensors.Tensor, x []float64) []float64 {
	if o, ok := c.operator(w, in); ok {
		return o.times(x)
	}
	// SOC, of one group: the series of a skew convolution.
	_, part := c.group(in)
	g := socGeometry(c, part)
	n := g.Out
	cells, _ := Depth{c.stride()}.operator(nil, in)
	x = cells.times(x)
	power := make([]float64, part.Entries()/part[2]*n)
	for i, v := range x {
		power[i/part[2]*n+i%part[2]] = v
	}
	o := g.operator(doubles(flat(w[0])))
	sum := append([]float64(nil), power...)
	for i := 1; i < SOCTerms; i++ {
		power = o.times(power)
		for j := range power {
			power[j] /= float64(i)
			sum[j] += power[j]
		}
	}
	var out []float64
	for i, v := range sum {
		if i%n < c.Channels {
			out = append(out, v)
		}
	}
	return out
}

// hardInputs are six inputs, large and small: random, of one sign, constant, far apart in size,
// along the weights, where the products of one output add up, and 0.
func hardInputs(r *rand.Rand, in Size, weights []float32) *tensors.Tensor {
	var x []float32
	for i := range 6 {
		for j := range in.Entries() {
			z := r.NormFloat64()
			far, along := z*math.Exp(3*r.NormFloat64()), float64(weights[j%len(weights)])
			v := []float64{z, math.Abs(z), 1, far, along, 0}[i]
			x = append(x, float32(v*[]float64{1, 30, 1e-3}[i%3]))
		}
	}
	return tensors.FromFlatDataAndDimensions(x, append([]int{6}, in...)...)
}

func distance(x []float32, y []float64) float64 {
	s := 0.0
	for i, v := range x {
		s += (float64(v) - y[i]) * (float64(v) - y[i])
	}
	return math.Sqrt(s)
}

func TestRounding(t *testing.T) {
	for _, c := range trainedLayers {
		c.testRounding(t)
	}
}

// testRounding compares float32 with float64, on XLA and in pure Go. The difference is below its
// bound, and the bound isn't absurd.
func (c layerCase) testRounding(t *testing.T) {
	t.Helper()
	l, in := c.layer, c.in
	known, ok := l.(roundingLayer)
	if !ok {
		t.Errorf("%v: no proof", l)
		return
	}
	w := must(Trained(pure, l, in, 2))
	bound := l.Bound(w, in).Value()
	at1, err := known.rounding(w, in, bound, 1)
	if err != nil {
		t.Errorf("%v: %v", l, err)
		return
	}
	steep := []float32{1}
	if len(w) > 0 {
		steep = flat(w[0])
	}
	xs := hardInputs(rand.New(rand.NewPCG(3, uint64(in.Entries()))), in, steep)
	exact := wide(l, in, w, xs)
	n, out, most := in.Entries(), len(exact)/6, 0.0
	for _, on := range []compute.Backend{backend, pure} {
		y := run1(on, func(v []*Node) *Node { return l.Apply(v[0], v[1:]) },
			append([]*tensors.Tensor{xs}, w...)...)
		for i := range 6 {
			b, err := known.rounding(w, in, bound, norm(flat(xs)[i*n:][:n])*(1+1e-12))
			if err != nil {
				t.Fatal(err)
			}
			e := distance(y[i*out:][:out], exact[i*out:][:out])
			if e > b.fresh {
				t.Errorf("%v on %s: input %d is off by %g, bound %g", l, on.Name(), i, e, b.fresh)
			} else if b.fresh > 0 {
				most = max(most, e/b.fresh)
			}
		}
	}
	if at0 := distance(make([]float32, out), exact[5*out:]); at0 > at1.zero*(1+1e-9) {
		t.Errorf("%v: norm %g at 0, bound %g", l, at0, at1.zero)
	}
	t.Logf("%-50v %-8v bound %.2e at norm 1, attained to %.3f", l, in, at1.fresh, most)
	if at1.fresh > 1e-30 && most < 1e-4 { // more than what underflows
		t.Errorf("%v: no more than %g of the bound is seen", l, most)
	}
}

func TestPositiveNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	for _, d := range [][2]int{{1, 1}, {5, 3}, {3, 5}, {40, 60}} {
		a := mat.NewDense(d[0], d[1], nil)
		for i := range d[0] {
			for j := range d[1] {
				if i != 1 { // a row of zeros
					a.Set(i, j, math.Abs(r.NormFloat64()))
				}
			}
		}
		var svd mat.SVD
		svd.Factorize(a, mat.SVDNone)
		most := svd.Values(nil)[0]
		if got := positiveNorm(a); got < most*(1-1e-14) || got > most*(1+1e-4) {
			t.Errorf("%v: %v, largest singular value %v", d, got, most)
		}
	}
	if got := positiveNorm(mat.NewDense(2, 3, nil)); got != 0 {
		t.Errorf("zeros: %v", got)
	}
}
