package training

import (
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/lipsmooth/lipsmooth/internal/named"
	"github.com/lipsmooth/lipsmooth/training/loss"
)

// Method is a way to train with Gaussian noise. Where a paper takes the cross-entropy of the true
// class, Method takes the loss of Config, averaged over the draws. That includes the mean softmax
// of MACER and of SmoothAdv. A softmax takes logits in units of radius, divided by
// Config.Temperature, or the logits of a plain network as they are.
type Method struct {
	Name, Doc string
	// Draws, Weight and AttackRadius are the defaults of Config's fields. A method that doesn't
	// take a field has 0.
	Draws                int
	Weight, AttackRadius float64
	least                int // draws
	// objective returns the logits for the accuracy, [batch, classes], and the loss, a scalar.
	objective func(*step) (logits, loss *Node)
}

// Methods are all training methods. The first is the default.
var Methods = []Method{
	{Name: "gaussian", Doc: "the loss on images with noise (Cohen et al. 2019)",
		objective: gaussian},
	{Name: "stability",
		Doc: "the loss without noise, and the cross-entropy from the prediction there " +
			"to that with noise (Li et al. 2019)",
		Draws: 1, Weight: 2, least: 1, objective: stability},
	{Name: "consistency", Doc: "the divergence of each noisy prediction from their mean, " +
		"and half the mean's entropy (Jeong & Shin 2020)",
		Draws: 2, Weight: 10, least: 2, objective: consistency},
	{Name: "macer", Doc: "a hinge on the radius that an estimate of the smoothed softmax gives " +
		"(Zhai et al. 2020)",
		Draws: 16, Weight: 12, least: 1, objective: macer},
	{Name: "smoothadv", Doc: "noise around an image moved to fool the smoothed softmax " +
		"(Salman et al. 2019)",
		Draws: 2, AttackRadius: 0.5, least: 1, objective: smoothAdv},
	{Name: "smoothmix", Doc: "softer labels on the way to an image that fools the smoothed softmax " +
		"(Jeong et al. 2021)",
		Draws: 4, Weight: 5, AttackRadius: 4, least: 1, objective: smoothMix},
}

// MethodByName finds an entry of Methods. Its error lists the known names.
func MethodByName(name string) (Method, error) {
	return named.Find("training method", name, Methods, func(m Method) string { return m.Name })
}

func methodNames(of func(Method) bool) (names []string) {
	for _, m := range Methods {
		if of(m) {
			names = append(names, m.Name)
		}
	}
	return names
}

// gap is the Lipschitz constant of a difference of two logits of a 1-Lipschitz network. Losses
// divide by it.
const gap = math.Sqrt2

// step is the graph of a training step.
type step struct {
	Config
	loss                loss.Loss
	images, labels, rng *Node                    // [batch, h, w, c], [batch, 1], the random state
	logits              func(images *Node) *Node // in training
	// attacked are the logits of an image under attack, with the statistics of batch normalisation
	// that the classifier is used with.
	attacked func(images *Node) *Node
}

// noise returns Gaussian noise for this many draws of the batch, [draws·batch, h, w, c].
func (s *step) noise(draws int) *Node {
	shape := s.images.Shape().Clone()
	shape.Dimensions[0] *= draws
	var z *Node
	s.rng, z = RandomNormal(s.rng, shape)
	// On a device that flushes subnormal numbers the uniform number may be 0, which makes z
	// infinite.
	return MulScalar(ClipScalar(z, -10, 10), s.Sigma)
}

// repeated stacks Draws copies of x along the batch.
func (s *step) repeated(x *Node) *Node {
	if s.Draws == 1 {
		return x
	}
	return Concatenate(slices.Repeat([]*Node{x}, s.Draws), 0)
}

// each returns log-probabilities of every draw, [draws, batch, classes], from logits,
// [draws·batch, classes].
func (s *step) each(z *Node) *Node {
	classes := z.Shape().Dimensions[1]
	return Reshape(s.logSoftmax(z), s.Draws, -1, classes)
}

func (s *step) logSoftmax(z *Node) *Node {
	return LogSoftmax(MulScalar(z,
		1/(s.gap()*s.Temperature)))
}

// drawn returns the logits of Draws noisy copies of the batch, [draws·batch, classes], their mean
// over the draws and their loss.
func (s *step) drawn() (z, mean, loss *Node) {
	z = s.logits(Add(s.repeated(s.images), s.noise(s.Draws)))
	return z, s.mean(z), s.loss.Loss([]*Node{s.repeated(s.labels)}, []*Node{z})
}

// mean is the mean of logits over the draws, [batch, classes].
func (s *step) mean(z *Node) *Node {
	return ReduceMean(Reshape(z, s.Draws, -1, z.Shape().Dimensions[1]), 0)
}

// truth returns the true class as one-hot rows, [batch, classes], of as many classes as p.
func (s *step) truth(p *Node) *Node {
	return OneHot(Reshape(s.labels, -1), p.Shape().Dimensions[p.Rank()-1], p.DType())
}

// logOf is the logarithm of a probability, of at least 1e-10.
func logOf(p *Node) *Node { return Log(MaxScalar(p, 1e-10)) }

func gaussian(s *step) (*Node, *Node) {
	images := s.images
	if s.Sigma > 0 {
		images = Add(images, s.noise(1))
	}
	z := s.logits(images)
	return z, s.loss.Loss([]*Node{s.labels}, []*Node{z})
}

