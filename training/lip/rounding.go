package lip

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// Float32 arithmetic is taken to follow the standard model: an operation's result, or a fused multiplication and addition's, is
// the true one times 1+δ, |δ| ≤ u32, plus at most tiny where numbers below 2⁻¹²⁶ are flushed to zero; sums come in any order
// (Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapters 2 and 3). Square roots are correctly rounded.
// Neither TF32 nor convolutions by fast transforms follow it.
const (
	u32  = 0x1p-24
	tiny = 0x1p-125
)

// gamma bounds what n factors 1+δ come to: n·u32/(1 - n·u32), +Inf where there are too many.
func gamma(n int) float64 {
	x := float64(n) * u32
	if x >= 0.5 {
		return math.Inf(1)
	}
	return outward(x / (1 - x))
}

// outward makes an upper bound of up to a thousand sums, products, quotients and roots of numbers that aren't negative, each correctly rounded.
func outward(x float64) float64 { return x * (1 + 0x1p-42) }

// A Rounding bounds what float32 does to a classifier: how far logits computed in float32 are from those that the same float32
// weights and input give in real arithmetic, for every input of at most some norm.
type Rounding struct {
	// Layers bounds the l2 distance of what is behind each layer, the last giving the logits.
	Layers []Bound
	// Margin bounds the error of every difference of two logits, with room for what float32 then does to a map of scores of
	// them: 4·γ(classes+8) times the norm of the logits.
	Margin Bound
}

// rounded layers know what float32 adds.
type rounded interface {
	// rounding bounds, for every x of at most this norm, the l2 distance of Apply in float32 and in real arithmetic, and
	// the norm of Apply at 0. bound is the layer's Bound.
	rounding(w []*tensors.Tensor, in Size, bound, norm float64) (fresh, zero float64, err error)
}

const roundingProof = "standard model of float32, float64, outward"

// ProveRounding proves a classifier's Rounding for inputs of at most this norm, off by at most off to begin with. The
// bounds are those of Prove. A layer that has no proof is an error.
func ProveRounding(layers []Layer, weights [][]*tensors.Tensor, sizes []Size, bounds []Bound, norm, off float64) (Rounding, error) {
	var r Rounding
	for i, l := range layers {
		known, ok := l.(rounded)
		if !ok {
			return r, unrounded(l)
		}
		if i == len(layers)-1 {
			r.Margin = Bound{lastRounding(weights[i], norm, off, bounds[i].Value()), roundingProof}
		}
		bound := bounds[i].Value()
		fresh, zero, err := known.rounding(weights[i], sizes[i], bound, outward(norm+off))
		if err != nil {
			return r, err
		}
		// ‖f̂(x̂) - f(x)‖ ≤ ‖f̂(x̂) - f(x̂)‖ + ‖f(x̂) - f(x)‖, and ‖f(x)‖ ≤ ‖f(x) - f(0)‖ + ‖f(0)‖.
		norm, off = outward(bound*norm+zero), outward(bound*off+fresh)
		r.Layers = append(r.Layers, Bound{off, roundingProof})
	}
	if err := r.Margin.check(); err != nil {
		return r, fmt.Errorf("lip: float32's rounding error has no finite bound: %w", err)
	}
	return r, nil
}

func unrounded(l Layer) error {
	return fmt.Errorf("%v: nothing is proved of its rounding in float32", l)
}

// lastRounding bounds the error of every difference of two logits, w = [in, classes] and a bias: the largest distance of two
// columns times what comes in, and what both entries add.
func lastRounding(w []*tensors.Tensor, norm, off, bound float64) float64 {
	d := w[0].Shape().Dimensions
	in, classes := d[0], d[1]
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
	logits := bound*c + vectorNorm(bias, 1) + worst*math.Sqrt(float64(classes))
	return outward(LogitGap(flat(w[0]), in, classes).Value()*off + worst + 4*gamma(classes+8)*logits)
}

// vectorNorm bounds the norm of v, each entry so many times.
func vectorNorm(v []float32, times int) float64 {
	s := 0.0
	for _, x := range v {
		s += float64(x) * float64(x)
	}
	return math.Sqrt(s*float64(times)) * (1 + float64(len(v)+4)*2*0x1p-53)
}

