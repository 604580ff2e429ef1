package lip

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"gonum.org/v1/gonum/mat"
)

// Size is the shape of what flows between layers, without the batch: [h, w, c], or [c] once flat.
type Size []int

// Entries returns the number of entries.
func (s Size) Entries() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

func (s Size) String() string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint([]int(s)), "[]"), " ", "×")
}

// A Layer is one step of a network, a value with public fields.
type Layer interface {
	// String names the layer with its sizes.
	String() string
	// Out returns the size of the output, or an error that says why the layer can't take that input.
	Out(in Size) (Size, error)
	// Weights makes or finds the layer's variables in scope and returns its effective weights.
	Weights(scope *model.Scope, g *Graph, in Size) []*Node
	// Apply maps x, [batch, in…], to [batch, out…] with effective weights.
	Apply(x *Node, weights []*Node) *Node
	// Bound proves what the layer stretches, from effective weights.
	Bound(weights []*tensors.Tensor, in Size) Bound
}

func variable(scope *model.Scope, g *Graph, name string, std float64, dimensions ...int) *Node {
	init := initializer.Zero
	if std > 0 {
		init = initializer.RandomNormalFn(scope, std)
	}
	return scope.WithInitializer(init).VariableWithShape(name, f32(dimensions...)).NodeValue(g)
}

// unknown is the error for a kind that table doesn't hold.
func unknown[K any](what, kind string, table map[string]K) error {
	return fmt.Errorf("no %s %q; known: %s", what, kind, strings.Join(slices.Sorted(maps.Keys(table)), ", "))
}

// flat copies a float32 tensor's values.
func flat(t *tensors.Tensor) []float32 { return tensors.MustCopyFlatData[float32](t) }

func matrix(t *tensors.Tensor, rows, columns int) *mat.Dense {
	w := mat.NewDense(rows, columns, nil)
	for i, v := range flat(t) {
		w.Set(i/columns, i%columns, float64(v))
	}
	return w
}
