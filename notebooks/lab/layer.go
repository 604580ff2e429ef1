package lab

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"gonum.org/v1/gonum/mat"
)

// Weights are the trainable weights of a dense layer, [in, out]. Their initial values are normal
// with standard deviation 0.1.
func Weights(scope *model.Scope, g *graph.Graph, in, out int) *graph.Node {
	scope = scope.WithInitializer(initializer.RandomNormalFn(scope, 0.1))
	return scope.VariableWithShape("w", shapes.Make(dtypes.Float32, in, out)).NodeValue(g)
}

// Matrix is a tensor [in, out] in float64.
func Matrix(w *tensors.Tensor) *mat.Dense {
	if w.Shape().Rank() != 2 {
		panic(fmt.Sprintf("lab: a tensor of shape %v is no matrix", w.Shape()))
	}
	m := mat.NewDense(w.Shape().Dimensions[0], w.Shape().Dimensions[1], nil)
	data := m.RawMatrix().Data
	for i, v := range tensors.MustCopyFlatData[float32](w) {
		data[i] = float64(v)
	}
	return m
}
