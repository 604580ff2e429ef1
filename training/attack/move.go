package attack

import "github.com/lipsmooth/lipsmooth/rs/certify"

// inside is the part of a radius that a perturbation takes up at most, so that rounding doesn't
// take it out of the ball.
const inside = 1 - 1e-6

// Norms returns the l2 distance of each perturbed image from its image, rounded up.
func Norms(perturbed, images []float32, values int) []float64 {
	norms := make([]float64, len(images)/values)
	for i := range norms {
		norms[i] = certify.Distance(perturbed[i*values:][:values], images[i*values:][:values])
	}
	return norms
}

// along moves each image to a distance along its perturbation, both [batch, h, w, c]. At a distance
// of 0 the image stays. With box the image is then clipped to [0, 1], which brings it nearer.
func along(b Batch, perturbation []float32, distance []float64, box bool) []float32 {
	x := make([]float32, len(b.Images))
	values := len(x) / len(b.Labels)
	zero := make([]float32, len(x))
	for i, length := range Norms(perturbation, zero, values) {
		scale := 0.0
		if length > 0 {
			scale = inside * distance[i] / length
		}
		for j := i * values; j < (i+1)*values; j++ {
			v := float64(b.Images[j]) + scale*float64(perturbation[j])
			if box {
				v = min(max(v, 0), 1)
			}
			x[j] = float32(v)
		}
	}
	return x
}
