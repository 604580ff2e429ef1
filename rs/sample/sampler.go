package sample

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs"
)

// Classifier is what votes: a graph function from images, [batch, h, w, c] in [0, 1], to logits,
// [batch, classes], and the store of its weights.
type Classifier struct {
	Logits  func(scope *model.Scope, images *Node) *Node
	Store   *model.Store
	Size    [3]int // h, w, c
	Classes int
}

// Settings of a Sampler, part of the run they make.
type Settings struct {
	Block int       // draws a block
	Edges []float64 // of the margin histograms, in logits, each a float32; nil logs none
}

// Sampler draws evidence. Image, σ, seed and example are inputs of its compiled graphs, which are
// one for every block of every example. It is not for concurrent use.
type Sampler struct {
	classifier Classifier
	settings   Settings
	backend    compute.Backend
	edges      *tensors.Tensor
	count      *model.Exec
	clean      *model.Exec
	draw       *Exec
}

// New compiles nothing yet; the first evidence does.
func New(backend compute.Backend, c Classifier, s Settings) (*Sampler, error) {
	if s.Block < 1 || c.Classes < 2 {
		return nil, fmt.Errorf("sample: a block of %d draws and %d classes; need at least 1 and 2", s.Block, c.Classes)
	}
	edges := make([]float32, max(1, len(s.Edges)))
	for i, e := range s.Edges {
		edges[i] = float32(e)
		if float64(edges[i]) != e {
			return nil, fmt.Errorf("sample: edge %d, %v, isn't a float32", i, e)
		}
	}
	p := &Sampler{classifier: c, settings: s, backend: backend, edges: tensors.FromFlatDataAndDimensions(edges, len(edges))}
	var err error
	if p.count, err = model.NewExec(backend, c.Store, p.countGraph); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	if p.clean, err = model.NewExec(backend, c.Store, func(scope *model.Scope, x *Node) *Node {
		return c.Logits(scope, ExpandAxes(x, 0))
	}); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	return p, nil
}

// countGraph draws one block. used says how many of its draws count, class whose margin is taken.
func (p *Sampler) countGraph(scope *model.Scope, in []*Node) []*Node {
	x, sigma, rng, used, class, edges := in[0], in[1], in[2], in[3], in[4], in[5]
	g := x.Graph()
	b, k := p.settings.Block, p.classifier.Classes
	z := ConvertDType(p.classifier.Logits(scope, noisy(x, sigma, rng, b)), dtypes.Float32)
	if d := z.Shape().Dimensions; len(d) != 2 || d[0] != b || d[1] != k {
		panic(fmt.Sprintf("sample: the classifier's logits are %s, not [%d, %d]", z.Shape(), b, k))
	}
	counts := LessThan(Iota(g, shape(dtypes.Int32, b), 0), used) // [b]
	bad := And(counts, Not(LogicalAll(IsFinite(z), 1)))
	votes := Mul(OneHot(ArgMax(z, -1), k, dtypes.Int32), ExpandAxes(ConvertDType(counts, dtypes.Int32), 1))
	outputs := []*Node{ReduceSum(votes, 0), ReduceSum(ConvertDType(bad, dtypes.Int32))}
	if p.settings.Edges == nil {
		return outputs
	}
	own := Equal(Iota(g, shape(dtypes.Int32, 1, k), 1), Reshape(class, 1, 1)) // [1, k]
	lowest := Infinity(g, dtypes.Float32, -1)
	margin := Sub(
		ReduceMax(Where(BroadcastToDims(own, b, k), z, BroadcastToDims(lowest, b, k)), 1),
		ReduceMax(Where(BroadcastToDims(own, b, k), BroadcastToDims(lowest, b, k), z), 1)) // [b]
	e := edges.Shape().Dimensions[0]
	above := And(GreaterOrEqual(ExpandAxes(margin, 1), ExpandAxes(edges, 0)), BroadcastToDims(ExpandAxes(counts, 1), b, e))
	return append(outputs, ReduceSum(ConvertDType(above, dtypes.Int32), 0))
}

