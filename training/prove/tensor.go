package prove

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// A tensor is a constant of a graph: of floating-point numbers or of integers.
type tensor struct {
	shape []int
	f     []float64
	i     []int64 // where f is nil
	off   float64 // bounds the error of each of f
	// free says which of i are multiples of the number of images; nil is none. It is nil where the
	// file fixes the batch.
	free []bool
}

// maxSize bounds the numbers of a float constant, so that no product of two overflows.
const maxSize = 1e60

func decode(t onnxfile.Tensor) (*tensor, error) {
	c := &tensor{shape: t.Dims}
	var err error
	if t.Kind.Floating() {
		if c.f, err = t.Floats(); err == nil && c.f == nil {
			c.f = []float64{}
		}
		if largest(c.f) > maxSize {
			return nil, fmt.Errorf("weight %q has a number above %g", t.Name, maxSize)
		}
	} else {
		c.i, err = t.Integers()
	}
	return c, err
}

func (t *tensor) isFloat() bool { return t.f != nil }

// is says whether t is one number, x exactly.
func (t *tensor) is(x float64) bool {
	return t != nil && t.off == 0 && len(t.f) == 1 && t.f[0] == x
}

func (t *tensor) entries() int { return max(len(t.f), len(t.i)) }

// inaccuracy is that of its numbers.
func (t *tensor) inaccuracy() inaccuracy { return inaccuracy{abs: t.off} }

var errBatch = errors.New("the answer for an image depends on the size of the batch")

// ints are the entries of a tensor of integers, the first of which may be a multiple of the number
// of images where batch says so.
func (t *tensor) ints(batch bool) ([]int, error) {
	if t.isFloat() {
		return nil, fmt.Errorf("floating-point numbers where integers are wanted")
	}
	if k := slices.Index(t.free, true); k > 0 || k == 0 && !batch {
		return nil, errBatch
	}
	x := make([]int, len(t.i))
	for k, v := range t.i {
		// The ends of axes are often written as the largest integers.
		x[k] = int(max(math.MinInt32, min(math.MaxInt32, v)))
	}
	return x, nil
}

// ofBatch says whether an entry is a multiple of the number of images.
func (t *tensor) ofBatch(k int) bool { return t != nil && t.free != nil && t.free[k] }

// at takes each entry from one of t, and fill where from is negative.
func (t *tensor) at(from []int32, shape []int, fill float64) *tensor {
	n := &tensor{shape: shape, off: t.off}
	if t.isFloat() {
		n.f = make([]float64, len(from))
		for k, f := range from {
			n.f[k] = fill
			if f >= 0 {
				n.f[k] = t.f[f]
			}
		}
		return n
	}
	n.i = make([]int64, len(from))
	if t.free != nil {
		n.free = make([]bool, len(from))
	}
	for k, f := range from {
		n.i[k] = int64(fill)
		if f >= 0 {
			n.i[k] = t.i[f]
			if t.free != nil {
				n.free[k] = t.free[f]
			}
		}
	}
	return n
}

// places are the entries of a tensor of this shape, in order.
func places(shape []int) []int32 {
	from := make([]int32, entriesOf(shape))
	for i := range from {
		from[i] = int32(i)
	}
	return from
}

