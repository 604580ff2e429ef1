package sample

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs"
)

// onDevice draws, predicts and counts on a GoMLX backend. Image, σ, seed and example are inputs of
// its compiled graphs.
type onDevice struct {
	shape
	settings   Settings
	noisy      *model.Exec // logits of blocks of draws
	given      *model.Exec // logits of images
	count      *Exec       // counts of such logits
	scores     []*Exec     // counts of their scores, by each map
	edges      *tensors.Tensor
	scoreEdges *tensors.Tensor
	alone      *model.Exec // logits of an image without noise
	draw       *Exec       // a block of draws
}

func newOnDevice(backend compute.Backend, c Network, s Settings) (*onDevice, error) {
	size, classes := c.Shape()
	p := &onDevice{
		shape: shape{size, classes}, settings: s,
		edges: edgesTensor(s.Edges), scoreEdges: edgesTensor(rs.ScoreEdges()),
	}
	store := c.Variables()
	var err error
	if p.noisy, err = model.NewExec(backend, store, func(scope *model.Scope, xs, sigma,
		states *Node) *Node {
		return ConvertDType(c.Logits(scope, noisy(xs, sigma, states, s.Block)), dtypes.Float32)
	}); err != nil {
		return nil, err
	}
	if p.alone, err = model.NewExec(backend, store, func(scope *model.Scope, x *Node) *Node {
		return ConvertDType(c.Logits(scope, ExpandAxes(x, 0)), dtypes.Float32)
	}); err != nil {
		return nil, err
	}
	if p.given, err = model.NewExec(backend, store, func(scope *model.Scope, images *Node) *Node {
		return ConvertDType(c.Logits(scope, images), dtypes.Float32)
	}); err != nil {
		return nil, err
	}
	for _, m := range s.Maps {
		exec, err := NewExec(backend, scoreGraph(m))
		if err != nil {
			return nil, err
		}
		p.scores = append(p.scores, exec)
	}
	if s.Pairs == nil {
		p.count, err = NewExec(backend, func(z, used, class, edges *Node) []*Node {
			return countGraph(z, used, class, edges, nil)
		})
	} else {
		p.count, err = NewExec(backend, countGraph)
	}
	if err != nil {
		return nil, err
	}
	p.draw, err = NewExec(backend, func(xs, sigma, states *Node) *Node {
		return noisy(xs, sigma, states, s.Block)
	})
	return p, err
}

// edgesTensor is [edges] float32, of one edge that nobody reads where there are none.
func edgesTensor(edges []float64) *tensors.Tensor {
	e := make([]float32, max(1, len(edges)))
	for i, v := range edges {
		e[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(e, len(e))
}

func (p *onDevice) run(b *batch) error {
	z, err := p.predict(b)
	if err != nil {
		return err
	}
	defer z.FinalizeAll()
	used, class := make([]int32, b.size), make([]int32, b.size)
	for i, u := range b.units {
		used[i], class[i] = int32(b.used(u)), int32(u.evidence.Class)
	}
	args := []any{z, used, class, p.edges}
	if p.settings.Pairs != nil {
		weights := make([][]float32, b.size)
		for i := range weights {
			for _, w := range p.settings.Pairs[class[i]] {
				weights[i] = append(weights[i], float32(w))
			}
		}
		args = append(args, weights)
	}
	out, err := p.count.Call(args...)
	if err != nil {
		return err
	}
	for i, to := range []*[]int32{&b.votes, &b.bad, &b.above} {
		if err := take(to, out[i]); err != nil {
			return err
		}
	}
	for i, m := range p.settings.Maps {
		if !b.any(Estimation) {
			break
		}
		out, err := p.scores[i].Call(z, used, float32(m.T), p.scoreEdges)
		if err != nil {
			return err
		}
		b.scores = append(b.scores, nil)
		if err := take(&b.scores[i], out[0]); err != nil {
			return err
		}
	}
	if b.any(Selection) {
		b.logits, err = tensors.CopyFlatData[float32](z)
	}
	return err
}

// take copies a tensor to the host and frees it.
func take(to *[]int32, t *tensors.Tensor) (err error) {
	*to, err = tensors.CopyFlatData[int32](t)
	t.FinalizeAll()
	return err
}

func (p *onDevice) numbers(b *batch) ([]float32, error) {
	z, err := p.predict(b)
	if err != nil {
		return nil, err
	}
	defer z.FinalizeAll()
	return tensors.CopyFlatData[float32](z)
}

// predict returns the logits, [size·block, classes], of the units at the places of a batch.
func (p *onDevice) predict(b *batch) (*tensors.Tensor, error) {
	if p.settings.Grid != nil {
		images := make([]float32, b.size*b.block*p.values())
		for i := range b.size {
			u := b.at(i)
			p.settings.Grid.noisy(images[i*b.block*p.values():(i+1)*b.block*p.values()], u.points,
				key(b.Seed, u.index, u.phase, u.block))
		}
		t := p.images(images, b.size*b.block)
		defer t.FinalizeAll()
		return p.logits(p.given, b.size*b.block, t)
	}
	xs, states := make([]float32, 0, b.size*p.values()), make([][]uint64, b.size)
	for i := range b.size {
		u := b.at(i)
		xs = append(xs, u.image...)
		states[i] = state(key(b.Seed, u.index, u.phase, u.block))
	}
	t := p.images(xs, b.size)
	defer t.FinalizeAll()
	return p.logits(p.noisy, b.size*b.block, t, scale(b.Sigma), states)
}

// images is [n, h, w, c].
func (p *onDevice) images(x []float32, n int) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(x, n, p.size[0], p.size[1], p.size[2])
}

// logits runs an Exec of logits, [images, classes].
func (p *onDevice) logits(exec *model.Exec, images int, args ...any) (*tensors.Tensor, error) {
	out, err := exec.Call(args...)
	if err != nil {
		return nil, err
	}
	if s := out[0].Shape(); s.CheckDims(images, p.classes) != nil {
		out[0].FinalizeAll()
		return nil, fmt.Errorf("the classifier's logits are %v, not [%d, %d]", s.Dimensions, images,
			p.classes)
	}
	return out[0], nil
}

func (p *onDevice) clean(x []float32) ([]float32, error) {
	image := tensors.FromFlatDataAndDimensions(x, p.size[:]...)
	defer image.FinalizeAll()
	t, err := p.logits(p.alone, 1, image)
	if err != nil {
		return nil, err
	}
	defer t.FinalizeAll()
	return tensors.CopyFlatData[float32](t)
}

func (p *onDevice) draws(s source, sigma float64, key [32]byte) ([]float32, error) {
	image := p.images(s.image, 1)
	defer image.FinalizeAll()
	out, err := p.draw.Call(image, scale(sigma), [][]uint64{state(key)})
	if err != nil {
		return nil, err
	}
	defer out[0].FinalizeAll()
	return tensors.CopyFlatData[float32](out[0])
}

func (p *onDevice) close() {
	p.edges.FinalizeAll()
	p.scoreEdges.FinalizeAll()
	for _, exec := range slices.Concat(p.scores, []*Exec{p.count, p.draw}) {
		exec.Finalize()
	}
	for _, exec := range []*model.Exec{p.noisy, p.given, p.alone} {
		exec.Finalize()
	}
}
