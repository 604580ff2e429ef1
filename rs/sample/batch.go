package sample

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// A batch is units on their way through the device: size places, of which the first are the units' and the others repeat the last.
type batch struct {
	*request
	units   []unit
	size    int
	seconds float64
	err     error

	logits []float32 // of all places, where one of them is of the selection
	votes  []int32   // [size, classes]
	bad    []int32   // [size]: the first draw with a logit that isn't finite, or block
	above  []int32   // [size, edges]
	scores [][]int32 // by map: [size, classes, edges]
}

// at is the unit of a place.
func (b *batch) at(place int) unit { return b.units[min(place, len(b.units)-1)] }

// used is how many draws of a unit count.
func (b *batch) used(u unit, size int) int {
	n := b.n
	if u.phase == Selection {
		n = b.n0
	}
	return min(size, n-u.block*size)
}

// run draws a batch and has it counted.
func (p *Sampler) run(b *batch) (err error) {
	begun := time.Now()
	defer func() { b.seconds = time.Since(begun).Seconds() }()
	z, err := p.predict(b)
	if err != nil {
		return err
	}
	defer z.FinalizeAll()
	used, class := make([]int32, b.size), make([]int32, b.size)
	for i, u := range b.units {
		used[i], class[i] = int32(b.used(u, p.settings.Block)), int32(u.evidence.Class)
	}
	out, err := p.count.Call(z, used, class, p.edges)
	if err != nil {
		return err
	}
	for i, to := range []*[]int32{&b.votes, &b.bad, &b.above} {
		if err := take(to, out[i]); err != nil {
			return err
		}
	}
	estimates := slices.ContainsFunc(b.units, func(u unit) bool { return u.phase == Estimation })
	for i, m := range p.settings.Maps {
		if !estimates {
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
	if slices.ContainsFunc(b.units, func(u unit) bool { return u.phase == Selection }) {
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

// predict returns the logits, [size·block, classes], of the units at the places of a batch.
func (p *Sampler) predict(b *batch) (*tensors.Tensor, error) {
	size, values, block := p.classifier.Size, p.classifier.values(), p.settings.Block
	if p.settings.Grid != nil {
		images := make([]float32, b.size*block*values)
		for i := range b.size {
			u := b.at(i)
			p.settings.Grid.noisy(images[i*block*values:(i+1)*block*values], u.points, key(b.seed, u.index, u.phase, u.block))
		}
		t := tensors.FromFlatDataAndDimensions(images, b.size*block, size[0], size[1], size[2])
		defer t.FinalizeAll()
		return p.logits(p.given, b.size*block, t)
	}
	xs, states := make([]float32, 0, b.size*values), make([][]uint64, b.size)
	for i := range b.size {
		u := b.at(i)
		xs = append(xs, u.image...)
		states[i] = state(key(b.seed, u.index, u.phase, u.block))
	}
	t := tensors.FromFlatDataAndDimensions(xs, b.size, size[0], size[1], size[2])
	defer t.FinalizeAll()
	return p.logits(p.noisy, b.size*block, t, scale(b.sigma), states)
}

// logits runs an Exec of logits, [images, classes].
func (p *Sampler) logits(exec *model.Exec, images int, args ...any) (*tensors.Tensor, error) {
	out, err := exec.Call(args...)
	if err != nil {
		return nil, err
	}
	if s := out[0].Shape(); s.CheckDims(images, p.classifier.Classes) != nil {
		out[0].FinalizeAll()
		return nil, fmt.Errorf("the classifier's logits are %v, not [%d, %d]", s.Dimensions, images, p.classifier.Classes)
	}
	return out[0], nil
}

// check compares the first batch of a size with its units drawn one by one: what a certificate speaks of is a classifier that
// answers equally on equal images, whatever lies beside them. Where only the last bits of a sum depend on that, equal
// is false: one by one the draws don't depend on the rate.
func (p *Sampler) check(b *batch) (equal bool, err error) {
	if p.checked[b.size] {
		return true, nil
	}
	together, err := p.numbers(b)
	if err != nil {
		return false, err
	}
	equal = true
	each := p.settings.Block * p.classifier.Classes
	for i := range b.units {
		alone, err := p.numbers(&batch{request: b.request, units: b.units[i : i+1], size: 1})
		if err != nil {
			return false, err
		}
		for j, x := range alone {
			y := together[i*each+j]
			if math.Float32bits(x) == math.Float32bits(y) {
				continue
			}
			equal = false
			if b.size == 1 {
				return false, fmt.Errorf("the same draws gave other logits the second time: the classifier isn't deterministic")
			}
			if !(math.Abs(float64(x)-float64(y)) <= 1e-3*(1+math.Abs(float64(x)))) {
				return false, fmt.Errorf("the same draws gave the logit %v beside others and %v alone: the classifier's answers depend on the other images of a batch, or aren't deterministic", y, x)
			}
		}
	}
	p.checked[b.size] = equal
	return equal, nil
}

// numbers are the logits of a batch on the host.
func (p *Sampler) numbers(b *batch) ([]float32, error) {
	z, err := p.predict(b)
	if err != nil {
		return nil, err
	}
	defer z.FinalizeAll()
	return tensors.CopyFlatData[float32](z)
}
