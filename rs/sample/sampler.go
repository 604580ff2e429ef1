package sample

import (
	"context"
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
// [batch, classes], and the store of its weights. The logits of an image may not depend on the others of a batch.
type Classifier struct {
	Logits  func(scope *model.Scope, images *Node) *Node
	Store   *model.Store
	Size    [3]int // h, w, c
	Classes int
}

func (c *Classifier) values() int { return c.Size[0] * c.Size[1] * c.Size[2] }

// Settings of a Sampler. All but Batch are part of the run they make.
type Settings struct {
	Block int           // draws a block
	Edges []float64     // of the margin histograms, in logits, rising, each a float32; nil logs none
	Maps  []rs.ScoreMap // whose scores of all classes are logged
	Grid  *Grid         // draws the noise, for the σ that it was made for; nil is Gaussian noise, made on the device

	// Batch blocks are drawn at once; 0 finds the best number while it draws. It changes the rate and nothing else.
	Batch int
}

// Sampler draws evidence. Image, σ, seed and example are inputs of its compiled graphs, which are
// one for every block of every example. It is not for concurrent use.
type Sampler struct {
	classifier Classifier
	settings   Settings
	noisy      *model.Exec // logits of blocks of draws
	given      *model.Exec // logits of images
	count      *Exec       // counts of such logits
	scores     []*Exec     // counts of their scores, by each map
	edges      *tensors.Tensor
	scoreEdges *tensors.Tensor
	clean      *model.Exec // logits of the image
	draw       *Exec       // a block of draws
	tuner      tuner
	checked    map[int]bool // by blocks at once: the classifier answers equally on equal inputs
}

// New compiles nothing yet; the first evidence does.
func New(backend compute.Backend, c Classifier, s Settings) (*Sampler, error) {
	if s.Block < 1 || c.Classes < 2 || min(c.Size[0], c.Size[1], c.Size[2]) < 1 {
		return nil, fmt.Errorf("sample: blocks of %d draws of %v, %d classes; need at least 1, 1×1×1 and 2", s.Block, c.Size, c.Classes)
	}
	if s.Batch < 0 {
		return nil, fmt.Errorf("sample: %d blocks at once; need at least 1, or 0 to find the best number", s.Batch)
	}
	for i, e := range s.Edges {
		if float64(float32(e)) != e || i > 0 && e <= s.Edges[i-1] {
			return nil, fmt.Errorf("sample: margin edge %d, %v, isn't a float32 over the one before", i, e)
		}
	}
	p := &Sampler{classifier: c, settings: s, edges: edgesTensor(s.Edges), checked: map[int]bool{}, tuner: newTuner(s.Batch)}
	var err error
	if p.noisy, err = model.NewExec(backend, c.Store, func(scope *model.Scope, xs, sigma, states *Node) *Node {
		return ConvertDType(c.Logits(scope, noisy(xs, sigma, states, s.Block)), dtypes.Float32)
	}); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	if p.clean, err = model.NewExec(backend, c.Store, func(scope *model.Scope, x *Node) *Node {
		return ConvertDType(c.Logits(scope, ExpandAxes(x, 0)), dtypes.Float32)
	}); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	if s.Grid != nil {
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
	if p.draw, err = NewExec(backend, func(xs, sigma, states *Node) *Node { return noisy(xs, sigma, states, s.Block) }); err != nil {
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
func (p *Sampler) Evidence(x []float32, index, label int, sigma float64, n0, n int, seed uint64) (e *rs.Evidence, err error) {
	r := request{sigma: sigma, n0: n0, n: n, seed: seed}
	opened := false
	err = p.sample(context.Background(), r, func() (*example, error) {
		if opened {
			return nil, nil
		}
		opened = true
		return p.open(x, index, label, r)
	}, func(one *rs.Evidence) error {
		e = one
		return nil
	})
	return e, err
}

// request is what to draw of an example.
type request struct {
	sigma float64
	n0, n int
	seed  uint64
	// stops are the numbers of estimation draws at which settled is asked whether to end; nil draws n.
	stops   []int
	settled func(*rs.Evidence) (bool, error)
	// left is an upper bound on the blocks to draw, for the tuner.
	left int
}

// example is what is drawn of one image.
type example struct {
	evidence *rs.Evidence
	source
	issued, counted [2]int    // blocks, by phase
	logits          []float32 // of the selection draw, until the class is known
	over            bool      // nothing more is to be counted: all is, or a rule is settled, or err
	err             error
}

// fail ends an example.
func (e *example) fail(err error) {
	e.over, e.err = true, fmt.Errorf("sample: example %d: %w", e.index, err)
}

// source is where the draws of an example come from.
type source struct {
	image  []float32 // [h, w, c]
	points []int     // of the image on the grid, where there is one
	index  int
}

// open begins an example, whose image x stays the caller's.
func (p *Sampler) open(x []float32, index, label int, r request) (*example, error) {
	e := &rs.Evidence{Index: index, Label: label, Sigma: r.sigma, Stops: r.stops, Selection: make(rs.Votes, p.classifier.Classes), Estimation: make(rs.Votes, p.classifier.Classes)}
	fail := func(err error) (*example, error) { return nil, fmt.Errorf("sample: example %d: %w", index, err) }
	if r.n0 < 1 || r.n < 1 {
		return fail(fmt.Errorf("%d selection and %d estimation draws; need at least 1 of each", r.n0, r.n))
	}
	from, err := p.source(x, r.sigma, index)
	if err != nil {
		return fail(err)
	}
	image := tensors.FromFlatDataAndDimensions(from.image, p.classifier.Size[:]...)
	defer image.FinalizeAll()
	t, err := p.logits(p.clean, 1, image)
	if err != nil {
		return fail(err)
	}
	defer t.FinalizeAll()
	z, err := tensors.CopyFlatData[float32](t)
	if err != nil {
		return fail(err)
	}
	if e.Clean, err = clean(z); err != nil {
		return fail(err)
	}
	if p.settings.Grid != nil {
		e.Rounding = p.settings.Grid.Rounding(p.classifier.values())
	}
	for _, m := range p.settings.Maps {
		s := rs.Scores{Map: m, Classes: make([]rs.Histogram, p.classifier.Classes)}
		edges := rs.ScoreEdges()
		for c := range s.Classes {
			s.Classes[c] = rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
		}
		e.Scores = append(e.Scores, s)
	}
	return &example{evidence: e, source: from}, nil
}

// source checks x, [h, w, c], and copies it.
func (p *Sampler) source(x []float32, sigma float64, index int) (s source, err error) {
	size := p.classifier.Size
	if len(x) != p.classifier.values() {
		return s, fmt.Errorf("the image has %d values; the classifier takes %d×%d×%d", len(x), size[0], size[1], size[2])
	}
	if !(sigma > 0) || math.IsInf(sigma, 1) {
		return s, fmt.Errorf("noise of standard deviation %v", sigma)
	}
	s = source{image: append([]float32(nil), x...), index: index}
	if grid := p.settings.Grid; grid != nil {
		if sigma != grid.sigma {
			return s, fmt.Errorf("noise of standard deviation %v, and the grid's is %v", sigma, grid.sigma)
		}
		s.points, err = grid.points(x)
	}
	return s, err
}

// Draws returns the noisy images of a block, [block, h, w, c], as Evidence shows them to the classifier.
func (p *Sampler) Draws(x []float32, sigma float64, seed uint64, index int, phase Phase, block int) ([]float32, error) {
	fail := func(err error) ([]float32, error) { return nil, fmt.Errorf("sample: example %d: %w", index, err) }
	from, err := p.source(x, sigma, index)
	if err != nil {
		return fail(err)
	}
	if p.settings.Grid != nil {
		images := make([]float32, p.settings.Block*len(x))
		p.settings.Grid.noisy(images, from.points, key(seed, index, phase, block))
		return images, nil
	}
	size := p.classifier.Size
	image := tensors.FromFlatDataAndDimensions(from.image, 1, size[0], size[1], size[2])
	defer image.FinalizeAll()
	out, err := p.draw.Call(image, scale(sigma), [][]uint64{state(key(seed, index, phase, block))})
	if err != nil {
		return fail(err)
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
