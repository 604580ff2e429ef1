package prove

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// An operator lowers a node to what its outputs stand for.
type operator func(l *lowering, n node) ([]item, error)

// operators are those of which something is proved.
var operators map[string]operator

func init() {
	operators = map[string]operator{
		"Add": arithmeticOp, "Sub": arithmeticOp, "Mul": arithmeticOp, "Div": arithmeticOp,
		"Pow": arithmeticOp, "Max": extreme, "Min": extreme, "Sum": sumOp,
		"Mod": integersOp, "Equal": integersOp, "Greater": integersOp, "Less": integersOp,
		"Neg": negOp, "Sin": unaryOp, "Cos": unaryOp, "Sqrt": sqrtOp,
		"Abs": elementwise, "Sign": elementwise, "Relu": elementwise, "Tanh": elementwise,
		"Sigmoid":   elementwise,
		"LeakyRelu": elementwise, "Elu": elementwise, "Celu": elementwise, "Selu": elementwise,
		"Softplus": elementwise, "Softsign": elementwise, "HardSigmoid": elementwise,
		"HardSwish": elementwise, "Erf": elementwise, "Gelu": elementwise, "Clip": clip,
		"PRelu":    prelu,
		"Identity": identity, "Dropout": dropout, "Cast": cast, "Constant": constantOp,
		"ConstantOfShape": constantOfShape, "Shape": shapeOp, "Size": shapeOp, "Range": rangeOp,
		"Where":   where,
		"Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze,
		"Transpose": transpose, "Slice": slice, "Split": splitOp, "Gather": gather,
		"Concat": concat, "Expand": expand, "Pad": pad, "SpaceToDepth": spaceToDepth,
		"DepthToSpace": depthToSpace,
		"Conv":         convOp, "ConvTranspose": convTranspose, "Gemm": gemm, "MatMul": matMul,
		"BatchNormalization": batchNorm,
		"MaxPool":            maxPool, "AveragePool": averagePool, "GlobalAveragePool": globalPool,
		"GlobalMaxPool": globalPool,
		"ReduceMean":    reduce, "ReduceSum": reduce, "ReduceMax": reduce, "ReduceMin": reduce,
		"ReduceL2": reduce, "ReduceProd": reduce, "TopK": topK,
	}
}

// logSoftmax takes one number from all logits of an image, so the differences of two are kept.
func logSoftmax(l *lowering, n node) ([]item, error) {
	x, err := n.value(0)
	if err != nil {
		return nil, err
	}
	a, err := x.axis(n.integer("axis", -1))
	if err != nil {
		return nil, err
	}
	if len(x.shape) != 2 || a != 1 {
		return nil, errors.New("it isn't over the logits alone")
	}
	return []item{x}, nil
}

// binary brings two items to one shape for one image. Of values with a constant, x is the value's.
func (l *lowering) binary(a, b item) (shape []int, err error) {
	if a.c != nil && b.c != nil {
		return broadcast(a.shape, b.shape)
	}
	for _, p := range [2][2]item{{a, b}, {b, a}} {
		v, other := p[0], p[1]
		if v.v == nil {
			continue
		}
		if len(other.shape) > len(v.shape) ||
			other.c != nil && len(other.shape) == len(v.shape) && other.shape[0] != 1 {
			return nil, fmt.Errorf("shapes %v and %v mix images", v.shape, other.shape)
		}
		if other.v != nil && (len(other.shape) != len(v.shape) || other.shape[0] != v.shape[0]) {
			return nil, fmt.Errorf("shapes %v and %v mix images", v.shape, other.shape)
		}
	}
	return broadcast(l.per(a), l.per(b))
}

// scaledPick broadcasts an item's value to a shape for one image, times numbers.
func (l *lowering) scaledPick(i item, shape []int, scale []float64, off inaccuracy) term {
	return term{i.v, pick{columns: i.v.n, from: spread(l.per(i), shape), scale: scale, off: off}}
}

// spreadConstant broadcasts a constant's floating-point numbers to a shape.
func spreadConstant(c *tensor, shape []int) ([]float64, error) {
	if !c.isFloat() {
		return nil, errors.New("integers with floating-point numbers")
	}
	return c.at(spread(c.shape, shape), shape, 0).f, nil
}

// arithmeticOp is a sum, a product and so on of two items.
func arithmeticOp(l *lowering, n node) ([]item, error) {
	if len(n.in) != 2 || !n.has(0) || !n.has(1) {
		return nil, errors.New("it needs two inputs")
	}
	a, b := n.in[0], n.in[1]
	if a.c != nil && b.c != nil {
		c, err := arithmetic(n.Op, a.c, b.c)
		if err != nil {
			return nil, err
		}
		return []item{{c: c, shape: c.shape}}, nil
	}
	shape, err := l.binary(a, b)
	if err != nil {
		return nil, err
	}
	var v *value
	switch {
	case n.Op == "Add" || n.Op == "Sub":
		v, err = l.addition(n, a, b, shape)
	case n.Op == "Pow" && a.v != nil && b.c.is(0.5):
		return sqrtOp(l, n)
	case n.Op == "Pow":
		v, err = l.square(n, a, b)
	case a.v != nil && b.v != nil:
		v, err = l.gate(n, a, b)
	default:
		v, err = l.scaled(n, a, b, shape)
	}
	if err != nil {
		return nil, err
	}
	o, err := l.whole(v, shape)
	return []item{o}, err
}

// addition is a sum or a difference of two items, of which one at least is a value.
func (l *lowering) addition(n node, a, b item, shape []int) (*value, error) {
	var terms []term
	var offset []float64
	loose := false
	for k, i := range [2]item{a, b} {
		minus := k == 1 && n.Op == "Sub"
		if i.c != nil {
			var err error
			if offset, err = spreadConstant(i.c, shape); err != nil {
				return nil, err
			}
			loose = i.c.off > 0
			if minus {
				offset = slices.Clone(offset)
				for j := range offset {
					offset[j] = -offset[j]
				}
			}
			continue
		}
		var scale []float64
		if minus {
			scale = slices.Repeat([]float64{-1}, entriesOf(shape))
		}
		terms = append(terms, l.scaledPick(i, shape, scale, inaccuracy{}))
	}
	v := l.g.linear(label(n.Node), offset, terms...)
	v.loose = loose
	return v, nil
}

// scaled is a value times or divided by a constant.
func (l *lowering) scaled(n node, a, b item, shape []int) (*value, error) {
	x, c := a, b.c
	if a.c != nil {
		x, c = b, a.c
	}
	if n.Op == "Div" {
		if a.c != nil {
			return nil, errors.New("it divides by a value that depends on the image")
		}
		one := &tensor{f: []float64{1}}
		var err error
		if c, err = arithmetic("Div", one, c); err != nil {
			return nil, err
		}
	}
	scale, err := spreadConstant(c, shape)
	if err != nil {
		return nil, err
	}
	return l.g.linear(label(n.Node), nil, l.scaledPick(x, shape, scale, c.inaccuracy())), nil
}

// square is the square of a value, of which a root may follow.
func (l *lowering) square(n node, a, b item) (*value, error) {
	if a.v == nil || !b.c.is(2) {
		return nil, errors.New("only the square of a value is known, and only below a root")
	}
	return l.g.activation(label(n.Node), squares(), a.v, a.v.n), nil
}

var errNoProduct = errors.New(
	"a product of two values that depend on the image has no Lipschitz constant")

// gate is a product of two values: the square of one, or x times a known function of x.
func (l *lowering) gate(n node, a, b item) (*value, error) {
	if !slices.Equal(a.shape, b.shape) {
		return nil, errNoProduct
	}
	if a.v == b.v {
		return l.g.activation(label(n.Node), squares(), a.v, a.v.n), nil
	}
	x, y := a.v.plain(), b.v.plain()
	for _, p := range [2][2]*value{{x, y}, {y, x}} {
		if z := signed(p[0], p[1]); z != nil {
			return z, nil
		}
		if f := gated(p[0], p[1]); f != nil {
			return l.g.activation(label(n.Node), f, p[0], p[0].n), nil
		}
	}
	return nil, errNoProduct
}

// sumOp adds any number of items.
func sumOp(l *lowering, n node) ([]item, error) {
	if len(n.in) == 0 {
		return nil, errors.New("it has no inputs")
	}
	all := n.in[0]
	for _, i := range n.in[1:] {
		next := n
		next.Op, next.in = "Add", []item{all, i}
		out, err := arithmeticOp(l, next)
		if err != nil {
			return nil, err
		}
		all = out[0]
	}
	return []item{all}, nil
}

func integersOp(l *lowering, n node) ([]item, error) {
	a, err := n.constant(0)
	if err != nil {
		return nil, err
	}
	b, err := n.constant(1)
	if err != nil {
		return nil, err
	}
	if a.isFloat() || b.isFloat() {
		return nil, errors.New("it compares floating-point numbers")
	}
	c, err := arithmetic(n.Op, a, b)
	if err != nil {
		return nil, err
	}
	return []item{{c: c, shape: c.shape}}, nil
}

// negOp is -x.
func negOp(l *lowering, n node) ([]item, error) {
	if n.has(0) && n.in[0].v != nil {
		x := n.in[0]
		scale := slices.Repeat([]float64{-1}, x.v.n)
		v := l.g.linear(label(n.Node), nil, l.scaledPick(x, l.per(x), scale, inaccuracy{}))
		return []item{{v: v, shape: x.shape}}, nil
	}
	return unaryOp(l, n)
}

// unaryOp is a function of a constant, or of a value with slopes between -1 and 1.
func unaryOp(l *lowering, n node) ([]item, error) {
	if n.has(0) && n.in[0].v != nil {
		return elementwise(l, n)
	}
	c, err := n.constant(0)
	if err != nil {
		return nil, err
	}
	if c, err = function(n.Op, c); err != nil {
		return nil, err
	}
	return []item{{c: c, shape: c.shape}}, nil
}

// sqrtOp is the root of a constant, or of a sum of squares.
func sqrtOp(l *lowering, n node) ([]item, error) {
	if !n.has(0) || n.in[0].v == nil {
		return unaryOp(l, n)
	}
	x := n.in[0]
	of, squares, offset, err := sumOfSquares(x.v)
	if err != nil {
		return nil, err
	}
	v := l.g.activation(label(n.Node), norms(squares, offset), of, x.v.n)
	return []item{{v: v, shape: x.shape}}, nil
}

// sumOfSquares writes a value as squares of another, times numbers of at least 0, plus an offset.
func sumOfSquares(v *value) (of *value, by linear, offset []float64, err error) {
	by = same(v.n)
	bad := false
	for v.act == nil && len(v.terms) == 1 {
		if bad = bad || v.loose || !positive(by); v.offset != nil {
			bad = bad || slices.Min(v.offset) < 0
			more := apply(by, v.offset)
			for i, o := range offset {
				more[i] += o
			}
			offset = more
		}
		var ok bool
		if by, ok = compose(by, v.terms[0].by); !ok {
			break
		}
		v = v.terms[0].of
	}
	if v.act == nil || !v.act.squares || by == nil {
		return nil, nil, nil, errors.New("only the root of a sum of squares is known")
	}
	if bad || !positive(by) {
		return nil, nil, nil, errors.New("the root of a sum of squares with negative numbers")
	}
	return v.arg, by, offset, nil
}

// positive says whether no entry of a map is below 0, whatever its error. Products of numbers that
// aren't negative have errors that don't change their signs.
func positive(l linear) bool {
	off := inaccuracy{}
	switch l := l.(type) {
	case pick:
		off = l.off
	case conv:
		off = l.off
	}
	least := math.Inf(1)
	l.each(func(_, _ int, x float64) { least = min(least, x) })
	return off.rel < 0.5 && (least >= 0 && off.abs <= 1e-299 || least > off.abs)
}

func identity(l *lowering, n node) ([]item, error) {
	if !n.has(0) {
		return nil, errors.New("it has no input")
	}
	return []item{n.in[0]}, nil
}

func dropout(l *lowering, n node) ([]item, error) {
	if n.has(2) {
		c, err := n.constant(2)
		if err != nil {
			return nil, err
		}
		if c.isFloat() || slices.ContainsFunc(c.i, func(v int64) bool { return v != 0 }) {
			return nil, errors.New("it is in training mode: export the model for evaluation")
		}
	}
	return identity(l, n)
}
