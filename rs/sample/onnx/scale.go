package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// Scale is what a model's outputs are.
type Scale string

const (
	Logits Scale = "logits" // taken as they are
	// Probabilities are taken as their logarithms: logits, up to one constant an image, which no
	// margin sees. A probability below [LeastProbability] counts as it.
	Probabilities Scale = "probabilities"
)

// LeastProbability is the smallest number that float32 has to full precision. Devices round smaller
// ones to 0.
const LeastProbability = 0x1p-126

// findScale tells logits from probabilities, by the last operator unless the user said it.
func (m *Model) findScale(asked Scale) (Scale, error) {
	n := m.file.last(m.output.name)
	softmax := n.op == "Softmax" && onnxfile.Standard(n.domain)
	if axis, said := n.integers["axis"]; softmax && said && axis == 0 {
		return "", fmt.Errorf("its last operator, Softmax, runs over axis 0, the images of a batch")
	}
	switch asked {
	case Logits, Probabilities:
		return asked, nil
	case "":
		if softmax {
			return Probabilities, nil
		}
		return "", nil // until the output's shape is known
	}
	return "", fmt.Errorf("no scale %q; known: %s, %s", asked, Logits, Probabilities)
}

// finish turns a run's output, [images, classes], or one value an image, to logits of the first
// images, [n, classes].
func (m *Model) finish(logits, out []float32) error {
	width := m.Classes
	if m.single {
		width = 1
	}
	if len(out) != m.Batch*width {
		return fmt.Errorf("the output %s has %d values for %d images", m.output.name, len(out), m.Batch)
	}
	for i := range len(logits) / m.Classes {
		row, to := out[i*width:(i+1)*width], logits[i*m.Classes:(i+1)*m.Classes]
		for _, v := range row {
			if v-v != 0 {
				return fmt.Errorf("the output %s holds %v", m.output.name, v)
			}
		}
		to[0] = 0
		if copy(to[m.Classes-width:], row); m.scale != Probabilities {
			continue
		}
		if m.single {
			to[0] = 1 - to[1]
		}
		sum := 0.0
		for _, p := range row {
			sum += float64(p)
		}
		if m.single && sum >= 0 && sum <= 1 {
			sum = 1
		}
		if slices.Min(to) < 0 || math.Abs(sum-1) > 0.01 {
			return fmt.Errorf("the output %s is no probabilities: a row sums to %.4g and has %.4g; "+
				"are these logits? --scale logits takes them so", m.output.name, sum, slices.Min(row))
		}
		for c, p := range to {
			to[c] = float32(math.Log(float64(max(p, LeastProbability))))
		}
	}
	return nil
}
