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

// A runner draws batches, predicts and counts, on a device or on the host. Several goroutines call
// it.
type runner interface {
	run(b *batch) error                       // fills in the counts of the batch's units
	numbers(b *batch) ([]float32, error)      // the units' logits, [units·block, classes], or more
	clean(image []float32) ([]float32, error) // [classes]
	// draws are a block of noisy images, [block, h, w, c].
	draws(s source, sigma float64, key [32]byte) ([]float32, error)
	close()
}

// A batch is units that are drawn at once, in size places. The first places are the units', and the
// others repeat the last unit.
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

// Errors of classifiers that can't be certified as they are.
var (
	// ErrRandom is of a classifier that answers equal batches differently.
	ErrRandom = errors.New("the same draws gave other logits the second time: " +
		"the classifier isn't deterministic")
	// ErrBatch is of a classifier that answers an image differently beside other images.
	ErrBatch = errors.New("the classifier's answers depend on the other images of a batch")
)

// check refuses a classifier whose answer for an image is random or depends on the other images of
// a batch. It draws blocks of an example's selection together, as many as a batch of that size has
// but at least two. It compares their logits with those of the same blocks one by one, and of
// single images. equal is false where only the last bits of a sum differ: then blocks are drawn one
// by one, and the draws don't depend on the rate.
func (p *Sampler) check(r *request, e *example, size int) (equal bool, err error) {
	if p.checked[size] || p.settings.Random {
		return true, nil
	}
	units := make([]unit, max(2, size))
	for i := range units {
		units[i] = unit{e, Selection, i}
	}
	numbers := func(units []unit) ([]float32, error) {
		b := &batch{request: r, units: units, size: len(units), block: p.settings.Block}
		return p.runner.numbers(b)
	}
	together, err := numbers(units)
	if err != nil {
		return false, err
	}
	equal = true
	each := p.settings.Block * p.classes
	near := func(alone, beside float32) error {
		off := math.Abs(float64(alone) - float64(beside))
		if sameBits(alone, beside) || off <= 1e-3*(1+math.Abs(float64(alone))) {
			return nil
		}
		return fmt.Errorf("the same draw gave the logit %v beside others and %v without them: %w",
			beside, alone, ErrBatch)
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
				return false, p.random(r, e, func() ([]float32, error) { return numbers(units[:1]) })
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

// random is the error of a classifier that answered a block differently the second time. numbers
// gives the block's logits. Where single images get answers that are much further off, it is
// ErrBatch.
func (p *Sampler) random(r *request, e *example, numbers func() ([]float32, error)) error {
	images, err := p.drawn(e.source, r.Sigma, key(r.Seed, e.index, Selection, 0))
	if err != nil {
		return err
	}
	const some = 10
	var beside, alone [2][]float32 // logits of some images, twice
	for again := range 2 {
		block, err := numbers()
		if err != nil {
			return err
		}
		for k := range some {
			i := k * (p.settings.Block - 1) / (some - 1)
			z, err := p.runner.clean(images[i*p.values() : (i+1)*p.values()])
			if err != nil {
				return err
			}
			alone[again] = append(alone[again], z...)
			beside[again] = append(beside[again], block[i*p.classes:(i+1)*p.classes]...)
		}
	}
	chance := apart(beside[0], beside[1]) + apart(alone[0], alone[1])
	// For answers that are only random, both have one expectation.
	if apart(beside[0], alone[0])+apart(beside[1], alone[1]) > 16*chance {
		return fmt.Errorf("the same draws gave logits that change by chance, and far more without the "+
			"images beside them: %w", ErrBatch)
	}
	return ErrRandom
}

// apart is the squared l2 distance.
func apart(x, y []float32) (sum float64) {
	for i := range x {
		sum += math.Pow(float64(x[i])-float64(y[i]), 2)
	}
	return sum
}

func sameBits(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }
