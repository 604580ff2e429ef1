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
	Block int           // draws a block
	Edges []float64     // of the margin histograms, in logits, rising, each a float32; nil logs none
	Maps  []rs.ScoreMap // whose scores of all classes are logged
	Grid  *Grid         // draws the noise, for the σ that it was made for; nil is Gaussian noise, made on the device

	// Random samples a classifier that answers by chance, each time independently: what votes certify is what it answers most often. Its
	// draws can't be made again.
	Random bool

	// Batch blocks are drawn at once; 0 finds the best number while it draws. It changes the rate and nothing else.
	Batch int
}

// Sampler draws evidence. It is not for concurrent use.
type Sampler struct {
	shape
	settings Settings
	runner   runner
	tuner    tuner
	checked  map[int]bool // by blocks at once: the classifier answers equally on equal inputs
}

// New returns a Sampler on a GoMLX backend; it compiles nothing yet, the first evidence does.
func New(backend compute.Backend, c Network, s Settings) (*Sampler, error) {
	size, classes := c.Shape()
	return newSampler(shape{size, classes}, s, func() (runner, error) {
		return newOnDevice(backend, c, s)
	})
}

func newSampler(of shape, s Settings, run func() (runner, error)) (*Sampler, error) {
	if s.Block < 1 || of.classes < 2 || min(of.size[0], of.size[1], of.size[2]) < 1 {
		return nil, fmt.Errorf("sample: blocks of %d draws of %v, %d classes; need at least 1, 1×1×1 and 2", s.Block, of.size, of.classes)
	}
	if s.Batch < 0 {
		return nil, fmt.Errorf("sample: %d blocks at once; need at least 1, or 0 to find the best number", s.Batch)
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
	return &Sampler{shape: of, settings: s, runner: r, tuner: newTuner(s.Batch, 4*s.Block*of.values()), checked: map[int]bool{}}, nil
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
	e := &rs.Evidence{Index: index, Label: label, Sigma: r.sigma, Stops: r.stops, Selection: make(rs.Votes, p.classes), Estimation: make(rs.Votes, p.classes)}
	fail := func(err error) (*example, error) { return nil, fmt.Errorf("sample: example %d: %w", index, err) }
	if r.n0 < 1 || r.n < 1 {
		return fail(fmt.Errorf("%d selection and %d estimation draws; need at least 1 of each", r.n0, r.n))
	}
	from, err := p.source(x, r.sigma, index)
	if err != nil {
		return fail(err)
	}
	z, err := p.runner.clean(from.image)
	if err != nil {
		return fail(err)
	}
	if e.Clean, err = rs.CleanOf(z); err != nil {
		return fail(fmt.Errorf("a logit without noise is NaN or infinite: the model can't be certified"))
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

// source checks x, [h, w, c], and copies it.
func (p *Sampler) source(x []float32, sigma float64, index int) (s source, err error) {
	size := p.size
	if len(x) != p.values() {
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
	draws, err := p.drawn(from, sigma, key(seed, index, phase, block))
	if err != nil {
		return fail(err)
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

// Close frees what is on the device.
func (p *Sampler) Close() { p.runner.close() }