// sums bounds what float32 adds to y = A·x + b for ‖x‖ ≤ norm: out entries, each a sum of so many products, ‖|A|‖ ≤ abs, ‖b‖ ≤ bias.
func sums(terms, out int, abs, norm, bias float64) float64 {
	underflow := float64(terms+2) * math.Sqrt(float64(out)) * tiny * (1 + abs + norm + bias)
	return outward(gamma(terms+2)*(abs*norm+bias) + underflow)
}

// positiveNorm bounds the largest singular value of a matrix without negative entries: for any x > 0, that of aᵀa is at most the largest
// (aᵀa·x)_i/x_i (Collatz & Wielandt), and a few power iterations make that tight.
func positiveNorm(a *mat.Dense) float64 {
	rows, columns := a.Dims()
	x, y := mat.NewVecDense(columns, nil), mat.NewVecDense(rows, nil)
	next := mat.NewVecDense(columns, nil)
	for i := range columns {
		x.SetVec(i, 1)
	}
	best := math.Inf(1)
	for range 10 {
		y.MulVec(a, x)
		next.MulVec(a.T(), y)
		most, largest := 0.0, 0.0
		for i := range columns {
			most, largest = max(most, next.AtVec(i)/x.AtVec(i)), max(largest, next.AtVec(i))
		}
		// Sums of nonnegative numbers: each is off by its number of terms, relatively.
		best = min(best, outward(math.Sqrt(most*(1+float64(rows+columns+8)*0x1p-52))))
		if largest == 0 {
			return best
		}
		for i := range columns {
			x.SetVec(i, max(next.AtVec(i)/largest, 1e-6))
		}
	}
	return best
}

// absolute is |w|, [rows, columns].
func absolute(w []float32, rows, columns int) *mat.Dense {
	m := mat.NewDense(rows, columns, nil)
	for i, v := range w {
		m.Set(i/columns, i%columns, math.Abs(float64(v)))
	}
	return m
}

// absoluteNorm bounds the norm of the convolution with |kernel|: on the torus, the frequency 0 has the largest, and with zero padding it
// is a part of that.
func (g Geometry) absoluteNorm(kernel []float32) float64 {
	kernel, g = g.fold(kernel)
	n := g.In[2] * g.Out
	sum := mat.NewDense(g.In[2], g.Out, nil)
	for i, v := range kernel {
		at := i % n
		sum.Set(at/g.Out, at%g.Out, sum.At(at/g.Out, at%g.Out)+math.Abs(float64(v)))
	}
	return positiveNorm(sum) * (1 + float64(len(kernel)/n)*0x1p-52)
}

// isometric rounds nothing: entries are moved, compared, or have their sign changed.
func isometric() (fresh, zero float64, err error) { return 0, 0, nil }

func (Flat) rounding([]*tensors.Tensor, Size, float64, float64) (fresh, zero float64, err error) {
	return isometric()
}

func (Depth) rounding([]*tensors.Tensor, Size, float64, float64) (fresh, zero float64, err error) {
	return isometric()
}

func (a Activation) rounding([]*tensors.Tensor, Size, float64, float64) (fresh, zero float64, err error) {
	if !a.kind().exact {
		return 0, 0, unrounded(a)
	}
	return isometric()
}

func (a AveragePool) rounding(_ []*tensors.Tensor, in Size, _, norm float64) (fresh, zero float64, err error) {
	n := a.By * a.By
	return sums(n+2, in.Entries()/n, 1/float64(a.By), norm, 0), 0, nil
}

// rounding: the root halves what is relative. Underflow is at least 10⁶ times smaller than 1e-12 after the root.
func (n NormPool) rounding(_ []*tensors.Tensor, in Size, _, norm float64) (fresh, zero float64, err error) {
	p := n.By * n.By
	out := math.Sqrt(float64(in.Entries() / p))
	zero = outward(out * 1.01e-6)
	return outward(gamma(p+5)*(norm+zero) + 2e6*float64(p+2)*tiny*out), zero, nil
}

func (d Dense) rounding(w []*tensors.Tensor, in Size, _, norm float64) (fresh, zero float64, err error) {
	zero = vectorNorm(flat(w[1]), 1)
	return sums(in[0], d.Units, positiveNorm(absolute(flat(w[0]), in[0], d.Units)), norm, zero), zero, nil
}

