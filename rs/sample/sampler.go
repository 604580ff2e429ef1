package sample

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/rs"
)

// Settings of a Sampler. All but Batch are part of the run they make.
type Settings struct {
	Block int // draws a block
	// Edges of the margin histograms, in logits, rise, and each is a float32. Nil logs no margins.
	Edges []float64
	Maps  []rs.ScoreMap // whose scores of all classes are logged
	// draws the noise, for its σ; nil is Gaussian noise from the device
	Grid *Grid

	// Pairs weigh the margin over each other class, [classes][classes]. Nil is 1 everywhere. See
	// [Pairs].
	Pairs [][]float64

	// Distance proves distances to other classes, as [Distancer] says. Nil logs none.
	Distance func(image []float32, class int) float64

	// Random samples a classifier whose answers are random and independent. Votes certify its most
	// frequent answer. Its draws can't be made again.
	Random bool

	// Batch blocks are drawn at once. 0 finds the best number while drawing. It changes the rate
	// and nothing else.
	Batch int
}

// clean is the prediction of an image's logits without noise.
func (s Settings) clean(image, z []float32) (rs.Clean, error) {
	c, err := rs.CleanOf(z)
	if err != nil {
		return c, err
	}
	c.Margin = s.margin(z, c.Class)
	if s.Distance != nil {
		c.Distance = s.Distance(image, c.Class)
	}
	return c, nil
}

// margin is that of a class over the others.
func (s Settings) margin(z []float32, class int) float64 {
	if s.Pairs == nil {
		return rs.MarginOf(z, class)
	}
	return rs.PairMarginOf(z, class, s.Pairs[class])
}

// Sampler draws evidence. It is not for concurrent use.
type Sampler struct {
	shape
	settings Settings
	runner   runner
	tuner    tuner
	watch    func(*batch) error // after each batch, where it isn't nil; its error ends the draws
	checked  map[int]bool       // by blocks at once: the classifier answers equally on equal inputs
}

// New returns a Sampler on a GoMLX backend. The first evidence compiles its graphs.
func New(backend compute.Backend, c Network, s Settings) (*Sampler, error) {
	size, classes := c.Shape()
	return newSampler(shape{size, classes}, s, func() (runner, error) {
		return newOnDevice(backend, c, s)
	})
}

func newSampler(of shape, s Settings, run func() (runner, error)) (*Sampler, error) {
	if s.Block < 1 || of.classes < 2 || min(of.size[0], of.size[1], of.size[2]) < 1 {
		return nil, fmt.Errorf("sample: blocks of %d draws of %v, %d classes; need at least 1, 1×1×1 "+
			"and 2", s.Block, of.size, of.classes)
	}
	if s.Batch < 0 {
		return nil, fmt.Errorf("sample: %d blocks at once; need at least 1, or 0 to find the best number",
			s.Batch)
	}
	for i, e := range s.Edges {
		if float64(float32(e)) != e || i > 0 && e <= s.Edges[i-1] {
			return nil, fmt.Errorf("sample: margin edge %d, %v, isn't a float32 over the one before", i, e)
		}
	}
	r, err := run()
	if err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	return &Sampler{shape: of, settings: s, runner: r, tuner: newTuner(s.Batch, 4*s.Block*of.values()),
		checked: map[int]bool{}}, nil
}

// Example is an image of a dataset.
type Example struct {
	Image []float32 // [h, w, c], in [0, 1]
	Index int       // in the dataset; draws depend on it
	Label int       // true class
}

// Request is what to draw of an example.
type Request struct {
	Sigma float64 // standard deviation of the noise
	N0, N int     // draws that select the class, and that estimate
	Seed  uint64
}

