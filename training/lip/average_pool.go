package lip

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// AveragePool is the mean of every by×by cell: [h, w, c] to [h/by, w/by, c]. It stretches by 1/by
// at most.
type AveragePool struct{ By int }

func (a AveragePool) String() string { return fmt.Sprintf("average pool %d×%d", a.By, a.By) }

func (a AveragePool) Out(in Size) (Size, error)                { return pooled(a, a.By, in) }
func (AveragePool) Weights(*model.Scope, *Graph, Size) []*Node { return nil }

func (a AveragePool) Apply(x *Node, _ []*Node) *Node { return ReduceMean(cells(x, a.By), 3) }

func (a AveragePool) Bound([]*tensors.Tensor, Size) Bound {
	return Bound{up(1 / float64(a.By)), "patches don't overlap: rows of norm 1/by, orthogonal"}
}

// operator takes the mean with 1/by² rounded.
func (a AveragePool) operator(_ []*tensors.Tensor, in Size) (operator, bool) {
	n := a.By * a.By
	o := byCells(a.By, in, in.Entries()/n, 1/float64(n), func(p cellPlace) int {
		return p.cell*in[2] + p.channel
	})
	o.slack = u / float64(a.By) * 1.01
	return o, true
}

func (a AveragePool) rounding(_ []*tensors.Tensor, in Size, _, norm float64) (roundoff, error) {
	n := a.By * a.By
	return roundoff{fresh: sums(n+2, in.Entries()/n, 1/float64(a.By), norm, 0)}, nil
}
