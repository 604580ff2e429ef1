package lip

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// AveragePool is the mean of every by×by patch: [h, w, c] to [h/by, w/by, c]. It stretches by 1/by, no more.
type AveragePool struct{ By int }

func (a AveragePool) String() string                           { return fmt.Sprintf("average pool %d×%d", a.By, a.By) }
func (a AveragePool) Out(in Size) (Size, error)                { return pooled(a, a.By, in) }
func (AveragePool) Weights(*model.Scope, *Graph, Size) []*Node { return nil }
func (a AveragePool) Apply(x *Node, _ []*Node) *Node           { return ReduceMean(patches(x, a.By), 3) }
func (a AveragePool) Bound([]*tensors.Tensor, Size) Bound {
	return Bound{up(1 / float64(a.By)), "patches don't overlap: rows of norm 1/by, orthogonal"}
}

// NormPool is the l2 norm of every by×by patch, channel by channel: [h, w, c] to [h/by, w/by, c]; 1-Lipschitz and, but for 1e-12 under the
// root, norm preserving (Boureau et al. 2010).
type NormPool struct{ By int }

func (n NormPool) String() string                           { return fmt.Sprintf("l2 pool %d×%d", n.By, n.By) }
func (n NormPool) Out(in Size) (Size, error)                { return pooled(n, n.By, in) }
func (NormPool) Weights(*model.Scope, *Graph, Size) []*Node { return nil }
func (n NormPool) Apply(x *Node, _ []*Node) *Node {
	return Sqrt(AddScalar(ReduceSum(Square(patches(x, n.By)), 3), 1e-12))
}
func (NormPool) Bound([]*tensors.Tensor, Size) Bound {
	return Bound{1, "norms of patches that don't overlap"}
}

// patches makes by×by patches of x, [batch, h, w, c], an axis: [batch, h/by, w/by, by², c].
func patches(x *Node, by int) *Node {
	c := x.Shape().Dim(-1)
	x = SpaceToDepth(x, by)
	d := x.Shape().Dimensions
	return Reshape(x, d[0], d[1], d[2], by*by, c)
}

func pooled(l Layer, by int, in Size) (Size, error) {
	if err := cuts(l, by, in); err != nil {
		return nil, err
	}
	return Size{in[0] / by, in[1] / by, in[2]}, nil
}

// cuts says why an image can't be cut into by×by patches.
func cuts(l Layer, by int, in Size) error {
	if len(in) != 3 || by < 1 || in[0]%by != 0 || in[1]%by != 0 {
		return fmt.Errorf("%v needs an input [h, w, c] with h and w multiples of %d, not %v", l, by, in)
	}
	return nil
}
