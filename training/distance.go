package training

import (
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// Distance returns a function that proves how far an image, [h, w, c], lies from any image in
// [0, 1] that the classifier doesn't give to that class: a lower bound of the l2 distance. It is 0
// where the image itself isn't of the class. The classifier is that of real arithmetic.
//
// The function is nil where the network isn't one of prototypes with no layer before them. It is
// for concurrent use.
func (m *Model) Distance() func(image []float32, class int) float64 {
	last := len(m.Network.Layers) - 1
	p, ok := m.Network.Layers[last].(lip.Prototypes)
	if !ok || last != 1 {
		return nil
	}
	var w []*tensors.Tensor
	for _, of := range m.weights()[last] {
		w = append(w, of.MustValue())
	}
	v := p.Voronoi(w, lip.Size{m.Input[0] * m.Input[1] * m.Input[2]}, m.Lambda.Value())
	return func(image []float32, class int) float64 {
		x := make([]float64, len(image))
		for k, pixel := range image {
			x[k] = float64(pixel) - 0.5 // as net.Network.Logits does
		}
		return v.Distance(x, -0.5, 0.5, class)
	}
}
