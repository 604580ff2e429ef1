package export

import (
	"cmp"
	"fmt"

	"github.com/lipsmooth/lipsmooth/training/lip"
)

func (g *graph) activation(a lip.Activation, x string, w [][]float32, in lip.Size) (string, error) {
	channels := in[len(in)-1]
	switch cmp.Or(a.Kind, "maxmin") {
	case "abs":
		return g.op("Abs", []string{x}), nil
	case "beta-abs":
		slopes := make([]float32, channels) // of negative values
		for i := range slopes {
			slopes[i] = 1
			if i < lip.BetaAbs(channels) {
				slopes[i] = -1
			}
		}
		return g.op("PRelu", []string{x, g.perChannel("slopes", slopes, in)}), nil
	case "relu":
		return g.op("Relu", []string{x}), nil
	case "maxmin":
		h := g.split(x, 2)
		return g.concat([]string{g.op("Max", h), g.op("Min", h)}), nil
	case "groupsort":
		return g.groupSort(x, cmp.Or(a.Group, channels), in), nil
	case "householder":
		return g.householder(x, w[0], in), nil
	}
	return "", fmt.Errorf("activations of kind %q have no form in ONNX here", a.Kind)
}

// perChannel adds an initializer with a number for each channel of values of this size.
func (g *graph) perChannel(what string, values []float32, in lip.Size) string {
	shape := lip.Size{len(values), 1, 1}
	return g.weight(what, values, shape[:len(in)]...)
}

// split cuts the channels in n equal parts, and concat puts parts together.
func (g *graph) split(x string, n int) []string {
	return g.ops("Split", n, []string{x}, attribute{"axis", 1}, attribute{"num_outputs", n})
}

// channels are those from first to before end, and part is the same along any axis.
func (g *graph) channels(x string, first, end int) string { return g.part(x, 1, first, end) }

func (g *graph) part(x string, axis, first, end int) string {
	return g.op("Slice", []string{x, g.indices("first", first), g.indices("end", end),
		g.indices("axis", axis)})
}

func (g *graph) concat(parts []string) string {
	return g.op("Concat", parts, attribute{"axis", 1})
}

// groupSort sorts channels i, i+c/n, i+2c/n, …, n of them, largest first: as an axis of their own.
func (g *graph) groupSort(x string, n int, in lip.Size) string {
	s := channelsFirst(in)
	apart := append([]int{0, n, s[0] / n}, s[1:]...) // 0: the batch as it is
	x = g.op("Reshape", []string{x, g.indices("groups", apart...)})
	x = g.ops("TopK", 2, []string{x, g.indices("all", n)}, attribute{"axis", 1},
		attribute{"largest", 1}, attribute{"sorted", 1})[0]
	return g.op("Reshape", []string{x, g.indices("shape", append([]int{0}, s...)...)})
}

// householder takes w as sines and cosines, or as angles of a model of an earlier version, with
// sine and cosine in the graph: rounded constants would stretch by their error.
func (g *graph) householder(x string, w []float32, in lip.Size) string {
	n := in[len(in)-1] / 2
	var sin, cos string
	if len(w) == n {
		half := g.op("Mul", []string{g.perChannel("angle", w, in), g.number("half", 0.5)})
		sin, cos = g.op("Sin", []string{half}), g.op("Cos", []string{half})
	} else {
		sin, cos = g.perChannel("sine", w[:n], in), g.perChannel("cosine", w[n:], in)
	}
	mul := func(a, b string) string { return g.op("Mul", []string{a, b}) }
	p := g.split(x, 2)
	side := g.op("Sub", []string{mul(p[0], sin), mul(p[1], cos)})
	reflected := mul(g.op("Min", []string{side, g.number("zero", 0)}), g.number("two", 2))
	return g.concat([]string{g.op("Sub", []string{p[0], mul(reflected, sin)}),
		g.op("Add", []string{p[1], mul(reflected, cos)})})
}
