package attack

import (
	"fmt"
	"math"
	"regexp"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// Target is a classifier under attack. It is compiled when first needed, once for every σ, τ,
// radius and seed. It is not for concurrent use.
type Target struct {
	backend  compute.Backend
	network  sample.Network
	size     [3]int // h, w, c
	classes  int
	compiled map[any]*model.Exec
}

// New returns a target. It compiles nothing yet.
func New(backend compute.Backend, n sample.Network) (*Target, error) {
	size, classes := n.Shape()
	if classes < 2 || min(size[0], size[1], size[2]) < 1 {
		return nil, fmt.Errorf("attack: images %v of %d classes; need at least 1×1×1 and 2", size,
			classes)
	}
	return &Target{backend, n, size, classes, map[any]*model.Exec{}}, nil
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

// noise is this many draws, the same for every image.
type noise struct {
	Smoothing
	samples int
	state   []uint64
}

// call runs the graph of a key under noise, and compiles it if it is new.
func (t *Target) call(key any, f graph, by noise, in ...any) ([]*tensors.Tensor, error) {
	key = [2]any{key, by.samples}
	exec := t.compiled[key]
	if exec == nil {
		var err error
		if exec, err = model.NewExec(t.backend, t.network.Variables(),
			func(scope *model.Scope, in []*Node) []*Node {
				sigma, tau, rng := in[0], in[1], in[2]
				see := func(x *Node) *Node {
					return t.logits(scope, noisy(x, sigma, rng, by.samples), by.samples)
				}
				return f(see, tau, in[3:])
			}); err != nil {
			return nil, fmt.Errorf("attack: %w", err)
		}
		t.compiled[key] = exec
	}
	out, err := exec.Call(append([]any{float32(by.Sigma), float32(by.Tau), by.state}, in...)...)
	if err != nil {
		if f := noGradient.FindStringSubmatch(err.Error()); f != nil {
			err = fmt.Errorf("the classifier's operation %s has no gradient in GoMLX", f[1])
		}
		return nil, fmt.Errorf("attack: %w", oneline.Error(err))
	}
	return out, nil
}

// noGradient is how GoMLX says that it can't derive an operation.
var noGradient = regexp.MustCompile(`with type "(\w+)", for which no gradient`)

// logits returns [batch, samples, classes] of images, [batch·samples, h, w, c].
func (t *Target) logits(scope *model.Scope, x *Node, samples int) *Node {
	z := ConvertDType(t.network.Logits(scope, x), dtypes.Float32)
	return Reshape(z, x.Shape().Dimensions[0]/samples, samples, t.classes)
}

// values of an image.
func (t *Target) values() int { return t.size[0] * t.size[1] * t.size[2] }

// images puts images, or perturbations, on the device.
func (t *Target) images(x []float32) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(x, len(x)/t.values(), t.size[0], t.size[1], t.size[2])
}

// check says why a batch can't be attacked, or nil.
func (t *Target) check(b Batch, s Smoothing) error {
	if len(b.Labels) == 0 || len(b.Images) != len(b.Labels)*t.values() {
		return fmt.Errorf("attack: %d values in %d images of %v", len(b.Images), len(b.Labels), t.size)
	}
	for i, y := range b.Labels {
		if y < 0 || y >= t.classes {
			return fmt.Errorf("attack: image %d of the batch is of class %d, the classifier knows %d",
				i, y, t.classes)
		}
	}
	for _, v := range []float64{s.Sigma, s.Tau} {
		if !(v >= 0) || v > math.MaxFloat32 {
			return fmt.Errorf("attack: σ = %v, τ = %v; both must be at least 0 and finite", s.Sigma,
				s.Tau)
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

// lengths are radii, [batch], on the device.
func lengths(radii []float64) *tensors.Tensor {
	r := make([]float32, len(radii))
	for i, v := range radii {
		r[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(r, len(r))
}

func finalize(all ...*tensors.Tensor) {
	for _, t := range all {
		t.FinalizeAll()
	}
}
