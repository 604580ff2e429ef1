package xla

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Where ascent starts: from so many images, or from fewer that have so many values.
const slopeImages, slopeValues = 64, 1 << 20

// Slope estimates from below the largest slope (l2) of a difference of two logits. Gradient ascent
// takes this many steps from hashed images in [0, 1], each with two classes of its own. A proof
// lies above Slope, and no certificate takes it.
func (n *Network) Slope(backend compute.Backend, steps int) (slope float64, err error) {
	size, classes := n.Shape()
	values := size[0] * size[1] * size[2]
	images := min(slopeImages, max(1, slopeValues/values))
	x, of := make([]float32, images*values), make([]float32, images*classes)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range x {
		x[i] = r.Float32()
	}
	for i := range images {
		pair := r.Perm(classes)
		of[i*classes+pair[0]], of[i*classes+pair[1]] = 1, -1
	}
	err = protect(func() error {
		exec, err := model.NewExec(backend, n.variables,
			func(scope *model.Scope, x, of *Node) []*Node {
				g := Gradient(ReduceAllSum(Mul(n.Logits(scope, x), of)), x)[0]
				norm := Sqrt(ReduceAndKeep(Square(g), ReduceSum, 1, 2, 3))
				up := Div(g, AddScalar(norm, 1e-12))
				return []*Node{Add(x, MulScalar(up, 0.25)), ReduceAllMax(norm)}
			})
		if err != nil {
			return err
		}
		defer exec.Finalize()
		at := tensors.FromFlatDataAndDimensions(x, images, size[0], size[1], size[2])
		pairs := tensors.FromFlatDataAndDimensions(of, images, classes)
		defer pairs.FinalizeAll()
		for range steps {
			out, err := exec.Call(at, pairs)
			at.FinalizeAll()
			if err != nil {
				return err
			}
			norm, err := tensors.CopyFlatData[float32](out[1])
			if err != nil {
				return err
			}
			at, slope = out[0], math.Max(slope, float64(norm[0]))
			out[1].FinalizeAll()
		}
		at.FinalizeAll()
		return nil
	})
	if err != nil {
		err = fmt.Errorf("xla: %s: %w", filepath.Base(n.recipe.Path), explain(err))
	}
	return slope, err
}
