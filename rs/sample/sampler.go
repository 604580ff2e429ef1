package sample

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
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

func (c *Classifier) values() int { return c.Size[0] * c.Size[1] * c.Size[2] }

// Settings of a Sampler, part of the run they make.
type Settings struct {
	Block int           // draws a block
	Edges []float64     // of the margin histograms, in logits, rising, each a float32; nil logs none
	Maps  []rs.ScoreMap // whose scores of all classes are logged
	Grid  *Grid         // draws the noise, for the σ that it was made for; nil is Gaussian noise, made on the device
}

// Sampler draws evidence. Image, σ, seed and example are inputs of its compiled graphs, which are
// one for every block of every example. It is not for concurrent use.
type Sampler struct {
	classifier Classifier
	settings   Settings
	noisy      *model.Exec // logits of a block of draws
	given      *model.Exec // logits of images
	count      *Exec       // counts of such logits
	scores     []*Exec     // counts of their scores, by each map
	edges      *tensors.Tensor
	scoreEdges *tensors.Tensor
	images     []float32   // a block of draws on the grid
	clean      *model.Exec // logits of the image
	draw       *Exec       // a block of draws
	checked    bool        // the classifier answers equally on equal inputs
}

// New compiles nothing yet; the first evidence does.
func New(backend compute.Backend, c Classifier, s Settings) (*Sampler, error) {
	if s.Block < 1 || c.Classes < 2 || min(c.Size[0], c.Size[1], c.Size[2]) < 1 {
		return nil, fmt.Errorf("sample: blocks of %d draws of %v, %d classes; need at least 1, 1×1×1 and 2", s.Block, c.Size, c.Classes)
	}
	for i, e := range s.Edges {
		if float64(float32(e)) != e || i > 0 && e <= s.Edges[i-1] {
			return nil, fmt.Errorf("sample: margin edge %d, %v, isn't a float32 over the one before", i, e)
		}
	}
	p := &Sampler{classifier: c, settings: s, edges: edgesTensor(s.Edges)}
	var err error
	if p.noisy, err = model.NewExec(backend, c.Store, func(scope *model.Scope, x, sigma, rng *Node) *Node {
		return ConvertDType(c.Logits(scope, noisy(x, sigma, rng, s.Block)), dtypes.Float32)
	}); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	if p.clean, err = model.NewExec(backend, c.Store, func(scope *model.Scope, x *Node) *Node {
		return ConvertDType(c.Logits(scope, ExpandAxes(x, 0)), dtypes.Float32)
	}); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	if s.Grid != nil {
		p.images = make([]float32, s.Block*c.values())
		if p.given, err = model.NewExec(backend, c.Store, func(scope *model.Scope, images *Node) *Node {
			return ConvertDType(c.Logits(scope, images), dtypes.Float32)
		}); err != nil {
			return nil, fmt.Errorf("sample: %w", err)
		}
	}
	for _, m := range s.Maps {
		exec, err := NewExec(backend, scoreGraph(m))
		if err != nil {
			return nil, fmt.Errorf("sample: %w", err)
		}
		p.scores = append(p.scores, exec)
	}
	p.scoreEdges = edgesTensor(rs.ScoreEdges())
	if p.count, err = NewExec(backend, countGraph); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	if p.draw, err = NewExec(backend, func(x, sigma, rng *Node) *Node { return noisy(x, sigma, rng, s.Block) }); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	return p, nil
}

