package sample

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/lipsmooth/lipsmooth/rs"
)

// countGraph counts on the device. Its inputs are logits z, [places·block, classes], the number of
// draws of each place that count, [places], the class, [places], and the edges, [edges]. Its
// results are votes, [places, classes], with ties to the lowest class; the first draw with a logit
// that isn't finite, or block, [places]; and the number of margins of the class at or over each
// edge, [places, edges]. weights, [places, classes], weigh the class's lead over each other class.
// Nil weights are all 1.
func countGraph(z, used, class, edges, weights *Node) []*Node {
	g := z.Graph()
	s, k, e := used.Shape().Dimensions[0], z.Shape().Dimensions[1], edges.Shape().Dimensions[0]
	b := z.Shape().Dimensions[0] / s
	z = Reshape(z, s, b, k)
	draw := Iota(g, shapes.Make(dtypes.Int32, s, b), 1)
	// of the draws that count
	one := ConvertDType(LessThan(draw, BroadcastToDims(ExpandAxes(used, 1), s, b)), dtypes.Int32)
	votes := Mul(OneHot(ArgMax(z, -1), k, dtypes.Int32), ExpandAxes(one, 2))
	bad := Where(LogicalAll(IsFinite(z), 2), MulScalar(OnesLike(draw), int32(b)), draw)
	own := Equal(Iota(g, shapes.Make(dtypes.Int32, s, b, k), 2),
		BroadcastToDims(Reshape(class, s, 1, 1), s, b, k))
	lowest := BroadcastToDims(Infinity(g, dtypes.Float32, -1), s, b, k)
	// In float64 the difference of two logits doesn't round, and float32 edges are exact.
	wide := func(x *Node) *Node { return ConvertDType(x, dtypes.Float64) }
	top := wide(ReduceMax(Where(own, z, lowest), 2)) // [s, b]
	var margin *Node
	if weights == nil {
		margin = Sub(top, wide(ReduceMax(Where(own, lowest, z), 2)))
	} else {
		all := Mul(Sub(ExpandAxes(top, 2), wide(z)), ExpandAxes(wide(weights), 1)) // [s, b, k]
		margin = ReduceMin(Where(own, BroadcastToDims(Infinity(g, dtypes.Float64, 1), s, b, k), all), 2)
	}
	above := GreaterOrEqual(BroadcastToDims(ExpandAxes(margin, 1), s, e, b),
		BroadcastToDims(Reshape(wide(edges), 1, e, 1), s, e, b))
	return []*Node{
		ReduceSum(votes, 1),
		ReduceMin(bad, 1),
		ReduceSum(Mul(ConvertDType(above, dtypes.Int32), ExpandAxes(one, 1)), 2),
	}
}

// tally adds the counts of the i-th unit of a batch to its example's.
func (p *Sampler) tally(b *batch, i int, u unit) error {
	e, classes, block := u.evidence, p.classes, b.block
	used := b.used(u)
	if bad := int(b.bad[i]); bad < used {
		return fmt.Errorf("a logit of draw %d of block %d of the %v draw is NaN or infinite: the model "+
			"can't be certified", bad, u.block, u.phase)
	}
	votes := e.Estimation
	if u.phase == Selection {
		votes = e.Selection
		u.logits = append(u.logits, b.logits[i*block*classes:(i*block+used)*classes]...)
	}
	for c, v := range b.votes[i*classes : (i+1)*classes] {
		votes[c] += int(v)
	}
	if u.phase == Selection {
		return nil
	}
	if edges := len(p.settings.Edges); edges > 0 {
		addAbove(e.Margins, b.above[i*edges:(i+1)*edges], used)
	}
	for m, all := range b.scores {
		edges := len(all) / (b.size * classes)
		for c, h := range e.Scores[m].Classes {
			addAbove(h, all[(i*classes+c)*edges:(i*classes+c+1)*edges], used)
		}
	}
	return nil
}

// addAbove adds draws of which above[j] lie at or over edge j.
func addAbove(h rs.Histogram, above []int32, draws int) {
	last := draws
	for j, k := range above {
		h.Counts[j] += last - int(k)
		last = int(k)
	}
	h.Counts[len(above)] += last
}

// selected takes the class from the votes of the selection draw, and counts its margins there.
func (e *example) selected(s Settings) {
	edges := s.Edges
	of := e.evidence
	of.Class = of.Selection.Top()
	if edges != nil {
		of.Margins = rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
		of.SelectionMargins = rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
		for k := len(of.Selection); len(e.logits) > 0; e.logits = e.logits[k:] {
			of.SelectionMargins.Add(s.margin(e.logits[:k], of.Class))
		}
	}
	e.logits = nil
}