func entriesOf(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// strides are how far apart the entries of each axis are.
func strides(shape []int) []int {
	s, n := make([]int, len(shape)), 1
	for a := len(shape) - 1; a >= 0; a-- {
		s[a] = n
		n *= shape[a]
	}
	return s
}

// eachPlace calls f with the indices of every entry of a shape, in order.
func eachPlace(shape []int, f func(at []int)) {
	n := entriesOf(shape)
	at := make([]int, len(shape))
	for range n {
		f(at)
		for a := len(at) - 1; a >= 0; a-- {
			if at[a]++; at[a] < shape[a] {
				break
			}
			at[a] = 0
		}
	}
}

// gathered are places of a tensor of shape from, by the indices of those of shape to: -1 for none.
func gathered(from, to []int, index func(at, source []int) bool) []int32 {
	s, source := strides(from), make([]int, len(from))
	out := make([]int32, 0, entriesOf(to))
	eachPlace(to, func(at []int) {
		place := int32(-1)
		if index(at, source) {
			p := 0
			for a, i := range source {
				p += i * s[a]
			}
			place = int32(p)
		}
		out = append(out, place)
	})
	return out
}

// spread are the places of a tensor of shape from that is broadcast to shape to.
func spread(from, to []int) []int32 {
	shift := len(to) - len(from)
	return gathered(from, to, func(at, source []int) bool {
		for a := range source {
			source[a] = at[a+shift]
			if from[a] == 1 {
				source[a] = 0
			}
		}
		return true
	})
}

// broadcast is the shape of two that are broadcast to each other.
func broadcast(a, b []int) ([]int, error) {
	n := max(len(a), len(b))
	out := make([]int, n)
	side := func(s []int, i int) int {
		if i += len(s) - n; i < 0 {
			return 1
		}
		return s[i]
	}
	for i := range out {
		x, y := side(a, i), side(b, i)
		if x != y && x != 1 && y != 1 {
			return nil, fmt.Errorf("sides %v and %v don't fit each other", a, b)
		}
		out[i] = max(x, y)
		if x == 0 || y == 0 {
			out[i] = 0
		}
	}
	return out, sized(out)
}

// maxEntries bounds the entries of a value or constant that a graph computes.
const maxEntries = 1 << 26

// sized returns an error for a shape with too many entries.
func sized(shape []int) error {
	n, err := onnxfile.Entries(shape)
	if err == nil && n > maxEntries {
		err = fmt.Errorf("a shape %v of more than %d entries", shape, maxEntries)
	}
	return err
}

// axisOf counts an axis from the first.
func axisOf(axis, rank int) (int, error) {
	if axis < 0 {
		axis += rank
	}
	if axis < 0 || axis >= rank {
		return 0, fmt.Errorf("axis %d of %d", axis, rank)
	}
	return axis, nil
}

// arithmetic computes constants from constants, of floats with a bound on the error.
func arithmetic(op string, a, b *tensor) (*tensor, error) {
	shape, err := broadcast(a.shape, b.shape)
	if err != nil {
		return nil, err
	}
	a, b = a.at(spread(a.shape, shape), shape, 0), b.at(spread(b.shape, shape), shape, 0)
	if !a.isFloat() && !b.isFloat() {
		n, err := integerArithmetic(op, a, b)
		if err == nil && (a.free != nil || b.free != nil) {
			err = n.freeOf(op, a, b)
		}
		return n, err
	}
	if !a.isFloat() || !b.isFloat() {
		return nil, fmt.Errorf("integers with floating-point numbers")
	}
	n := &tensor{shape: shape, f: make([]float64, len(a.f))}
	x, y := largest(a.f), largest(b.f)
	if len(a.f) == 0 {
		return n, nil
	}
	least := math.Inf(1)
	for k := range n.f {
		v, w := a.f[k], b.f[k]
		least = min(least, math.Abs(w))
		switch op {
		case "Add":
			n.f[k] = v + w
		case "Sub":
			n.f[k] = v - w
		case "Mul":
			n.f[k] = v * w
		case "Div":
			n.f[k] = v / w
		case "Max":
			n.f[k] = max(v, w)
		case "Min":
			n.f[k] = min(v, w)
		case "Pow":
			if w != 2 || b.off != 0 {
				return nil, fmt.Errorf("a power %g of weights", w)
			}
			n.f[k] = v * v
		default:
			return nil, fmt.Errorf("weights computed by %s", op)
		}
	}
	if most := largest(n.f); !(most <= maxSize) {
		return nil, fmt.Errorf("weights above %g", maxSize)
	}
	exact := a.off == 0 && b.off == 0
	switch op {
	case "Add", "Sub":
		n.off = 1.01 * (a.off + b.off + u*(x+y))
	case "Mul":
		n.off = 1.01*(a.off*y+b.off*x+a.off*b.off+u*x*y) + 1e-300
	case "Pow":
		n.off = 1.01*(2*a.off*x+a.off*a.off+u*x*x) + 1e-300
	case "Div":
		if least <= 2*b.off || least < 1e-60 {
			return nil, fmt.Errorf("weights divided by nearly 0")
		}
		n.off = 1.01*((a.off+x*b.off/least)/(least-b.off)+u*x/least) + 1e-300
		if exact && powersOfTwo(b.f) {
			n.off = 0
		}
	default:
		n.off = max(a.off, b.off)
	}
	if exact && op == "Mul" && (powersOfTwo(a.f) || powersOfTwo(b.f)) {
		n.off = 0
	}
	return n, nil
}

// powersOfTwo says whether products and quotients by every one of x are exact.
func powersOfTwo(x []float64) bool {
	return !slices.ContainsFunc(x, func(v float64) bool {
		m, e := math.Frexp(math.Abs(v))
		return v != 0 && m != 0.5 || e > 60 || e < -60
	})
}

// truth is a truth value as an integer.
func truth(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

func integerArithmetic(op string, a, b *tensor) (*tensor, error) {
	n := &tensor{shape: a.shape, i: make([]int64, len(a.i))}
	for k := range n.i {
		v, w := a.i[k], b.i[k]
		switch op {
		case "Add":
			n.i[k] = v + w
		case "Sub":
			n.i[k] = v - w
		case "Mul":
			n.i[k] = v * w
		case "Div":
			if w == 0 {
				return nil, fmt.Errorf("an integer divided by 0")
			}
			n.i[k] = v / w
		case "Max":
			n.i[k] = max(v, w)
		case "Min":
			n.i[k] = min(v, w)
		case "Equal":
			n.i[k] = truth(v == w)
		case "Greater":
			n.i[k] = truth(v > w)
		case "Less":
			n.i[k] = truth(v < w)
		case "Mod":
			if w == 0 {
				return nil, fmt.Errorf("an integer divided by 0")
			}
			n.i[k] = ((v % w) + w) % w
		default:
			return nil, fmt.Errorf("integers computed by %s", op)
		}
	}
	return n, nil
}

// freeOf finds which entries of n, the result of an operation on integers, are multiples of the
// number of images. It returns an error for one that depends on that number in another way.
func (n *tensor) freeOf(op string, a, b *tensor) error {
	n.free = make([]bool, len(n.i))
	for k := range n.i {
		v, w := a.i[k], b.i[k]
		x, y := a.ofBatch(k), b.ofBatch(k)
		switch {
		case !x && !y:
		case op == "Mul" && x != y, (op == "Add" || op == "Sub") && (x && y || x && w == 0),
			op == "Add" && !x && v == 0, op == "Div" && !y && w > 0 && v%w == 0:
			n.free[k] = true
		case op == "Div" && x && y:
		case op == "Equal" && (x && !y && v > 0 && w <= 0 || !x && w > 0 && v <= 0):
		default:
			return errBatch
		}
	}
	return nil
}

// unary are functions of constants, with a bound on their slope, or 0 where it depends on x.
var unary = map[string]struct {
	f     func(float64) float64
	slope float64
}{
	"Neg":  {func(x float64) float64 { return -x }, 1},
	"Abs":  {math.Abs, 1},
	"Sin":  {math.Sin, 1},
	"Cos":  {math.Cos, 1},
	"Tanh": {math.Tanh, 1},
	"Relu": {func(x float64) float64 { return max(0, x) }, 1},
	"Sqrt": {math.Sqrt, 0},
}

// function computes a constant from one.
func function(op string, a *tensor) (*tensor, error) {
	f, ok := unary[op]
	if !ok || !a.isFloat() {
		return nil, fmt.Errorf("weights computed by %s", op)
	}
	n := &tensor{shape: a.shape, f: make([]float64, len(a.f)), off: a.off}
	least := math.Inf(1)
	for k, v := range a.f {
		n.f[k] = f.f(v)
		least = min(least, v)
	}
	switch op {
	case "Neg", "Abs", "Relu":
	case "Sqrt":
		if least < 0 || a.off > 0 && least < 4*a.off {
			return nil, fmt.Errorf("a root of weights near 0 or below")
		}
		if a.off > 0 {
			n.off = 1.01 * a.off / math.Sqrt(least)
		}
		n.off += 1.01 * u * largest(n.f)
	default: // within some units of a result of at most 1
		n.off = 1.01*a.off + 8*u
	}
	return n, nil
}
