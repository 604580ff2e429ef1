package training

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// measure takes the metrics of the test split without noise: of a plain network, the accuracy and
// the slope.
func (m *Model) measure(
	ctx context.Context, backend compute.Backend, d *data.Dataset,
) (Metrics, error) {
	metrics := Metrics{Verified: map[string]float64{}}
	if err := m.Fits(d); err != nil {
		return metrics, fmt.Errorf("training: %w", err)
	}
	exec, err := model.NewExec1(backend, m.Store, m.Logits)
	if err != nil {
		return metrics, err
	}
	defer exec.Exec.Finalize()
	verified := make([]int, len(VerifiedRadii))
	right, sum := 0, 0.0
	for b, err := range (&data.Sequence{Dataset: d, BatchSize: 500}).Iter() {
		if err != nil {
			return metrics, err
		}
		if err := ctx.Err(); err != nil {
			return metrics, err
		}
		out, err := exec.Call(b.Inputs[0])
		if err != nil {
			return metrics, err
		}
		labels := tensors.MustCopyFlatData[int32](b.Labels[0])
		for i, z := range rows(tensors.MustCopyFlatData[float32](out), m.Classes()) {
			y := int(labels[i])
			other := math.Inf(-1)
			for k, v := range z {
				if k != y {
					other = max(other, float64(v))
				}
			}
			margin := float64(z[y]) - other
			if math.IsNaN(margin) || math.IsInf(margin, 0) {
				return metrics, fmt.Errorf("training: a logit of a test image isn't finite")
			}
			r := margin / m.Lambda.Value()
			if margin > 0 {
				right++
				sum += r
			}
			for k, at := range VerifiedRadii {
				if r >= at.Radius {
					verified[k]++
				}
			}
		}
	}
	n := float64(d.Len())
	metrics.Accuracy, metrics.AverageRadius = float64(right)/n, sum/n
	for k, at := range VerifiedRadii {
		if m.Unproved() == nil {
			metrics.Verified[at.Name] = float64(verified[k]) / n
		}
	}
	metrics.Slope, err = m.Slope(backend, d, slopeImages, slopeSteps)
	return metrics, err
}

// rows iterates over the rows of a row-major matrix.
func rows(flat []float32, columns int) iter.Seq2[int, []float32] {
	return func(yield func(int, []float32) bool) {
		for i := 0; i*columns < len(flat); i++ {
			if !yield(i, flat[i*columns:][:columns]) {
				return
			}
		}
	}
}

// How much of Slope is taken where nothing else is asked for.
const slopeImages, slopeSteps = 64, 20

// Slope estimates from below the largest gradient norm of a difference of two logits. It takes this
// many steps of gradient ascent from this many images of d. Lambda is the proof, and Slope only
// shows how tight Lambda is.
func (m *Model) Slope(
	backend compute.Backend, d *data.Dataset, images, steps int,
) (slope float64, err error) {
	images = min(images, d.Len())
	caught := exceptions.TryCatch[error](func() {
		slope, err = m.slope(backend, d, images, steps)
	})
	if caught != nil {
		err = caught
	}
	return slope, err
}

func (m *Model) slope(
	backend compute.Backend, d *data.Dataset, images, steps int,
) (float64, error) {
	// A step takes the gradient of the top logit less the second at x, and moves x along the
	// gradient.
	exec, err := model.NewExec(backend, m.Store, func(scope *model.Scope, x *Node) []*Node {
		z := m.Logits(scope, x)
		top := OneHot(ArgMax(z, -1), m.Classes(), z.DType())
		rest := Sub(z, MulScalar(top, 1e6))
		second := OneHot(ArgMax(rest, -1), m.Classes(), z.DType())
		gap := ReduceAllSum(Mul(z, Sub(top, second)))
		g := Gradient(gap, x)[0]
		norm := Sqrt(ReduceAndKeep(Square(g), ReduceSum, 1, 2, 3))
		return []*Node{Add(x, MulScalar(Div(g, AddScalar(norm, 1e-12)), 0.25)), ReduceAllMax(norm)}
	})
	if err != nil {
		return 0, err
	}
	defer exec.Finalize()
	indices := make([]int, images)
	for i := range indices {
		indices[i] = i * d.Len() / images
	}
	buffer := make([]float32, images*d.Size())
	if err := d.Images(buffer, indices); err != nil {
		return 0, err
	}
	x := tensors.FromFlatDataAndDimensions(buffer, images, d.Height, d.Width, d.Channels)
	most := 0.0
	for range steps {
		out, err := exec.Call(x)
		if err != nil {
			return 0, err
		}
		x = out[0]
		most = max(most, scalar(out[1]))
	}
	return most, nil
}
