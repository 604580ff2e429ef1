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

// Prove proves the model's bounds from its weights. Of a plain network its error is an *Unproved.
func (m *Model) Prove() (lip.Proof, error) {
	if err := m.Unproved(); err != nil {
		return lip.Proof{}, err
	}
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

// Observed estimates Lipschitz constants from below: of each layer, and of the network from its
// input through each layer. Each estimate is that of lip.Observed with this many steps.
func (m *Model) Observed(backend compute.Backend, steps int) (layers, through []float64,
	err error) {
	values, err := m.Effective()
	if err != nil {
		return nil, nil, err
	}
	observe := func(f lip.Map, w []*tensors.Tensor, in lip.Size) float64 {
		var slope float64
		if err == nil {
			slope, _, err = lip.Observed(backend, f, w, in, steps)
		}
		return slope
	}
	var flat []*tensors.Tensor
	for i, l := range m.Network.Layers {
		layers = append(layers, observe(l.Apply, values[i], m.Network.Sizes()[i]))
		flat = append(flat, values[i]...)
		through = append(through, observe(func(x *Node, w []*Node) *Node {
			for k, l := range m.Network.Layers[:i+1] {
				n := len(values[k])
				x, w = l.Apply(x, w[:n]), w[n:]
			}
			return x
		}, flat, m.Input))
	}
	return layers, through, err
}
