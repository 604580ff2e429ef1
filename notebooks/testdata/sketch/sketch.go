// Package sketch is what a reader may write beside a copy of the notebooks.
package sketch

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/notebooks/nets"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/loss"
)

// Frobenius is a dense layer whose weights are divided by their Frobenius norm.
type Frobenius struct{ lip.Dense }

func (f Frobenius) String() string { return fmt.Sprintf("dense %d (Frobenius)", f.Units) }

// Weights returns the weights, and no bias.
func (f Frobenius) Weights(scope *model.Scope, g *graph.Graph, in lip.Size) []*graph.Node {
	w := graph.L2Normalize(nets.Weights(scope, g, in.Entries(), f.Units), 0, 1)
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
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "bound", "slope"
	line, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: bound, Y: slope}})
	p.Add(line)
	return &figures.Figure{Name: "slopes", Plot: p, Width: 90 * vg.Millimeter,
		Height: 66 * vg.Millimeter}, err
}
