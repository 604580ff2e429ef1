// Package sketch is what a reader may write beside a copy of the notebooks.
package sketch

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/notebooks/lab"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/loss"
)

// Frobenius is a dense layer whose weights are divided by their Frobenius norm.
type Frobenius struct{ lip.Dense }

func (f Frobenius) String() string { return fmt.Sprintf("dense %d (Frobenius)", f.Units) }

// Weights returns the weights, and no bias.
func (f Frobenius) Weights(scope *model.Scope, g *graph.Graph, in lip.Size) []*graph.Node {
	w := graph.L2Normalize(lab.Weights(scope, g, in.Entries(), f.Units), 0, 1)
	return []*graph.Node{w, graph.ZerosLike(graph.ReduceSum(w, 0))}
}

// Halved is half of another loss.
type Halved struct{ Whole loss.Loss }

// Loss returns a scalar.
func (h Halved) Loss(labels, logits []*graph.Node) *graph.Node {
	return graph.MulScalar(h.Whole.Loss(labels, logits), 0.5)
}

// Slopes draws the slope of a layer against its bound.
func Slopes(bound, slope float64) (*figures.Figure, error) {
	f := lab.NewLines("slopes", "bound", "slope", 0, bound)
	f.Add("found", func(x float64) float64 { return x * slope / bound })
	return &f.Figure, nil
}
