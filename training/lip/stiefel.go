package lip

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Stiefel has the paths of the variables whose rows or columns an optimiser keeps orthonormal. In
// a store with a Stiefel as its parameter ParamStiefel, layers add their variables to the Stiefel,
// and take them as they are. Without that parameter, layers take Bjorck of their variables.
type Stiefel map[string]bool

// ParamStiefel names the parameter.
const ParamStiefel = "stiefel"

// stiefel makes or finds variables of this shape, [..., rows, columns], and returns them with
// orthonormal rows or columns.
func stiefel(scope *model.Scope, g *Graph, name string, std float64, dimensions ...int) *Node {
	kept := model.GetParamOr(scope, ParamStiefel, Stiefel(nil))
	if kept == nil {
		return Bjorck(variable(scope, g, name, std, dimensions...))
	}
	start := func(g *Graph, shape shapes.Shape) *Node { return Bjorck(scope.RandomNormal(g, shape)) }
	v := scope.WithInitializer(start).VariableWithShape(name, f32(dimensions...))
	kept[v.Path()] = true
	return v.NodeValue(g)
}

// NearPolar takes the singular values of x, [..., rows, columns] with rows ≥ columns, to
// about 1: those above a hundredth of x's Frobenius norm to between 0.7 and 1.2. The polynomial is
// that of Muon (Jordan et al. 2024). It isn't fit for a bound.
func NearPolar(x *Node) *Node {
	norm := Sqrt(ReduceAndKeep(Square(x), ReduceSum, -2, -1))
	p := odd{3.4445, -4.775, 2.0315}
	return applied(Div(x, AddScalar(norm, 1e-12)), p, p, p, p, p)
}

// NearOrthonormal takes the singular values of x, [..., rows, columns] with no fewer rows than
// columns, closer to 1: an error of e becomes one of about 2.5·e³.
func NearOrthonormal(x *Node) *Node { return applied(x, odd{1.875, -1.25, 0.375}) }
