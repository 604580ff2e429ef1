package training

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// mixSteps steps of equal length lead to the image that smoothmix mixes with. The paper takes 4
// steps at σ = 0.5.
const mixSteps = 4

// smoothMix adds Weight times the divergence of the softmax of mixed images from mixed labels. The
// image x is mixed with x', which lies at the end of a path that isn't confined to a ball, and the
// mean softmax F of x with the uniform distribution u: (1-λ)x + λx' and (1-λ)F + λu, where λ is
// uniform in [0, ½] for each image. Images whose F is wrong don't count. The paper's version,
// unlike this one, increases Weight from 0 over the first epochs.
func smoothMix(s *step) (*Node, *Node) {
	noise := s.noise(s.Draws) // the same for the path, x and the mixed image
	moved := s.images
	for range mixSteps {
		moved = StopGradient(ClipScalar(s.ascend(moved, noise, s.AttackRadius/mixSteps), 0, 1))
	}
	z := s.logits(Add(s.repeated(s.images), noise))
	p := ReduceMean(Exp(s.each(z)), 0) // [batch, classes]
	batch, classes := p.Shape().Dimensions[0], p.Shape().Dimensions[1]
	var lambda *Node
	s.rng, lambda = RandomUniform(s.rng, shapes.Make(p.DType(), batch, 1))
	lambda = MulScalar(lambda, 0.5)
	mixed := Add(s.images, Mul(Reshape(lambda, batch, 1, 1, 1), Sub(moved, s.images)))
	label := Add(p, Mul(lambda, AddScalar(Neg(p), 1/float64(classes))))
	logs := s.each(s.logits(Add(s.repeated(mixed), noise)))
	apart := ReduceSum(Mul(label, Sub(logOf(label), ReduceMean(logs, 0))), -1) // [batch]
	y := s.truth(p)
	right := GreaterThan(ReduceSum(Mul(p, y), -1), ReduceMax(Sub(p, y), -1))
	mix := ReduceAllMean(Mul(ConvertDType(right, p.DType()), apart))
	return s.mean(z), Add(s.loss.Loss([]*Node{s.repeated(s.labels)}, []*Node{z}),
		MulScalar(mix, s.Weight))
}