func (a Affine) rounding(w []*tensors.Tensor, in Size, _, norm float64) (fresh, zero float64, err error) {
	zero = vectorNorm(flat(w[1]), in[0]*in[1])
	return sums(a.Kernel*a.Kernel*in[2], in.Entries(), a.geometry(in).absoluteNorm(flat(w[0])), norm, zero), zero, nil
}

// rounding: x - 2·W·relu(Wᵀx + b), where ‖W‖² ≤ (bound + 1)/2.
func (r Residual) rounding(w []*tensors.Tensor, in Size, bound, norm float64) (fresh, zero float64, err error) {
	image := asImage(in)
	places, inner := image[0]*image[1], r.Kernel*r.Kernel*r.Inner
	g := Geometry{Kernel: Size{r.Kernel, r.Kernel}, In: Size{image[0], image[1], r.Inner}, Out: image[2], Stride: 1, Zero: r.Padding == Zero}
	s := step{first: outward(math.Sqrt((bound + 1) / 2)), abs: g.absoluteNorm(flat(w[0])), terms: r.Kernel * r.Kernel * image[2], hidden: places * r.Inner, bias: w[1], places: places}
	s.second, s.abs2, s.terms2, s.out = s.first, s.abs, inner, in.Entries()
	e, size, zero := s.rounding(norm)
	// 2 is a power of two; then one subtraction.
	return outward(2*e + u32*(norm+2*(size+e)) + tiny*math.Sqrt(float64(s.out))), outward(2 * zero), nil
}

// rounding: 2·Aᵀ·relu(B·x + b), where the norms of A and B are at most the root of bound.
func (s Sandwich) rounding(w []*tensors.Tensor, in Size, bound, norm float64) (fresh, zero float64, err error) {
	q, n := flat(w[0]), s.Units*s.Units
	root := outward(math.Sqrt(bound))
	e, _, zero := step{
		first: root, abs: positiveNorm(absolute(q[n:], in[0], s.Units)), terms: in[0], hidden: s.Units, bias: w[1], places: 1,
		second: root, abs2: positiveNorm(absolute(q[:n], s.Units, s.Units)), terms2: s.Units, out: s.Units,
	}.rounding(norm)
	return outward(2 * e), outward(2 * zero), nil
}

// step is V·relu(W·x + b): norms of W and V, of |W| and |V|, terms of their sums, and entries behind them.
type step struct {
	first, abs    float64
	terms, hidden int
	bias          *tensors.Tensor
	places        int // that the bias is added at
	second, abs2  float64
	terms2, out   int
}

// rounding bounds what float32 adds for ‖x‖ ≤ norm, the norm of the result, and that at 0.
func (s step) rounding(norm float64) (fresh, size, zero float64) {
	bias := flat(s.bias)
	all := vectorNorm(bias, s.places)
	for i, b := range bias {
		bias[i] = max(b, 0)
	}
	hidden := s.first*norm + all
	e := sums(s.terms, s.hidden, s.abs, norm, all)
	fresh = s.second*e + sums(s.terms2, s.out, s.abs2, hidden+e, 0)
	return outward(fresh), outward(s.second * hidden), outward(s.second * vectorNorm(bias, s.places))
}

// rounding: the groups' kernels, then one addition of the bias.
func (c Convolution) rounding(w []*tensors.Tensor, in Size, bound, norm float64) (fresh, zero float64, err error) {
	one, part := c.group(in)
	kind, n := convolutions[c.Kind], c.groups()
	if kind.apply != nil && kind.rounding == nil {
		return 0, 0, unrounded(c)
	}
	size, err := c.Out(in)
	if err != nil {
		return 0, 0, err
	}
	zero = vectorNorm(flat(w[n]), size[0]*size[1])
	squares := 0.0
	for i := range n {
		kernel, e := flat(w[i]), 0.0
		if kind.rounding == nil {
			e = sums(c.Kernel*c.Kernel*part[2], size.Entries()/n, one.geometry(part).absoluteNorm(kernel), norm, 0)
		} else {
			e = kind.rounding(one, kernel, part, bound, norm)
		}
		squares += e * e
	}
	fresh = math.Sqrt(squares)
	return outward(fresh + u32*(bound*norm+fresh+zero) + tiny*math.Sqrt(float64(size.Entries()))), zero, nil
}
