// Package attack finds the empirical end of the gap. It looks for small perturbations (l2) at which
// a classifier is wrong, with or without smoothing by Gaussian noise. A perturbation bounds the
// robust radius of an image from above; a certificate bounds it from below.
//
// The threat model is the l2 ball around the image in all of R^d, as for certificates. Box keeps
// the perturbed image in [0, 1] as well. That is a weaker attack.
//
// Every draw is a function of the seed, its purpose and numbers. The images of a batch share the
// draws of a step, so the result for an image doesn't depend on the others. Draws that judge are
// apart from draws that attack.
package attack

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Classifier is a graph function from images, [batch, h, w, c], to logits, [batch, classes], with
// the store of its weights.
type Classifier struct {
	Logits  func(scope *model.Scope, images *Node) *Node
	Store   *model.Store
	Size    [3]int // h, w, c
	Classes int
}

// Smoothed is the classifier under attack: arg max_c E h_c(x + σZ), where h_c is the vote for class
// c.
type Smoothed struct {
	Sigma float64 // standard deviation of the noise; 0 is the network itself
	// Tau is the temperature of soft votes, h_c = clip(1/2 + m_c/(2τ), 0, 1), where m_c is the
	// margin of c in logits. 0 is the hard vote: 1 for the class of the largest logit.
	Tau float64
}

// Batch is images, [batch, h, w, c], and their classes.
type Batch struct {
	Images []float32
	Labels []int
}

// Target is a classifier under attack. It is compiled when first needed, once for every σ, τ,
// radius and seed. It is not for concurrent use.
type Target struct {
	backend    compute.Backend
	classifier Classifier
	compiled   map[any]*model.Exec
}

// New returns a target. It compiles nothing yet.
func New(backend compute.Backend, c Classifier) (*Target, error) {
	if c.Classes < 2 || min(c.Size[0], c.Size[1], c.Size[2]) < 1 {
		return nil, fmt.Errorf("attack: images %v of %d classes; need at least 1×1×1 and 2", c.Size, c.Classes)
	}
	return &Target{backend, c, map[any]*model.Exec{}}, nil
}

// Close frees the compiled graphs.
func (t *Target) Close() {
	for _, exec := range t.compiled {
		exec.Finalize()
	}
}

// graph is a function of inputs. The function see gives the noisy logits, [batch, samples,
// classes], of images, and tau is the temperature of the votes.
type graph func(see func(images *Node) *Node, tau *Node, in []*Node) []*Node

// call runs the graph of a key, and compiles it if it is new. It takes so many draws of the noise,
// the same for every image.
func (t *Target) call(key any, f graph, s Smoothed, samples int, rng []uint64, in ...any) ([]*tensors.Tensor, error) {
	key = [2]any{key, samples}
	exec := t.compiled[key]
	if exec == nil {
		var err error
		if exec, err = model.NewExec(t.backend, t.classifier.Store, func(scope *model.Scope, in []*Node) []*Node {
			sigma, tau, rng := in[0], in[1], in[2]
			return f(func(x *Node) *Node { return t.noisy(scope, x, sigma, rng, samples) }, tau, in[3:])
		}); err != nil {
			return nil, fmt.Errorf("attack: %w", err)
		}
		t.compiled[key] = exec
	}
	out, err := exec.Call(append([]any{float32(s.Sigma), float32(s.Tau), rng}, in...)...)
	if err != nil {
		return nil, fmt.Errorf("attack: %w", err)
	}
	return out, nil
}

// values of an image.
func (t *Target) values() int {
	return t.classifier.Size[0] * t.classifier.Size[1] * t.classifier.Size[2]
}

// images puts images, or perturbations, on the device.
func (t *Target) images(x []float32) *tensors.Tensor {
	s := t.classifier.Size
	return tensors.FromFlatDataAndDimensions(x, len(x)/t.values(), s[0], s[1], s[2])
}

// check says why a batch can't be attacked, or nil.
func (t *Target) check(b Batch, s Smoothed) error {
	if len(b.Labels) == 0 || len(b.Images) != len(b.Labels)*t.values() {
		return fmt.Errorf("attack: %d values in %d images of %v", len(b.Images), len(b.Labels), t.classifier.Size)
	}
	for i, y := range b.Labels {
		if y < 0 || y >= t.classifier.Classes {
			return fmt.Errorf("attack: image %d of the batch is of class %d, the classifier knows %d", i, y, t.classifier.Classes)
		}
	}
	for _, v := range []float64{s.Sigma, s.Tau} {
		if !(v >= 0) || v > math.MaxFloat32 {
			return fmt.Errorf("attack: σ = %v, τ = %v; both must be at least 0 and finite", s.Sigma, s.Tau)
		}
	}
	return nil
}

// labels are classes, [batch], on the device.
func labels(classes []int) *tensors.Tensor {
	y := make([]int32, len(classes))
	for i, c := range classes {
		y[i] = int32(c)
	}
	return tensors.FromFlatDataAndDimensions(y, len(y))
}