// Evidence draws N0 + N noisy predictions of an example.
func (p *Sampler) Evidence(x Example, r Request) (e *rs.Evidence, err error) {
	opened := false
	err = p.sample(context.Background(), request{Request: r}, func() (*example, error) {
		if opened {
			return nil, nil
		}
		opened = true
		return p.open(x, request{Request: r})
	}, func(one *rs.Evidence) error {
		e = one
		return nil
	})
	return e, err
}

// request is a Request and when its draws may end.
type request struct {
	Request
	// stops are the numbers of estimation draws after which settled may end the draw. Nil draws n.
	stops   []int
	settled func(*rs.Evidence) (bool, error)
	// left is an upper bound on the blocks to draw, for the tuner.
	left int
}

// example has the draws of one image.
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

// open begins an example, whose image stays the caller's.
func (p *Sampler) open(x Example, r request) (*example, error) {
	fail := func(err error) (*example, error) {
		return nil, fmt.Errorf("sample: example %d: %w", x.Index, err)
	}
	e := &rs.Evidence{
		Index: x.Index, Label: x.Label, Sigma: r.Sigma, Stops: r.stops,
		Selection: make(rs.Votes, p.classes), Estimation: make(rs.Votes, p.classes),
	}
	if r.N0 < 1 || r.N < 1 {
		return fail(fmt.Errorf("%d selection and %d estimation draws; need at least 1 of each",
			r.N0, r.N))
	}
	from, err := p.source(x, r.Sigma)
	if err != nil {
		return fail(err)
	}
	z, err := p.runner.clean(from.image)
	if err != nil {
		return fail(err)
	}
	if e.Clean, err = p.settings.clean(from.image, z); err != nil {
		return fail(fmt.Errorf("a logit without noise is NaN or infinite: " +
			"the model can't be certified"))
	}
	if p.settings.Grid != nil {
		e.Rounding = p.settings.Grid.Rounding(p.values())
	}
	for _, m := range p.settings.Maps {
		s := rs.Scores{Map: m, Classes: make([]rs.Histogram, p.classes)}
		edges := rs.ScoreEdges()
		for c := range s.Classes {
			s.Classes[c] = rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
		}
		e.Scores = append(e.Scores, s)
	}
	return &example{evidence: e, source: from}, nil
}

// source checks an example's image and copies it.
func (p *Sampler) source(x Example, sigma float64) (s source, err error) {
	size := p.size
	if len(x.Image) != p.values() {
		return s, fmt.Errorf("the image has %d values; the classifier takes %d×%d×%d",
			len(x.Image), size[0], size[1], size[2])
	}
	if !(sigma > 0) || math.IsInf(sigma, 1) {
		return s, fmt.Errorf("noise of standard deviation %v", sigma)
	}
	s = source{image: append([]float32(nil), x.Image...), index: x.Index}
	if grid := p.settings.Grid; grid != nil {
		if sigma != grid.sigma {
			return s, fmt.Errorf("noise of standard deviation %v, and the grid's is %v",
				sigma, grid.sigma)
		}
		s.points, err = grid.points(s.image)
	}
	return s, err
}

// Draws returns the noisy images of a block, [block, h, w, c], as Evidence shows them to the
// classifier.
func (p *Sampler) Draws(x Example, r Request, phase Phase, block int) ([]float32, error) {
	from, err := p.source(x, r.Sigma)
	var draws []float32
	if err == nil {
		draws, err = p.drawn(from, r.Sigma, key(r.Seed, x.Index, phase, block))
	}
	if err != nil {
		return nil, fmt.Errorf("sample: example %d: %w", x.Index, err)
	}
	return draws, nil
}

// drawn returns a block of noisy images.
func (p *Sampler) drawn(from source, sigma float64, key [32]byte) ([]float32, error) {
	if p.settings.Grid == nil {
		return p.runner.draws(from, sigma, key)
	}
	images := make([]float32, p.settings.Block*p.values())
	p.settings.Grid.noisy(images, from.points, key)
	return images, nil
}

// Close frees the memory of the device.
func (p *Sampler) Close() { p.runner.close() }
