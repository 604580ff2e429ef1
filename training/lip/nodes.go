package lip

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// variable makes or finds a variable in scope. It starts with normal draws of this standard
// deviation, or with zeros for std = 0.
func variable(scope *model.Scope, g *Graph, name string, std float64, dimensions ...int) *Node {
	return kept(scope, name, std, dimensions...).NodeValue(g)
}

// kept is variable, the variable itself.
func kept(scope *model.Scope, name string, std float64, dimensions ...int) *model.Variable {
	init := initializer.Zero
	if std > 0 {
		init = initializer.RandomNormalFn(scope, std)
	}
	return scope.WithInitializer(init).VariableWithShape(name, f32(dimensions...))
}

// f32 is a shape of float32.
func f32(dimensions ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dimensions...) }

// identity is the n×n identity matrix of the type of like.
func identity(like *Node, n int) *Node {
	return DiagonalWithValue(ScalarOne(like.Graph(), like.DType()), n)
}

// reciprocalRoot is 1/√x. GoMLX's Rsqrt has no gradient.
func reciprocalRoot(x *Node) *Node { return Reciprocal(Sqrt(x)) }

// pureGo reports whether a node is computed by GoMLX's pure-Go backend.
func pureGo(x *Node) bool { return x.Graph().Backend().String() == gobackend.BackendName }
