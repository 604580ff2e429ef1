package training

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// Shape returns the size of an image, h, w, c, and the number of classes.
func (m *Model) Shape() (size [3]int, classes int) { return [3]int(m.Input), m.Classes() }

// Variables holds the effective weights.
func (m *Model) Variables() *model.Store { return m.Store }

// Identity is the record of the model in run.json.
func (m *Model) Identity() countlog.Model {
	c := m.Config
	name := c.Architecture
	if m.Unproved() == nil {
		if slices.ContainsFunc(m.Network.Layers, func(l lip.Layer) bool {
			_, convolves := l.(lip.Convolution)
			return convolves
		}) {
			name += "-" + c.Convolution
		}
		name += fmt.Sprintf("-%d", c.Width)
	}
	return countlog.Model{
		Name: name, Hash: m.Hash,
		Lambda: m.Lambda.Constant(), PairMargins: m.PairWeights() != nil,
	}
}

// pairGain is the least mean gain for which margins are weighted pair by pair.
const pairGain = 1.01

// PairWeights returns Λ/Λ_cj of every two classes c and j, [classes][classes], where Λ_cj bounds
// the Lipschitz constant of the difference of their logits. The weights are float32 numbers,
// rounded down so far that processors whose last bits differ agree. PairWeights is nil where their
// mean is below pairGain: logits whose columns of the last layer are equally far apart gain
// nothing.
func (m *Model) PairWeights() [][]float64 {
	p, err := m.proved()
	if err != nil {
		return nil
	}
	classes, sum := len(p.Pairs), 0.0
	weights := make([][]float64, classes)
	for c, row := range p.Pairs {
		weights[c] = make([]float64, classes)
		for j, bound := range row {
			weights[c][j] = 1
			if j != c && bound > 0 {
				weights[c][j] = max(1, float64(float32(m.Lambda.Value()/bound*(1-0x1p-20))))
				sum += weights[c][j]
			}
		}
	}
	if sum < pairGain*float64(classes*(classes-1)) {
		return nil
	}
	return weights
}

// proved is Prove, once.
func (m *Model) proved() (lip.Proof, error) {
	if m.proof == nil {
		p, err := m.Prove()
		if err != nil {
			return p, err
		}
		m.proof = &p
	}
	return *m.proof, nil
}

// MarginError bounds the float32 error of every difference of two logits, in logits, on images
// within reach (l2) of the grey image. The bound is proved. It is rounded up to a float32, so that
// processors whose last bits differ agree.
func (m *Model) MarginError(reach float64) (float64, error) {
	p, err := m.proved()
	if err != nil {
		return 0, err
	}
	r, err := m.Rounding(p, reach)
	if err != nil {
		return 0, err
	}
	return float64(math.Nextafter32(float32(r.Margin.Value()), math.MaxFloat32)), nil
}
