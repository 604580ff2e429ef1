package lip

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// cplKernel divides W by its norm. It makes the convex potential layer, x - 2/‖W‖²·W·relu(Wᵀx + b),
// a gradient step on a convex function (Meunier et al. 2022). The norm is estimated while training.
// The bound is proved from the final weights.
//
// Cost: 3·powerSteps convolutions of one image.
func cplKernel(scope *model.Scope, g *Graph, r Residual, in Size) *Node {
	w := r.variable(scope, g, in)
	conv := func(x *Node) *Node { return Conv(x, w, r.Padding, 1) }
	return Div(w, estimated(scope, g, conv, 1, in[0], in[1], r.Inner))
}