// Evidence draws n0 + n noisy predictions of example index, whose image x is [h, w, c].
func (p *Sampler) Evidence(x []float32, index, label int, sigma float64, n0, n int, seed uint64) (*rs.Evidence, error) {
	size := p.classifier.Size
	if len(x) != size[0]*size[1]*size[2] {
		return nil, fmt.Errorf("sample: example %d has %d values; the classifier takes %v", index, len(x), size)
	}
	image := tensors.FromFlatDataAndDimensions(x, size[0], size[1], size[2])
	defer image.FinalizeAll()
	e := &rs.Evidence{Index: index, Label: label, Sigma: sigma}
	out, err := p.clean.Call(image)
	if err != nil {
		return nil, fmt.Errorf("sample: example %d: %w", index, err)
	}
	logits := tensors.MustCopyFlatData[float32](out[0])
	out[0].FinalizeAll()
	if e.Clean, err = clean(logits); err != nil {
		return nil, fmt.Errorf("sample: example %d without noise: %w", index, err)
	}
	// The class is known once the selection draw is counted; its margins are taken from the
	// same draws again, n0 being small. Different votes would be a classifier that
	// answers differently on equal inputs.
	if e.Selection, _, err = p.phase(image, e, Selection, n0, seed); err != nil {
		return nil, err
	}
	e.Class = e.Selection.Top()
	if p.settings.Edges != nil {
		again, margins, err := p.phase(image, e, Selection, n0, seed)
		if err != nil {
			return nil, err
		}
		for c := range again {
			if again[c] != e.Selection[c] {
				return nil, fmt.Errorf("sample: example %d: the same draws gave class %d %d votes, then %d: the classifier isn't deterministic", index, c, e.Selection[c], again[c])
			}
		}
		e.SelectionMargins = margins
	}
	e.Estimation, e.Margins, err = p.phase(image, e, Estimation, n, seed)
	return e, err
}

// phase counts n draws of one phase.
func (p *Sampler) phase(image *tensors.Tensor, e *rs.Evidence, phase Phase, n int, seed uint64) (rs.Votes, rs.Histogram, error) {
	votes := make(rs.Votes, p.classifier.Classes)
	var h rs.Histogram
	var above []int
	if edges := p.settings.Edges; edges != nil {
		h = rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
		above = make([]int, len(edges))
	}
	for block := 0; block*p.settings.Block < n; block++ {
		used := min(p.settings.Block, n-block*p.settings.Block)
		s := state(seed, e.Index, phase, block)
		out, err := p.count.Call(image, float32(e.Sigma), s, int32(used), int32(e.Class), p.edges)
		if err != nil {
			return nil, h, fmt.Errorf("sample: example %d: %w", e.Index, err)
		}
		add(votes, out[0])
		bad := tensors.ToScalar[int32](out[1])
		if above != nil {
			add(above, out[2])
		}
		for _, t := range out {
			t.FinalizeAll()
		}
		if bad > 0 {
			return nil, h, fmt.Errorf("sample: example %d: logits of %d noisy draws (phase %d, block %d) are NaN or infinite: the model can't be certified", e.Index, bad, phase, block)
		}
	}
	if above != nil {
		// above[j] draws lie at or over edge j.
		last := n
		for j, a := range above {
			h.Counts[j], last = last-a, a
		}
		h.Counts[len(above)] = last
	}
	return votes, h, nil
}

func add(sum []int, t *tensors.Tensor) {
	for i, v := range tensors.MustCopyFlatData[int32](t) {
		sum[i] += int(v)
	}
}

var errNotFinite = errors.New("a logit is NaN or infinite: the model can't be certified")

func clean(logits []float32) (rs.Clean, error) {
	top := 0
	for c, z := range logits {
		if math.IsNaN(float64(z)) || math.IsInf(float64(z), 0) {
			return rs.Clean{}, errNotFinite
		}
		if z > logits[top] {
			top = c
		}
	}
	second := math.Inf(-1)
	for c, z := range logits {
		if c != top {
			second = max(second, float64(z))
		}
	}
	return rs.Clean{Class: top, Margin: float64(logits[top]) - second}, nil
}

// Draws returns the noisy images of a block, [block, h, w, c], as Evidence shows them to the classifier.
func (p *Sampler) Draws(x []float32, sigma float64, seed uint64, index int, phase Phase, block int) ([]float32, error) {
	if p.draw == nil {
		exec, err := NewExec(p.backend, func(x, sigma, rng *Node) *Node { return noisy(x, sigma, rng, p.settings.Block) })
		if err != nil {
			return nil, fmt.Errorf("sample: %w", err)
		}
		p.draw = exec
	}
	size := p.classifier.Size
	image := tensors.FromFlatDataAndDimensions(x, size[0], size[1], size[2])
	out, err := p.draw.Call(image, float32(sigma), state(seed, index, phase, block))
	if err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	return tensors.MustCopyFlatData[float32](out[0]), nil
}

// Close frees the compiled graphs.
func (p *Sampler) Close() {
	p.count.Finalize()
	p.clean.Finalize()
	if p.draw != nil {
		p.draw.Finalize()
	}
}
