package nets

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// Weights are the trainable weights of a dense layer, [in, out]. Their initial values are normal
// with standard deviation 0.1.
func Weights(scope *model.Scope, g *graph.Graph, in, out int) *graph.Node {
	scope = scope.WithInitializer(initializer.RandomNormalFn(scope, 0.1))
	return scope.VariableWithShape("w", shapes.Make(dtypes.Float32, in, out)).NodeValue(g)
}
