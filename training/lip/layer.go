package lip

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"

	"github.com/lipsmooth/lipsmooth/internal/named"
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

// A Layer is one step of a network, a value with public fields. A layer may also have
// a method Train, see Train. A layer of this package may be a linearLayer and a roundingLayer.
type Layer interface {
	// String names the layer with its sizes.
	String() string
	// Out returns the size of the output, or an error that says why the layer can't take that
	// input.
	Out(in Size) (Size, error)
	// Weights makes or finds the layer's variables in scope and returns its effective weights.
	Weights(scope *model.Scope, g *Graph, in Size) []*Node
	// Apply maps x, [batch, in…], to [batch, out…] with effective weights.
	Apply(x *Node, weights []*Node) *Node
	// Bound proves a Lipschitz constant of the layer from effective weights.
	Bound(weights []*tensors.Tensor, in Size) Bound
}

// A trainingLayer does something else while it trains.
type trainingLayer interface {
	// Train is Apply while training. It may update the variables in scope, that of Weights.
	Train(scope *model.Scope, x *Node, weights []*Node) *Node
}

// Train is a layer's Apply while it trains. The layer has its variables in scope.
func Train(l Layer, scope *model.Scope, x *Node, weights []*Node) *Node {
	if l, ok := l.(trainingLayer); ok {
		return l.Train(scope, x, weights)
	}
	return l.Apply(x, weights)
}

// A linearLayer has a matrix, its bias aside. Linear layers that follow each other are proved as
// one map.
type linearLayer interface {
	// operator returns the matrix. It isn't ok where its entries aren't the weights in some order,
	// or where the matrix is too large.
	operator(weights []*tensors.Tensor, in Size) (o operator, ok bool)
}

func isLinear(l Layer) bool { _, ok := l.(linearLayer); return ok }

// A roundingLayer knows what float32 adds.
type roundingLayer interface {
	// rounding proves the roundoff for every x of at most this norm. The argument bound is the
	// layer's Bound.
	rounding(w []*tensors.Tensor, in Size, bound, norm float64) (roundoff, error)
}

// A roundoff bounds the float32 error of a layer. fresh bounds the l2 distance between Apply in
// float32 and in real arithmetic, and zero bounds the norm of Apply at 0.
type roundoff struct{ fresh, zero float64 }

// unrounded is the error for a layer without a proof of its rounding.
func unrounded(l Layer) (roundoff, error) {
	return roundoff{}, fmt.Errorf("%v: nothing is proved of its rounding in float32", l)
}

// unknown is the error for a kind that table doesn't hold.
func unknown[K any](what, kind string, table map[string]K) error {
	return named.Unknown(what, kind, slices.Sorted(maps.Keys(table)))
}

// flat copies a float32 tensor's values.
func flat(t *tensors.Tensor) []float32 { return tensors.MustCopyFlatData[float32](t) }

// matrix is a float32 tensor as [rows, columns] of float64.
func matrix(t *tensors.Tensor, rows, columns int) *mat.Dense {
	w := mat.NewDense(rows, columns, nil)
	for i, v := range flat(t) {
		w.Set(i/columns, i%columns, float64(v))
	}
	return w
}
