package onnx

import (
	"errors"
	"fmt"
)

// A Recipe is what stands around the graph of a file, for a program that runs the graph itself. It
// is in the order of the package's description: from an image in [0, 1] with noise to the graph's
// input, and from the graph's output to logits.
type Recipe struct {
	Path          string // of the file; external weights lie beside it
	Input, Output string // names in the graph
	// Rows, [rows, h], and Columns, [columns, w], resize and crop: each value of the result is a sum
	// of the image's values by these weights. They are nil where the size stays.
	Rows, Columns [][]float32
	Channels      []int     // of the image, one for each that the model takes
	Mean, Std     []float32 // by channel of the model; nil where nothing is done
	Layout        Layout
	Shape         []int // of the input, without the batch
	// Type is the input's: float32, float16, float64, or uint8, which takes 255 times the image,
	// rounded to the nearest and even, and clipped to 0 to 255.
	Type string
	// Single says that the output is one value an image. A logit z has the logits 0 and z, and a
	// probability p has the probabilities 1-p and p.
	Single bool
	// Probabilities says that the logits are their logarithms. A probability below
	// [LeastProbability] counts as it.
	Probabilities bool
	OneByOne      bool // a run has to be of one image, or of one and zeros
}

// Recipe returns how the classifier runs the graph of its file. It is an error where the answer
// isn't a function of the image and of one graph.
func (c *Classifier) Recipe() (r Recipe, err error) {
	m := c.model
	switch op := m.file.dynamic(); {
	case c.denoiser != nil:
		return r, errors.New("a denoiser comes first")
	case c.identity.Random:
		return r, errors.New("it answers by chance")
	case op != "":
		return r, fmt.Errorf("%s quantises a whole batch on one scale", op)
	}
	r = Recipe{
		Path: m.path, Input: m.input.name, Output: m.output.name, Mean: m.mean, Std: m.std,
		Layout: m.layout, Type: m.input.kind.String(), Single: m.single,
		Probabilities: m.scale == Probabilities, OneByOne: c.identity.Reading.OneByOne || m.note != "",
	}
	if s := m.scaler; !s.same() {
		r.Rows, r.Columns = weightsOf(s.rows, s.from[0]), weightsOf(s.cols, s.from[1])
	}
	for ch := range m.channels {
		r.Channels = append(r.Channels, m.order.of(ch))
	}
	for _, n := range m.shape[1:] {
		r.Shape = append(r.Shape, int(n))
	}
	return r, nil
}

// weightsOf are those of each tap over an axis of n values.
func weightsOf(taps []tap, n int) [][]float32 {
	all := make([][]float32, len(taps))
	for i, t := range taps {
		all[i] = make([]float32, n)
		all[i][t.lo] += 1 - t.t
		all[i][t.hi] += t.t
	}
	return all
}