// oneHot is [batch, classes] of classes, [batch].
func oneHot(y *Node, classes int) *Node { return OneHot(y, classes, dtypes.Float32) }

// lengths are radii, [batch], on the device.
func lengths(radii []float64) *tensors.Tensor {
	r := make([]float32, len(radii))
	for i, v := range radii {
		r[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(r, len(r))
}

// noisy returns the logits of so many draws of each image, [batch, samples, classes]. The images
// share the noise.
func (t *Target) noisy(scope *model.Scope, x, sigma, rng *Node, samples int) *Node {
	d := x.Shape().Dimensions
	x = Add(ExpandAxes(x, 1), Mul(sigma, normal(rng, shapes.Make(dtypes.Float32, 1, samples, d[1], d[2], d[3]))))
	logits := t.classifier.Logits(scope, Reshape(x, d[0]*samples, d[1], d[2], d[3]))
	return Reshape(ConvertDType(logits, dtypes.Float32), d[0], samples, t.classifier.Classes)
}

// normal returns independent standard normal draws by Box and Muller's method. It keeps u above 0.
// At 0, GoMLX's RandomNormal gives infinity on a device that flushes subnormal numbers.
func normal(rng *Node, shape shapes.Shape) *Node {
	rng, u := RandomUniform(rng, shape)
	_, v := RandomUniform(rng, shape)
	return Mul(Sqrt(MulScalar(Log(AddScalar(u, 0x1p-33)), -2)), Cos(MulScalar(v, 2*math.Pi)))
}

// votes returns h, [batch, samples, classes], from logits of that shape.
func votes(z, tau *Node) *Node {
	top := OneHot(ArgMax(z, -1), z.Shape().Dimensions[2], z.DType())
	isTop := GreaterThan(top, ZerosLike(top))
	first := ReduceAndKeep(z, ReduceMax, -1)
	second := ReduceAndKeep(Where(isTop, BroadcastToDims(Infinity(z.Graph(), z.DType(), -1), z.Shape().Dimensions...), z), ReduceMax, -1)
	margin := Sub(z, Where(isTop, BroadcastToDims(second, z.Shape().Dimensions...), BroadcastToDims(first, z.Shape().Dimensions...)))
	soft := ClipScalar(AddScalar(Div(margin, MulScalar(MaxScalar(tau, 1e-30), 2)), 0.5), 0, 1)
	return Where(GreaterThan(tau, ZerosLike(tau)), soft, top)
}

// rivalry returns by how much the best other class exceeds the label in mean votes, [batch,
// classes]: [batch].
func rivalry(mean, label *Node) *Node {
	own := ReduceSum(Mul(mean, label), -1)
	return Sub(ReduceMax(Sub(mean, MulScalar(label, 2)), -1), own)
}

// norm is the l2 norm of each perturbation, [batch, 1, 1, 1].
func norm(d *Node) *Node { return Sqrt(ReduceAndKeep(Square(d), ReduceSum, 1, 2, 3)) }

// unit divides each by its norm; 0 stays 0.
func unit(g *Node) *Node {
	g = Div(g, MaxScalar(ReduceAndKeep(Abs(g), ReduceMax, 1, 2, 3), 1e-37)) // squares of small gradients would vanish
	return Div(g, MaxScalar(norm(g), 1e-6))
}

// inside is the part of a radius that a perturbation takes up at most, so that rounding doesn't
// take it out of the ball.
const inside = 1 - 1e-6

// stream is the source of the random numbers of one purpose.
type stream struct {
	seed    uint64
	purpose string
}

func (s stream) in(purpose string, numbers ...int) stream {
	return stream{s.seed, fmt.Sprint(s.purpose, "/", purpose, numbers)}
}

// state is the start of a stream in the form of GoMLX's random generators.
func (s stream) state(number int) []uint64 {
	h := sha256.Sum256(fmt.Appendf(nil, "%d attack%s %d", s.seed, s.purpose, number))
	return []uint64{binary.LittleEndian.Uint64(h[0:]), binary.LittleEndian.Uint64(h[8:]), binary.LittleEndian.Uint64(h[16:])}
}

// direction is a random unit vector of so many values.
func (s stream) direction(values int) []float64 {
	seed := s.state(0)
	r, sum := rand.New(rand.NewPCG(seed[0], seed[1])), 0.0
	u := make([]float64, values)
	for i := range u {
		u[i] = r.NormFloat64()
		sum += u[i] * u[i]
	}
	for i := range u {
		u[i] /= math.Sqrt(sum)
	}
	return u
}

// Norms returns the l2 distance of each perturbed image from its image, rounded up.
func Norms(perturbed, images []float32, values int) []float64 {
	norms := make([]float64, len(images)/values)
	for i := range norms {
		sum := 0.0
		for j := i * values; j < (i+1)*values; j++ {
			d := float64(perturbed[j]) - float64(images[j])
			sum += d * d
		}
		norms[i] = math.Sqrt(sum) * (1 + float64(values)*0x1p-52)
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