// edgesTensor is [edges] float32, of one edge that nobody reads where there are none.
func edgesTensor(edges []float64) *tensors.Tensor {
	e := make([]float32, max(1, len(edges)))
	for i, v := range edges {
		e[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(e, len(e))
}

// Evidence draws n0 + n noisy predictions of example index, whose image x is [h, w, c].
func (p *Sampler) Evidence(x []float32, index, label int, sigma float64, n0, n int, seed uint64) (*rs.Evidence, error) {
	return p.evidence(context.Background(), x, index, label, request{sigma: sigma, n0: n0, n: n, seed: seed})
}

// request is what to draw of an example.
type request struct {
	sigma float64
	n0, n int
	seed  uint64
	// stops are the numbers of estimation draws at which settled is asked whether to end; nil draws n.
	stops   []int
	settled func(*rs.Evidence) (bool, error)
}

// source is where the draws of an example come from.
type source struct {
	image  *tensors.Tensor // [h, w, c]
	points []int           // of the image on the grid, where there is one
	sigma  float64
	seed   uint64
	index  int
}

// errSettled ends a draw.
var errSettled = errors.New("settled")

func (p *Sampler) evidence(ctx context.Context, x []float32, index, label int, r request) (e *rs.Evidence, err error) {
	defer func() {
		if err != nil {
			e, err = nil, fmt.Errorf("sample: example %d: %w", index, err)
		}
	}()
	if r.n0 < 1 || r.n < 1 {
		return nil, fmt.Errorf("%d selection and %d estimation draws; need at least 1 of each", r.n0, r.n)
	}
	from, err := p.source(x, r.sigma, r.seed, index)
	if err != nil {
		return nil, err
	}
	defer from.image.FinalizeAll()
	if err := p.check(from); err != nil {
		return nil, err
	}
	t, err := logits(p.clean, p.classifier.Classes, 1, from.image)
	if err != nil {
		return nil, err
	}
	defer t.FinalizeAll()
	z, err := tensors.CopyFlatData[float32](t)
	if err != nil {
		return nil, err
	}
	e = &rs.Evidence{Index: index, Label: label, Sigma: r.sigma, Stops: r.stops}
	if p.settings.Grid != nil {
		e.Rounding = p.settings.Grid.Rounding(p.classifier.values())
	}
	if e.Clean, err = clean(z); err != nil {
		return nil, err
	}

	// The class is known once the selection draw is over: its logits stay on the device till then.
	var selection []*tensors.Tensor
	defer func() {
		for _, z := range selection {
			z.FinalizeAll()
		}
	}()
	e.Selection = make(rs.Votes, p.classifier.Classes)
	if err := p.each(ctx, from, Selection, r.n0, func(block int, z *tensors.Tensor) error {
		selection = append(selection, z)
		return p.tally(z, block, r.n0, Selection, 0, e.Selection, rs.Histogram{})
	}); err != nil {
		return nil, err
	}
	e.Class = e.Selection.Top()
	if edges := p.settings.Edges; edges != nil {
		e.SelectionMargins = rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
		e.Margins = rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
		again := make(rs.Votes, p.classifier.Classes)
		for block, z := range selection {
			if err := p.tally(z, block, r.n0, Selection, e.Class, again, e.SelectionMargins); err != nil {
				return nil, err
			}
		}
	}
	e.Estimation = make(rs.Votes, p.classifier.Classes)
	for _, m := range p.settings.Maps {
		s := rs.Scores{Map: m, Classes: make([]rs.Histogram, p.classifier.Classes)}
		edges := rs.ScoreEdges()
		for c := range s.Classes {
			s.Classes[c] = rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
		}
		e.Scores = append(e.Scores, s)
	}
	err = p.each(ctx, from, Estimation, r.n, func(block int, z *tensors.Tensor) error {
		defer z.FinalizeAll()
		if err := p.tally(z, block, r.n, Estimation, e.Class, e.Estimation, e.Margins); err != nil {
			return err
		}
		for i := range e.Scores {
			if err := p.tallyScores(z, block, r.n, i, &e.Scores[i]); err != nil {
				return err
			}
		}
		if done := (block + 1) * p.settings.Block; done < r.n && slices.Contains(r.stops, done) {
			if ok, err := r.settled(e); err != nil || ok {
				return cmp.Or(err, errSettled)
			}
		}
		return nil
	})
	if err == errSettled {
		err = nil
	}
	return e, err
}

// source puts x, [h, w, c], on the device.
func (p *Sampler) source(x []float32, sigma float64, seed uint64, index int) (s source, err error) {
	s = source{sigma: sigma, seed: seed, index: index}
	if grid := p.settings.Grid; grid != nil {
		if sigma != grid.sigma {
			return s, fmt.Errorf("noise of standard deviation %v, and the grid's is %v", sigma, grid.sigma)
		}
		if s.points, err = grid.points(x); err != nil {
			return s, err
		}
	}
	s.image, err = p.image(x, sigma)
	return s, err
}

func (p *Sampler) image(x []float32, sigma float64) (*tensors.Tensor, error) {
	size := p.classifier.Size
	if len(x) != p.classifier.values() {
		return nil, fmt.Errorf("the image has %d values; the classifier takes %d×%d×%d", len(x), size[0], size[1], size[2])
	}
	if !(sigma > 0) || math.IsInf(sigma, 1) {
		return nil, fmt.Errorf("noise of standard deviation %v", sigma)
	}
	return tensors.FromFlatDataAndDimensions(x, size[0], size[1], size[2]), nil
}

// each calls f with the logits of every block of n draws of a phase, which are f's to finalize.
func (p *Sampler) each(ctx context.Context, from source, phase Phase, n int, f func(block int, z *tensors.Tensor) error) error {
	for block := 0; block*p.settings.Block < n; block++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		z, err := p.block(from, phase, block)
		if err != nil {
			return err
		}
		if err := f(block, z); err != nil {
			return err
		}
	}
	return nil
}

// block returns the logits of a block of draws, [block, classes], on the device.
func (p *Sampler) block(from source, phase Phase, block int) (*tensors.Tensor, error) {
	if p.settings.Grid == nil {
		return logits(p.noisy, p.classifier.Classes, p.settings.Block, from.image, scale(from.sigma), state(from.seed, from.index, phase, block))
	}
	images := p.gridBlock(from, phase, block)
	defer images.FinalizeAll()
	return logits(p.given, p.classifier.Classes, p.settings.Block, images)
}

// gridBlock returns a block of draws on the grid, [block, h, w, c].
func (p *Sampler) gridBlock(from source, phase Phase, block int) *tensors.Tensor {
	p.settings.Grid.noisy(p.images, from.points, from.seed, from.index, phase, block)
	size := p.classifier.Size
	return tensors.FromFlatDataAndDimensions(p.images, p.settings.Block, size[0], size[1], size[2])
}

// tallyScores adds a block's scores by the i-th map. Draws from the n-th on don't count.
func (p *Sampler) tallyScores(z *tensors.Tensor, block, n, i int, s *rs.Scores) error {
	used := min(p.settings.Block, n-block*p.settings.Block)
	out, err := p.scores[i].Call(z, int32(used), float32(s.Map.T), p.scoreEdges)
	if err != nil {
		return err
	}
	defer out[0].FinalizeAll()
	all, err := tensors.CopyFlatData[int32](out[0]) // [classes, edges]
	if err != nil {
		return err
	}
	edges := len(all) / len(s.Classes)
	for c, h := range s.Classes {
		addAbove(h, all[c*edges:(c+1)*edges], used)
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

// tally adds a block's counts: votes, and the margins of class unless h is empty. Draws from the n-th on don't count.
func (p *Sampler) tally(z *tensors.Tensor, block, n int, phase Phase, class int, votes rs.Votes, h rs.Histogram) error {
	used := min(p.settings.Block, n-block*p.settings.Block)
	out, err := p.count.Call(z, int32(used), int32(class), p.edges)
	if err != nil {
		return err
	}
	var counts [3][]int32
	for i, t := range out {
		if counts[i], err = tensors.CopyFlatData[int32](t); err != nil {
			return err
		}
		t.FinalizeAll()
	}
	if bad := counts[1][0]; int(bad) < used {
		return fmt.Errorf("a logit of draw %d of block %d of the %v draw is NaN or infinite: the model can't be certified", bad, block, phase)
	}
	for c, v := range counts[0] {
		votes[c] += int(v)
	}
	if h.Edges == nil {
		return nil
	}
	addAbove(h, counts[2], used)
	return nil
}

// countGraph counts on the device. From logits z, [block, classes], of which the first used count, a class and
// the edges, [edges]: the votes, [classes], ties to the lowest class; the first draw with a logit that isn't
// finite, or block; and how many have a margin of class at or over each edge, [edges].
func countGraph(z, used, class, edges *Node) []*Node {
	g := z.Graph()
	b, k, e := z.Shape().Dimensions[0], z.Shape().Dimensions[1], edges.Shape().Dimensions[0]
	draw := Iota(g, shapes.Make(dtypes.Int32, b), 0)
	one := ConvertDType(LessThan(draw, used), dtypes.Int32) // [b], of the draws that count
	votes := Mul(OneHot(ArgMax(z, -1), k, dtypes.Int32), ExpandAxes(one, 1))
	bad := Where(LogicalAll(IsFinite(z), 1), MulScalar(OnesLike(draw), int32(b)), draw)
	own := BroadcastToDims(Equal(Iota(g, shapes.Make(dtypes.Int32, 1, k), 1), Reshape(class, 1, 1)), b, k)
	lowest := BroadcastToDims(Infinity(g, dtypes.Float32, -1), b, k)
	// In float64 the difference of two logits doesn't round, and float32 edges are exact.
	wide := func(x *Node) *Node { return ConvertDType(x, dtypes.Float64) }
	margin := Sub(wide(ReduceMax(Where(own, z, lowest), 1)), wide(ReduceMax(Where(own, lowest, z), 1))) // [b]
	above := GreaterOrEqual(BroadcastToDims(ExpandAxes(margin, 0), e, b), BroadcastToDims(ExpandAxes(wide(edges), 1), e, b))
	return []*Node{
		ReduceSum(votes, 0),
		ReduceMin(bad),
		ReduceSum(Mul(ConvertDType(above, dtypes.Int32), ExpandAxes(one, 0)), 1),
	}
}

// check compares the first block of draws with itself, once: a classifier that draws random
// numbers of its own, or changes as it is called, isn't what a certificate speaks of.
func (p *Sampler) check(from source) error {
	if p.checked {
		return nil
	}
	var z [2][]float32
	for i := range z {
		t, err := p.block(from, Selection, 0)
		if err != nil {
			return err
		}
		z[i], err = tensors.CopyFlatData[float32](t)
		t.FinalizeAll()
		if err != nil {
			return err
		}
	}
	if !slices.EqualFunc(z[0], z[1], func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
		return fmt.Errorf("the same draws gave other logits the second time: the classifier isn't deterministic")
	}
	p.checked = true
	return nil
}

// logits runs an Exec of logits, [batch, classes].
func logits(exec *model.Exec, classes, batch int, args ...any) (*tensors.Tensor, error) {
	out, err := exec.Call(args...)
	if err != nil {
		return nil, err
	}
	if s := out[0].Shape(); s.CheckDims(batch, classes) != nil {
		out[0].FinalizeAll()
		return nil, fmt.Errorf("the classifier's logits are %v, not [%d, %d]", s.Dimensions, batch, classes)
	}
	return out[0], nil
}

// clean is the prediction from the logits without noise.
func clean(z []float32) (rs.Clean, error) {
	top := 0
	for c, v := range z {
		if v-v != 0 {
			return rs.Clean{}, fmt.Errorf("a logit without noise is NaN or infinite: the model can't be certified")
		}
		if v > z[top] {
			top = c
		}
	}
	other := math.Inf(-1)
	for c, v := range z {
		if c != top {
			other = max(other, float64(v))
		}
	}
	return rs.Clean{Class: top, Margin: float64(z[top]) - other}, nil
}

// Draws returns the noisy images of a block, [block, h, w, c], as Evidence shows them to the classifier.
func (p *Sampler) Draws(x []float32, sigma float64, seed uint64, index int, phase Phase, block int) ([]float32, error) {
	from, err := p.source(x, sigma, seed, index)
	if err != nil {
		return nil, fmt.Errorf("sample: example %d: %w", index, err)
	}
	defer from.image.FinalizeAll()
	if p.settings.Grid != nil {
		images := p.gridBlock(from, phase, block)
		defer images.FinalizeAll()
		return tensors.CopyFlatData[float32](images)
	}
	out, err := p.draw.Call(from.image, scale(sigma), state(seed, index, phase, block))
	if err != nil {
		return nil, fmt.Errorf("sample: example %d: %w", index, err)
	}
	defer out[0].FinalizeAll()
	return tensors.CopyFlatData[float32](out[0])
}

// Close frees the compiled graphs.
func (p *Sampler) Close() {
	p.edges.FinalizeAll()
	p.scoreEdges.FinalizeAll()
	for _, exec := range p.scores {
		exec.Finalize()
	}
	if p.given != nil {
		p.given.Finalize()
	}
	p.noisy.Finalize()
	p.count.Finalize()
	p.clean.Finalize()
	p.draw.Finalize()
}
