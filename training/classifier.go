package training

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Shape returns the size of an image, h, w, c, and the number of classes.
func (m *Model) Shape() (size [3]int, classes int) { return [3]int(m.Input), m.Classes() }

// Variables holds the effective weights.
func (m *Model) Variables() *model.Store { return m.Store }

// Identity is what a run says of the model.
func (m *Model) Identity() countlog.Model {
	c := m.Config
	return countlog.Model{
		Name: fmt.Sprintf("%s-%s-%d", c.Architecture, c.Convolution, c.Width), Hash: m.Hash,
		Lambda: m.Lambda.Value(), LambdaSource: countlog.Proved,
	}
}

// MarginError proves a bound on what float32 does to every difference of two logits, in logits, on
// images within reach (l2) of the grey one: a float32 above it, so that processors whose last bits
// differ agree.
func (m *Model) MarginError(reach float64) (float64, error) {
	if m.proof == nil {
		p, err := m.Prove()
		if err != nil {
			return 0, err
		}
		m.proof = &p
	}
	r, err := m.Rounding(*m.proof, reach)
	if err != nil {
		return 0, err
	}
	return float64(math.Nextafter32(float32(r.Margin.Value()), math.MaxFloat32)), nil
}
