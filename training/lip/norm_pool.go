package lip

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// NormPool is the l2 norm of every by×by cell, channel by channel: [h, w, c] to [h/by, w/by, c]
// (Boureau et al. 2010). It is 1-Lipschitz and keeps norms, but for 1e-12 under the root.
type NormPool struct{ By int }

func (n NormPool) String() string { return fmt.Sprintf("l2 pool %d×%d", n.By, n.By) }

func (n NormPool) Out(in Size) (Size, error)                { return pooled(n, n.By, in) }
func (NormPool) Weights(*model.Scope, *Graph, Size) []*Node { return nil }

func (n NormPool) Apply(x *Node, _ []*Node) *Node {
	return Sqrt(AddScalar(ReduceSum(Square(cells(x, n.By)), 3), 1e-12))
}

func (NormPool) Bound([]*tensors.Tensor, Size) Bound {
	return Bound{1, "norms of patches that don't overlap"}
}

// rounding: the root halves a relative error. Underflow is at least 10⁶ times smaller than 1e-12
// after the root.
func (n NormPool) rounding(_ []*tensors.Tensor, in Size, _, norm float64) (roundoff, error) {
	p := n.By * n.By
	out := math.Sqrt(float64(in.Entries() / p))
	zero := outward(out * 1.01e-6)
	return roundoff{outward(gamma(p+5)*(norm+zero) + 2e6*float64(p+2)*tiny*out), zero}, nil
}