func stability(s *step) (*Node, *Node) {
	clean := s.logits(s.images)
	noisy := s.each(s.logits(Add(s.repeated(s.images), s.noise(s.Draws))))
	p := ExpandDims(Exp(s.logSoftmax(clean)), 0)
	unstable := ReduceAllMean(ReduceSum(Neg(Mul(p, noisy)), -1))
	return clean, Add(s.loss.Loss([]*Node{s.labels}, []*Node{clean}), MulScalar(unstable, s.Weight))
}

// entropyWeight is η of Jeong & Shin 2020.
const entropyWeight = 0.5

func consistency(s *step) (*Node, *Node) {
	z, mean, loss := s.drawn()
	logs := s.each(z)
	p := ReduceMean(Exp(logs), 0) // [batch, classes]
	entropy := ReduceAllMean(ReduceSum(Neg(Mul(p, logOf(p))), -1))
	cross := ReduceAllMean(ReduceSum(Neg(Mul(ExpandDims(p, 0), logs)), -1))
	divergence := Sub(cross, entropy)
	return mean, Add(loss, Add(MulScalar(divergence, s.Weight), MulScalar(entropy, entropyWeight)))
}

// radiusCap is γ of Zhai et al. 2020: the radius, in units of σ/2, that macer asks for at most.
const radiusCap = 8

func macer(s *step) (*Node, *Node) {
	z, mean, loss := s.drawn()
	p := ReduceMean(Exp(s.each(z)), 0)
	y := s.truth(p)
	own := ReduceSum(Mul(p, y), -1)
	other := ReduceMax(Sub(p, y), -1)
	inside := func(p *Node) *Node { return quantile(ClipScalar(p, 1e-6, 1-1e-6)) }
	short := MaxScalar(AddScalar(Sub(inside(other), inside(own)), radiusCap), 0)
	right := ConvertDType(GreaterThan(own, other), p.DType())
	return mean, Add(loss, MulScalar(ReduceAllMean(Mul(right, short)), s.Weight*s.Sigma/2))
}

// quantile estimates Φ⁻¹(p), 0 < p < 1, to 2e-5 in 1e-6 ≤ p ≤ 0.9999. It takes Giles' polynomials
// for erfinv in single precision ("Approximating the erfinv function", GPU Computing Gems, 2010).
// It is for training only and bounds nothing.
func quantile(p *Node) *Node {
	polynomial := func(w *Node, coefficients ...float64) *Node {
		sum := OnesLike(w)
		sum = MulScalar(sum, coefficients[0])
		for _, c := range coefficients[1:] {
			sum = AddScalar(Mul(sum, w), c)
		}
		return sum
	}
	x := AddScalar(MulScalar(p, 2), -1)
	// 1 - x² = 4 p (1-p), without cancellation.
	w := Neg(Log(MulScalar(Mul(p, OneMinus(p)), 4)))
	centre := polynomial(AddScalar(w, -2.5), 2.81022636e-08, 3.43273939e-07, -3.5233877e-06,
		-4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941)
	// The root stays away from 0 where tail isn't taken, as its derivative is infinite there.
	tail := polynomial(AddScalar(Sqrt(MaxScalar(w, 5)), -3), -0.000200214257, 0.000100950558,
		0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406,
		2.83297682)
	near := LessThan(w, Scalar(w.Graph(), w.DType(), 5))
	return MulScalar(Mul(x, Where(near, centre, tail)), math.Sqrt2)
}

// attackSteps of PGD find the image that smoothadv trains on.
const attackSteps = 2

func smoothAdv(s *step) (*Node, *Node) {
	noise := s.noise(s.Draws) // the same for the attack and the loss
	moved := s.images
	for range attackSteps {
		delta := Sub(s.ascend(moved, noise, 2*s.AttackRadius/attackSteps), s.images)
		inverse := Inverse(MaxScalar(norm(delta), 1e-12))
		delta = Mul(delta, MinScalar(MulScalar(inverse, s.AttackRadius), 1))
		moved = StopGradient(ClipScalar(Add(s.images, delta), 0, 1))
	}
	z := s.logits(Add(s.repeated(moved), noise))
	return s.mean(z), s.loss.Loss([]*Node{s.repeated(s.labels)}, []*Node{z})
}

// ascend moves images by a distance (l2), along the gradient of the cross-entropy of the mean
// softmax under this noise.
func (s *step) ascend(images, noise *Node, distance float64) *Node {
	images = Identity(images) // where StopGradient made images, Gradient by it is 0
	logs := s.each(s.attacked(Add(s.repeated(images), noise)))
	own := ReduceSum(Mul(logs, ExpandDims(s.truth(logs), 0)), -1) // [draws, batch]
	most := StopGradient(ReduceAndKeep(own, ReduceMax, 0))
	// The sum, as images don't act on each other; but for most, a constant.
	wrong := Neg(ReduceAllSum(Log(ReduceMean(Exp(Sub(own, most)), 0))))
	return Add(images, MulScalar(unit(Gradient(wrong, images)[0]), distance))
}

// norm is the l2 norm of each image, [batch, 1, 1, 1].
func norm(x *Node) *Node { return Sqrt(ReduceAndKeep(Square(x), ReduceSum, 1, 2, 3)) }

func unit(x *Node) *Node { return Div(x, AddScalar(norm(x), 1e-12)) }
