package sample

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// shape is of what a classifier takes and gives.
type shape struct {
	size    [3]int // h, w, c
	classes int
}

func (s shape) values() int { return s.size[0] * s.size[1] * s.size[2] }

// A runner draws batches, predicts and counts, on a device or on the host. Several goroutines call it.
type runner interface {
	run(b *batch) error                                             // fills in what the batch's units count
	numbers(b *batch) ([]float32, error)                            // the units' logits, [units·block, classes], or more
	clean(image []float32) ([]float32, error)                       // [classes]
	draws(s source, sigma float64, key [32]byte) ([]float32, error) // a block of noisy images, [block, h, w, c]
	close()
}

// A batch is units that are drawn at once: size places, of which the first are the units' and the others repeat the last.
type batch struct {
	*request
	units   []unit
	size    int
	block   int // draws of a unit
	seconds float64
	err     error
	ended   chan struct{} // closed when the rest is filled in

	logits []float32 // of all places, where one of them is of the selection
	votes  []int32   // [size, classes]
	bad    []int32   // [size]: the first draw with a logit that isn't finite, or block
	above  []int32   // [size, edges]: how many margins are at or over each
	scores [][]int32 // by map: [size, classes, edges]
}

// at is the unit of a place.
func (b *batch) at(place int) unit { return b.units[min(place, len(b.units)-1)] }

// used is how many draws of a unit count.
func (b *batch) used(u unit) int {
	n := b.N
	if u.phase == Selection {
		n = b.N0
	}
	return min(b.block, n-u.block*b.block)
}

// any reports whether a unit is of the phase.
func (b *batch) any(phase Phase) bool {
	return slices.ContainsFunc(b.units, func(u unit) bool { return u.phase == phase })
}

// ErrRandom is of a classifier that answers equal images by chance.
var ErrRandom = errors.New("the same draws gave other logits the second time: the classifier isn't deterministic")

// check compares blocks of an example's selection drawn together with the same blocks drawn one by
// one, and with single images. It draws a batch of size together, but at least two blocks. A
// certificate holds for a classifier whose answer for an image doesn't depend on the batch. Where
// only the last bits of a sum depend on that, equal is false: one by one the draws don't depend on
// the rate.
func (p *Sampler) check(r *request, e *example, size int) (equal bool, err error) {
	if p.checked[size] || p.settings.Random {
		return true, nil
	}
	units := make([]unit, max(2, size))
	for i := range units {
		units[i] = unit{e, Selection, i}
	}
	numbers := func(units []unit) ([]float32, error) {
		return p.runner.numbers(&batch{request: r, units: units, size: len(units), block: p.settings.Block})
	}
	together, err := numbers(units)
	if err != nil {
		return false, err
	}
	equal = true
	each := p.settings.Block * p.classes
	near := func(alone, beside float32) error {
		if sameBits(alone, beside) || math.Abs(float64(alone)-float64(beside)) <= 1e-3*(1+math.Abs(float64(alone))) {
			return nil
		}
		return fmt.Errorf("the same draw gave the logit %v beside others and %v without them: the classifier's answers depend on the other images of a batch", beside, alone)
	}
	for i := range units {
		alone, err := numbers(units[i : i+1])
		if err != nil {
			return false, err
		}
		if i == 0 {
			again, err := numbers(units[:1])
			if err != nil {
				return false, err
			}
			if !slices.EqualFunc(alone, again, sameBits) {
				return false, ErrRandom
			}
		}
		for j, x := range alone {
			y := together[i*each+j]
			if sameBits(x, y) {
				continue
			}
			equal = false
			if err := near(x, y); err != nil {
				return false, err
			}
		}
	}
	// A classifier may itself divide batches. Single images reveal that.
	images, err := p.drawn(e.source, r.Sigma, key(r.Seed, e.index, Selection, 0))
	if err != nil {
		return false, err
	}
	for _, i := range []int{0, p.settings.Block / 2, p.settings.Block - 1} {
		alone, err := p.runner.clean(images[i*p.values() : (i+1)*p.values()])
		if err != nil {
			return false, err
		}
		for c, x := range alone {
			if err := near(x, together[i*p.classes+c]); err != nil {
				return false, err
			}
		}
	}
	p.checked[size], p.checked[1] = equal || size == 1, true
	return p.checked[size], nil
}

func sameBits(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }
