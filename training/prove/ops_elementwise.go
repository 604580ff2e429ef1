package prove

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// squares is x ↦ x².
func squares() *activation {
	return &activation{name: "square", stretch: math.Inf(1), squares: true,
		eval: func(x []float64) []float64 {
			y := make([]float64, len(x))
			for i, v := range x {
				y[i] = v * v
			}
			return y
		}}
}

// slopesOf is the elementwise operation of a node, with proved slopes.
func slopesOf(n node) (*activation, error) {
	switch n.Op {
	case "Abs":
		return slopes("abs", -1, 1, math.Abs), nil
	case "Relu":
		return slopes("relu", 0, 1, func(x float64) float64 { return max(0, x) }), nil
	case "Sign": // is known only below x times it
		a := slopes("sign", 0, math.Inf(1), func(x float64) float64 {
			if x > 0 {
				return 1
			} else if x < 0 {
				return -1
			}
			return 0
		})
		a.elementwise = false
		return a, nil
	case "Tanh":
		return slopes("tanh", 0, 1, math.Tanh), nil
	case "Sin":
		return slopes("sin", -1, 1, math.Sin), nil
	case "Cos":
		return slopes("cos", -1, 1, math.Cos), nil
	case "Sigmoid":
		return slopes("sigmoid", 0, 0.25, sigmoid), nil
	case "Softplus":
		return slopes("softplus", 0, 1, func(x float64) float64 {
			return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
		}), nil
	case "Softsign":
		return slopes("softsign", 0, 1, func(x float64) float64 {
			return x / (1 + math.Abs(x))
		}), nil
	case "Erf": // 2/√π = 1.12838
		return slopes("erf", 0, 1.1284, math.Erf), nil
	case "LeakyRelu":
		return leaky("leaky relu", n.float("alpha", 0.01)), nil
	case "HardSigmoid":
		a, b := n.float("alpha", 0.2), n.float("beta", 0.5)
		return slopes("hard sigmoid", min(0, a), max(0, a), func(x float64) float64 {
			return max(0, min(1, a*x+b))
		}), nil
	case "HardSwish": // x·(x+3)/6 between -3 and 3
		return slopes("hard swish", -0.5, 1.5, func(x float64) float64 {
			return x * max(0, min(1, x/6+0.5))
		}), nil
	case "Gelu":
		if a := n.Attributes["approximate"].Text; a != "" && a != "none" {
			return nil, fmt.Errorf("nothing is proved of its approximation %q", a)
		}
		// Φ(x) + x·φ(x) has its extremes at ±√2: 1.12904 and -0.12904.
		return slopes("gelu", -0.1291, 1.1291, func(x float64) float64 {
			return x * 0.5 * (1 + math.Erf(x/math.Sqrt2))
		}), nil
	}
	return exponential(n)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// leaky multiplies negative entries by a.
func leaky(name string, a float64) *activation {
	return slopes(name, min(a, 1), max(a, 1), func(x float64) float64 {
		if x < 0 {
			return a * x
		}
		return x
	})
}

// exponential are units that are a·(eˣ-1) below 0, of slopes between 0 and a there.
func exponential(n node) (*activation, error) {
	elu := func(name string, a, inside, gain float64) (*activation, error) {
		low, high := gain*min(0, a*inside), gain*max(1, a*inside)
		if !(math.Abs(low) < 1e6 && math.Abs(high) < 1e6) {
			return nil, errors.New("its slopes are too large")
		}
		return slopes(name, low*(1+4*u), high*(1+4*u), func(x float64) float64 {
			if x < 0 {
				return gain * a * math.Expm1(x*inside)
			}
			return gain * x
		}), nil
	}
	switch n.Op {
	case "Elu":
		return elu("elu", n.float("alpha", 1), 1, 1)
	case "Celu":
		a := n.float("alpha", 1)
		if a <= 0 {
			return nil, errors.New("its alpha isn't positive")
		}
		return elu("celu", a, 1/a, 1)
	case "Selu":
		gain := n.float("gamma", 1.05070102214813232421875)
		if gain < 0 {
			return nil, errors.New("its gamma is negative")
		}
		return elu("selu", n.float("alpha", 1.67326319217681884765625), 1, gain)
	}
	return nil, errors.New("nothing is proved of this operation")
}

// elementwise applies a function to every entry.
func elementwise(l *lowering, n node) ([]item, error) {
	if n.has(0) && n.in[0].c != nil {
		c, err := function(n.Op, n.in[0].c)
		if err != nil {
			return nil, err
		}
		return []item{{c: c, shape: c.shape}}, nil
	}
	x, err := n.value(0)
	if err != nil {
		return nil, err
	}
	if n.Op == "Relu" {
		return l.relu(n, x)
	}
	a, err := slopesOf(n)
	if err != nil {
		return nil, err
	}
	return l.applied(n, a, x), nil
}

// relu is the activation of that name. Where the graph has relu(x) and relu(-x), the two are one
// activation: together they are 1-Lipschitz, as the vector of both moves on axes by x's move.
func (l *lowering) relu(n node, x item) ([]item, error) {
	of, sign := x.v, 1
	if t := of.terms; len(t) == 1 && of.offset == nil {
		if p, ok := t[0].by.(pick); ok {
			if f, ok := p.uniform(); ok && f == -1 && p.off == (inaccuracy{}) {
				of, sign = t[0].of, -1
			}
		}
	}
	key := [2]int{of.id, sign}
	first, second := same(x.v.n), same(x.v.n)
	if v, ok := l.relus[key]; ok { // computed twice
		return []item{{v: v, shape: x.shape}}, nil
	}
	other := l.relus[[2]int{of.id, -sign}]
	if other == nil {
		a, err := slopesOf(n)
		if err != nil {
			return nil, err
		}
		v := l.g.linear(label(n.Node), nil, term{l.applied(n, a, x)[0].v, first})
		v.fixed = true
		l.relus[key] = v
		return []item{{v: v, shape: x.shape}}, nil
	}
	both := other.terms[0].of
	both.n *= 2
	both.act = bothSides()
	first.columns, second.columns = both.n, both.n
	for i := range second.from {
		second.from[i] += int32(x.v.n)
	}
	other.terms[0].by = first
	v := l.g.linear(label(n.Node), nil, term{both, second})
	l.relus[key] = v
	return []item{{v: v, shape: x.shape}}, nil
}

// bothSides is x ↦ (relu(x), relu(-x)).
func bothSides() *activation {
	return &activation{name: "relu of x and of -x", stretch: 1, eval: func(x []float64) []float64 {
		y := make([]float64, 2*len(x))
		for i, v := range x {
			y[i], y[i+len(x)] = max(0, v), max(0, -v)
		}
		return y
	}}
}

// applied is an activation of an item, with its shape.
func (l *lowering) applied(n node, a *activation, x item) []item {
	v := l.g.activation(label(n.Node), a, x.v, x.v.n)
	return []item{{v: v, shape: x.shape}}
}

// clip keeps entries between two constants.
func clip(l *lowering, n node) ([]item, error) {
	x, err := n.value(0)
	if err != nil {
		return nil, err
	}
	low, high := n.float("min", -math.MaxFloat32), n.float("max", math.MaxFloat32)
	for k, to := range map[int]*float64{1: &low, 2: &high} {
		if !n.has(k) {
			continue
		}
		c, err := n.floats(k)
		if err != nil {
			return nil, err
		}
		if len(c.f) != 1 {
			return nil, fmt.Errorf("input %d isn't one number", k)
		}
		*to = c.f[0]
	}
	return l.applied(n, slopes("clip", 0, 1, func(v float64) float64 {
		return min(max(v, low), high)
	}), x), nil
}

// prelu has slopes of constants for negative entries.
func prelu(l *lowering, n node) ([]item, error) {
	x, err := n.value(0)
	if err != nil {
		return nil, err
	}
	c, err := n.floats(1)
	if err != nil {
		return nil, err
	}
	shape, err := l.binary(x, item{c: c, shape: c.shape})
	if err != nil {
		return nil, err
	}
	slope, err := spreadConstant(c, shape)
	if err != nil {
		return nil, err
	}
	if len(slope) != x.v.n || c.off > 0 {
		return nil, errors.New("its slopes don't fit the image")
	}
	a := leaky("prelu", 0)
	if len(slope) > 0 {
		a.low, a.high = min(1, slices.Min(slope)), max(1, slices.Max(slope))
	}
	a.stretch = max(-a.low, a.high)
	a.eval = func(x []float64) []float64 {
		y := slices.Clone(x)
		for i, v := range x {
			if v < 0 {
				y[i] = v * slope[i]
			}
		}
		return y
	}
	return l.applied(n, a, x), nil
}

// signed says whether w is sign(z) and x is |z|, and returns z, which their product is.
func signed(x, w *value) *value {
	if w.act == nil || w.act.name != "sign" {
		return nil
	}
	for x.act == nil && len(x.terms) == 1 && x.offset == nil {
		if p, ok := x.terms[0].by.(pick); !ok || !p.isSame() {
			return nil
		}
		x = x.terms[0].of
	}
	if x.act != nil && x.act.name == "relu" {
		x = x.arg
	}
	if x.act != nil && x.act.name == "abs" && x.arg == w.arg {
		return w.arg
	}
	return nil
}

// gated knows x times some functions of c·x: of w = sigmoid(c·x), and of w = 1 + erf(c·x). The
// slope of the product depends on t = c·x alone.
func gated(x, w *value) *activation {
	evaluate := func(f func(float64) float64) func(x []float64) []float64 {
		return func(x []float64) []float64 {
			y := make([]float64, len(x))
			for i, v := range x {
				y[i] = v * f(v)
			}
			return y
		}
	}
	offset, half := 0.0, 1.0
	for w.act == nil && len(w.terms) == 1 {
		p, ok := w.terms[0].by.(pick)
		if !ok {
			return nil
		}
		f, ok := p.uniform()
		if !ok || f != 1 && f != 0.5 || half*f < 0.5 {
			return nil
		}
		if w.offset != nil {
			if slices.ContainsFunc(w.offset, func(o float64) bool { return o*half != half }) {
				return nil
			}
			offset += half
		}
		half *= f
		w = w.terms[0].of
	}
	if w.act == nil {
		return nil
	}
	c := 1.0
	if w.arg.plain() != x {
		if len(w.arg.terms) != 1 || w.arg.terms[0].of != x || w.arg.offset != nil {
			return nil
		}
		p, ok := w.arg.terms[0].by.(pick)
		if !ok {
			return nil
		}
		if c, ok = p.uniform(); !ok {
			return nil
		}
	}
	switch {
	case w.act.name == "sigmoid" && offset == 0 && half == 1:
		// σ(t) + t·σ'(t): extremes 1.09984 and -0.09984 at t = ±2.39936.
		a := slopes("silu", -0.0999, 1.0999, nil)
		a.eval = evaluate(func(v float64) float64 { return sigmoid(c * v) })
		return a
	case w.act.name == "erf" && offset == half:
		// 1 + erf(t) + 2/√π·t·exp(-t²): extremes 2.25808 and -0.25808 at t = ±1.
		a := slopes("gelu", -0.2582*half, 2.2582*half, nil)
		a.eval = evaluate(func(v float64) float64 { return half * (1 + math.Erf(c*v)) })
		return a
	}
	return nil
}
