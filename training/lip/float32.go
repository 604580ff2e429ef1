package lip

import (
	"math"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// Float32 arithmetic is taken to follow the standard model (Higham, Accuracy and Stability of
// Numerical Algorithms, 2002, chapters 2 and 3). An operation's result is the true one times 1+δ,
// |δ| ≤ u32, plus an absolute error where numbers below 2⁻¹²⁶ are flushed to zero, as XLA does. The
// same holds for a fused multiplication and addition. Sums come in any order, and square roots are
// correctly rounded.
//
// A flushed result is off by at most 2⁻¹²⁶. A flushed operand moves a product by 2⁻¹²⁶ times the
// other operand. An operation thus adds at most tiny times 1 plus the sizes of its operands. tiny
// leaves room for the rounding of what follows.
//
// Neither TF32 nor convolutions by fast transforms follow the model.
const (
	u32      = 0x1p-24
	smallest = 0x1p-126
	tiny     = 8 * smallest
)

// flushed is the roundoff of a 1-Lipschitz layer that moves n values, compares them or changes
// their sign. It may take a value below 2⁻¹²⁶ for zero, and nothing else is rounded.
func flushed(n int) roundoff { return roundoff{fresh: outward(smallest * math.Sqrt(float64(n)))} }

// graphs bounds the underflow of a graph of matrix products with operands of these sizes. It takes
// 2⁴⁰ operations, and lets the sizes amplify what underflows in each.
func graphs(sizes ...float64) float64 {
	s := 0x1p40 * tiny
	for _, size := range sizes {
		s *= 1 + size
	}
	return s
}

// gamma bounds what n factors 1+δ come to: n·u32/(1 - n·u32), +Inf where there are too many.
func gamma(n int) float64 {
	x := float64(n) * u32
	if x >= 0.5 {
		return math.Inf(1)
	}
	return outward(x / (1 - x))
}

// largestSum is half of the largest float32 or less. Partial sums up to largestSum don't overflow.
const largestSum = 0x1p126

// sums bounds what float32 adds to y = A·x + b for ‖x‖ ≤ norm. There are out entries, each a sum of
// so many products; ‖|A|‖ ≤ abs and ‖b‖ ≤ bias. The bound is +Inf where a partial sum, in any
// order, may overflow: a ReLU behind such a sum could hide an infinity.
func sums(terms, out int, abs, norm, bias float64) float64 {
	if !(abs*norm+bias <= largestSum) {
		return math.Inf(1)
	}
	underflow := float64(terms+2) * math.Sqrt(float64(out)) * tiny * (1 + abs + norm + bias)
	return outward(gamma(terms+2)*(abs*norm+bias) + underflow)
}

// A factor is a matrix W that float32 multiplies by.
type factor struct {
	norm, abs  float64 // bounds of ‖W‖ and ‖|W|‖
	terms, out int     // products of an entry's sum, and entries
}

// A hiddenStep is V·relu(W·x + b).
type hiddenStep struct {
	first, second factor // W and V
	bias          *tensors.Tensor
	places        int // that the bias is added at
}

// rounding bounds what float32 adds for ‖x‖ ≤ norm, the norm of the result, and the norm at 0.
func (s hiddenStep) rounding(norm float64) (fresh, size, zero float64) {
	bias := flat(s.bias)
	all := vectorNorm(bias, s.places)
	for i, b := range bias {
		bias[i] = max(b, 0)
	}
	hidden := s.first.norm*norm + all
	e := sums(s.first.terms, s.first.out, s.first.abs, norm, all)
	fresh = s.second.norm*e + sums(s.second.terms, s.second.out, s.second.abs, hidden+e, 0)
	zero = outward(s.second.norm * vectorNorm(bias, s.places))
	return outward(fresh), outward(s.second.norm * hidden), zero
}

// vectorNorm bounds the norm of v with each entry repeated so many times.
func vectorNorm(v []float32, times int) float64 {
	s := 0.0
	for _, x := range v {
		s += float64(x) * float64(x)
	}
	return math.Sqrt(s*float64(times)) * (1 + float64(len(v)+4)*2*0x1p-53)
}

// positiveNorm bounds the largest singular value of a matrix without negative entries. For any x >
// 0, the largest eigenvalue of aᵀa is at most the largest (aᵀa·x)_i/x_i (Collatz & Wielandt). A few
// power iterations make that tight.
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
			most = max(most, next.AtVec(i)/x.AtVec(i))
			largest = max(largest, next.AtVec(i))
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
