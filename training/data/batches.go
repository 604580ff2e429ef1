package data

import (
	"fmt"
	"iter"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"
)

// Batches feeds a Dataset to GoMLX's training loop: it is a train.Dataset. Each step has one input,
// the images [BatchSize, height, width, channels] float32, and one label, [BatchSize, 1] int32.
// GoMLX's losses and metrics expect these shapes.
//
// Each epoch visits the images in an order of its own, and drops the images that don't fill a
// batch. The batch of a step and its augmentation depend on Seed and the step alone. So a run that
// resumes at Start goes on as if it had not stopped.
type Batches struct {
	Dataset   *Dataset
	BatchSize int
	Seed      uint64
	Start     int // the first step, counted from the beginning of the training
	Steps     int // how many; 0 never ends, for train.Loop.RunSteps
	// Flip mirrors an image left to right with probability 1/2.
	Flip bool
	// Crop shifts each image by up to so many pixels in each direction, by chance. The pixels of the
	// edge fill the gap. Zeros there would be a frame that no other image has.
	Crop int
	// Warp turns, stretches and moves most images a little, by chance.
	Warp bool
}

var _ train.Dataset = (*Batches)(nil)

// NewBatches returns endless batches from step start on, without augmentation.
func NewBatches(d *Dataset, batchSize int, seed uint64, start int) (*Batches, error) {
	b := &Batches{Dataset: d, BatchSize: batchSize, Seed: seed, Start: start}
	return b, b.check()
}

func (b *Batches) check() error {
	switch {
	case b.BatchSize < 1 || b.BatchSize > b.Dataset.Len():
		return fmt.Errorf("data: batch size %d for %d images, want 1 to %d", b.BatchSize,
			b.Dataset.Len(), b.Dataset.Len())
	case b.Start < 0 || b.Steps < 0:
		return fmt.Errorf("data: start %d and steps %d, want 0 or more", b.Start, b.Steps)
	case b.Crop < 0 || b.Crop >= b.Dataset.Height || b.Crop >= b.Dataset.Width:
		return fmt.Errorf("data: crop %d for images of %d×%d", b.Crop, b.Dataset.Height,
			b.Dataset.Width)
	}
	return nil
}

// Name implements train.Dataset.
func (b *Batches) Name() string { return b.Dataset.Name + " " + b.Dataset.Split }

// PerEpoch returns the number of steps in an epoch.
func (b *Batches) PerEpoch() int { return b.Dataset.Len() / b.BatchSize }

// Iter implements train.Dataset: batches from step Start on. The next batch is prepared
// while the last one is used.
func (b *Batches) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		if err := b.check(); err != nil {
			yield(train.Batch{}, err)
			return
		}
		prefetch(b.all, yield)
	}
}

func (b *Batches) all(yield func(train.Batch, error) bool) {
	var order []int
	perEpoch, epoch := b.PerEpoch(), -1
	for step := b.Start; b.Steps == 0 || step < b.Start+b.Steps; step++ {
		if e := step / perEpoch; e != epoch {
			epoch, order = e, Order(b.Dataset.Len(), b.Seed, e)
		}
		at := step % perEpoch * b.BatchSize
		batch, err := b.Dataset.batch(order[at:at+b.BatchSize], func(k int, image []float32) {
			b.augment(image, epoch, order[at+k])
		})
		if !yield(batch, err) || err != nil {
			return
		}
	}
}

// Order returns the order in which an epoch visits n images: a permutation of 0, …, n-1 that
// depends on (seed, epoch) alone.
func Order(n int, seed uint64, epoch int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	r := rand.New(rand.NewPCG(seed, uint64(epoch)))
	for i := n - 1; i > 0; i-- {
		j := int(r.Uint64N(uint64(i + 1)))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// batch makes the tensors of these images and labels. The function edit may change an image in
// place.
func (d *Dataset) batch(indices []int, edit func(k int, image []float32)) (train.Batch, error) {
	size, n := d.Size(), len(indices)
	images, labels := make([]float32, n*size), make([]int32, n)
	if err := d.Images(images, indices); err != nil {
		return train.Batch{}, err
	}
	for k, i := range indices {
		labels[k] = d.labels[i]
		if edit != nil {
			edit(k, images[k*size:][:size])
		}
	}
	return train.Batch{
		Inputs: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(images, n, d.Height, d.Width,
			d.Channels)},
		Labels: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(labels, n, 1)},
	}, nil
}

// Sequence is a train.Dataset for evaluation. It gives each image once, in order, in the shapes
// of Batches. The last batch may be smaller.
type Sequence struct {
	Dataset   *Dataset
	BatchSize int
	Indices   []int // the images, in this order; nil is all
	Limit     int   // no more than so many of them; 0 is all
}

var _ train.Dataset = (*Sequence)(nil)

// Name implements train.Dataset.
func (s *Sequence) Name() string { return s.Dataset.Name + " " + s.Dataset.Split }

// Iter implements train.Dataset.
func (s *Sequence) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		if s.BatchSize < 1 {
			yield(train.Batch{}, fmt.Errorf("data: batch size %d, want 1 or more", s.BatchSize))
			return
		}
		indices := s.Indices
		if indices == nil {
			indices = make([]int, s.Dataset.Len())
			for i := range indices {
				indices[i] = i
			}
		}
		if s.Limit > 0 {
			indices = indices[:min(s.Limit, len(indices))]
		}
		prefetch(func(yield func(train.Batch, error) bool) {
			for at := 0; at < len(indices); at += s.BatchSize {
				batch, err := s.Dataset.batch(indices[at:min(at+s.BatchSize, len(indices))], nil)
				if !yield(batch, err) || err != nil {
					return
				}
			}
		}, yield)
	}
}

// prefetch runs seq in a goroutine of its own, one batch ahead of yield.
func prefetch(seq iter.Seq2[train.Batch, error], yield func(train.Batch, error) bool) {
	type item struct {
		batch train.Batch
		err   error
	}
	ahead, done := make(chan item, 1), make(chan struct{})
	defer close(done)
	go func() {
		defer close(ahead)
		for batch, err := range seq {
			select {
			case ahead <- item{batch, err}:
			case <-done:
				return
			}
		}
	}()
	for i := range ahead {
		if !yield(i.batch, i.err) {
			return
		}
	}
}
