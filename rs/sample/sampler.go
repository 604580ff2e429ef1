package sample

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

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

func (c *Classifier) values() int { return c.Size[0] * c.Size[1] * c.Size[2] }

// Settings of a Sampler, part of the run they make.
type Settings struct {
	Block int       // draws a block
	Edges []float64 // of the margin histograms, in logits, rising, each a float32; nil logs none
}

// Sampler draws evidence. Image, σ, seed and example are inputs of its compiled graphs, which are
// one for every block of every example. It is not for concurrent use.
type Sampler struct {
	classifier Classifier
	settings   Settings
	noisy      *model.Exec // logits of a block of draws
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
	p := &Sampler{classifier: c, settings: s}
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
	if p.draw, err = NewExec(backend, func(x, sigma, rng *Node) *Node { return noisy(x, sigma, rng, s.Block) }); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	return p, nil
}

// Evidence draws n0 + n noisy predictions of example index, whose image x is [h, w, c].
func (p *Sampler) Evidence(x []float32, index, label int, sigma float64, n0, n int, seed uint64) (*rs.Evidence, error) {
	return p.evidence(context.Background(), x, index, label, sigma, n0, n, seed)
}

func (p *Sampler) evidence(ctx context.Context, x []float32, index, label int, sigma float64, n0, n int, seed uint64) (e *rs.Evidence, err error) {
	defer func() {
		if err != nil {
			e, err = nil, fmt.Errorf("sample: example %d: %w", index, err)
		}
	}()
	if n0 < 1 || n < 1 {
		return nil, fmt.Errorf("%d selection and %d estimation draws; need at least 1 of each", n0, n)
	}
	image, err := p.image(x, sigma)
	if err != nil {
		return nil, err
	}
	defer image.FinalizeAll()
	if err := p.check(image, sigma, seed, index); err != nil {
		return nil, err
	}
	z, err := logits(p.clean, p.classifier.Classes, 1, image)
	if err != nil {
		return nil, err
	}
	if !finite(z) {
		return nil, fmt.Errorf("a logit without noise is NaN or infinite: the model can't be certified")
	}
	e = &rs.Evidence{Index: index, Label: label, Sigma: sigma}
	e.Clean.Class = top(z)
	e.Clean.Margin = margin(z, e.Clean.Class)

	// The class is known once the selection draw is over.
	var selection [][]float32
	e.Selection = make(rs.Votes, p.classifier.Classes)
	if err := p.each(ctx, image, sigma, seed, index, Selection, n0, func(z []float32) {
		e.Selection[top(z)]++
		if p.settings.Edges != nil {
			selection = append(selection, z)
		}
	}); err != nil {
		return nil, err
	}
	e.Class = e.Selection.Top()
	if edges := p.settings.Edges; edges != nil {
		e.SelectionMargins = rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
		e.Margins = rs.Histogram{Edges: edges, Counts: make([]int, len(edges)+1)}
	}
	for _, z := range selection {
		count(e.SelectionMargins, margin(z, e.Class))
	}
	e.Estimation = make(rs.Votes, p.classifier.Classes)
	err = p.each(ctx, image, sigma, seed, index, Estimation, n, func(z []float32) {
		e.Estimation[top(z)]++
		if p.settings.Edges != nil {
			count(e.Margins, margin(z, e.Class))
		}
	})
	return e, err
}

// image puts x, [h, w, c], on the device.
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

// each calls f with the logits of every one of n draws of a phase.
func (p *Sampler) each(ctx context.Context, image *tensors.Tensor, sigma float64, seed uint64, index int, phase Phase, n int, f func(z []float32)) error {
	k := p.classifier.Classes
	for block := 0; block*p.settings.Block < n; block++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		z, err := p.block(image, sigma, seed, index, phase, block)
		if err != nil {
			return err
		}
		for i := range min(p.settings.Block, n-block*p.settings.Block) {
			draw := z[i*k : (i+1)*k]
			if !finite(draw) {
				return fmt.Errorf("a logit of draw %d of block %d of the %v draw is NaN or infinite: the model can't be certified", i, block, phase)
			}
			f(draw)
		}
	}
	return nil
}

// block returns the logits of a block of draws, [block, classes].
func (p *Sampler) block(image *tensors.Tensor, sigma float64, seed uint64, index int, phase Phase, block int) ([]float32, error) {
	return logits(p.noisy, p.classifier.Classes, p.settings.Block, image, float32(sigma), state(seed, index, phase, block))
}

// check compares the first block of draws with itself, once: a classifier that draws random
// numbers of its own, or changes as it is called, isn't what a certificate speaks of.
func (p *Sampler) check(image *tensors.Tensor, sigma float64, seed uint64, index int) error {
	if p.checked {
		return nil
	}
	var z [2][]float32
	for i := range z {
		var err error
		if z[i], err = p.block(image, sigma, seed, index, Selection, 0); err != nil {
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
func logits(exec *model.Exec, classes, batch int, args ...any) ([]float32, error) {
	out, err := exec.Call(args...)
	if err != nil {
		return nil, err
	}
	defer out[0].FinalizeAll()
	if s := out[0].Shape(); s.CheckDims(batch, classes) != nil {
		return nil, fmt.Errorf("the classifier's logits are %v, not [%d, %d]", s.Dimensions, batch, classes)
	}
	return tensors.CopyFlatData[float32](out[0])
}

func finite(z []float32) bool {
	for _, v := range z {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// top is the class that a draw votes for, the lowest among equals.
func top(z []float32) int {
	best := 0
	for c, v := range z {
		if v > z[best] {
			best = c
		}
	}
	return best
}

// margin is z_class - max of the other logits.
func margin(z []float32, class int) float64 {
	other := math.Inf(-1)
	for c, v := range z {
		if c != class {
			other = max(other, float64(v))
		}
	}
	return float64(z[class]) - other
}

// count puts a margin into its bin.
func count(h rs.Histogram, margin float64) {
	h.Counts[sort.Search(len(h.Edges), func(i int) bool { return h.Edges[i] > margin })]++
}

// Draws returns the noisy images of a block, [block, h, w, c], as Evidence shows them to the classifier.
func (p *Sampler) Draws(x []float32, sigma float64, seed uint64, index int, phase Phase, block int) ([]float32, error) {
	image, err := p.image(x, sigma)
	if err != nil {
		return nil, fmt.Errorf("sample: example %d: %w", index, err)
	}
	defer image.FinalizeAll()
	out, err := p.draw.Call(image, float32(sigma), state(seed, index, phase, block))
	if err != nil {
		return nil, fmt.Errorf("sample: example %d: %w", index, err)
	}
	defer out[0].FinalizeAll()
	return tensors.CopyFlatData[float32](out[0])
}

// Close frees the compiled graphs.
func (p *Sampler) Close() {
	p.noisy.Finalize()
	p.clean.Finalize()
	p.draw.Finalize()
}
