package training

import (
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// Effective returns the effective weights of every layer.
func (m *Model) Effective() ([][]*tensors.Tensor, error) {
	values := make([][]*tensors.Tensor, len(m.Network.Layers))
	for i, layer := range m.weights() {
		for _, v := range layer {
			value, err := v.Value()
			if err != nil {
				return nil, err
			}
			if nonFinite(value) {
				return nil, fmt.Errorf("training: layer %d, %v, has weights that aren't finite",
					i, m.Network.Layers[i])
			}
			values[i] = append(values[i], value)
		}
	}
	return values, nil
}

// Prove proves the model's bounds from its weights.
func (m *Model) Prove() (lip.Proof, error) {
	values, err := m.Effective()
	if err != nil {
		return lip.Proof{}, err
	}
	return m.Network.Prove(values), nil
}

// Rounding bounds the float32 error of the logits for every float32 image within reach (l2) of the
// grey image, whose entries are all 1/2. The bound is proved. p is the result of Prove. A layer
// without a proof of its rounding is an error.
func (m *Model) Rounding(p lip.Proof, reach float64) (lip.Rounding, error) {
	values, err := m.Effective()
	if err != nil {
		return lip.Rounding{}, err
	}
	return m.Network.Rounding(values, p, reach)
}

// Observed estimates the Lipschitz constant of each layer from below, by lip.Observed with this
// many steps.
func (m *Model) Observed(backend compute.Backend, steps int) ([]float64, error) {
	values, err := m.Effective()
	if err != nil {
		return nil, err
	}
	slopes := make([]float64, len(values))
	for i, l := range m.Network.Layers {
		in := m.Network.Sizes()[i]
		if slopes[i], _, err = lip.Observed(backend, l.Apply, values[i], in, steps); err != nil {
			return nil, err
		}
	}
	return slopes, nil
}

// ObservedThrough estimates the Lipschitz constant from the input through each layer from below, by
// lip.Observed with this many steps.
func (m *Model) ObservedThrough(backend compute.Backend, steps int) ([]float64, error) {
	values, err := m.Effective()
	if err != nil {
		return nil, err
	}
	slopes := make([]float64, len(values))
	var flat []*tensors.Tensor
	for i, layer := range values {
		flat = append(flat, layer...)
		apply := func(x *Node, w []*Node) *Node {
			for k, l := range m.Network.Layers[:i+1] {
				n := len(values[k])
				x, w = l.Apply(x, w[:n]), w[n:]
			}
			return x
		}
		if slopes[i], _, err = lip.Observed(backend, apply, flat, m.Input, steps); err != nil {
			return nil, err
		}
	}
	return slopes, nil
}
