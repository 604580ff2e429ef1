package onnx

import (
	"cmp"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/lipsmooth/lipsmooth/internal/oneline"
)

// batches say how many images a run of a file takes.
type batches struct {
	Batch int    // images a run
	free  bool   // the file leaves them open
	each  int    // images that a run is given; the rest of its batch is zeros
	note  string // on runs of one image; empty where there is none
}

// findBatch finds the images a run from the declared number, -1 where it is free, and their size.
// Random models are run image by image, so that images share no draw. Files that quantise
// dynamically have to be. A dropout in training mode needs Options.Random.
func (s *source) findBatch(declared int64, size [2]int, o Options) error {
	alone := o.OneByOne || o.Random
	if s.free = declared < 0; s.free {
		declared = int64(cmp.Or(o.Batch, defaultBatch(size)))
		if alone {
			declared = 1
		}
	}
	if declared < 1 || declared > 1<<16 {
		return fmt.Errorf("runs of %d images", declared)
	}
	s.Batch, s.each = int(declared), int(declared)
	if alone {
		s.each = 1
	}
	if op := s.file.dynamic(); op != "" && s.Batch > 1 && !alone {
		return fmt.Errorf("its operator %s quantises a whole batch on one scale, so that an answer "+
			"would depend on the other images: --one-by-one runs every image by itself", op)
	}
	if op := s.file.chance(); op == "Dropout" && !o.Random {
		return fmt.Errorf("a dropout in training mode answers by chance: export the model for " +
			"evaluation; with --random votes certify its most frequent answer")
	}
	return nil
}

// defaultBatch divides 100, the usual block of draws, so that no run is filled up: 20 images of
// 32×32, fewer of larger ones. BenchmarkBatch is flat from 4 on.
func defaultBatch(size [2]int) int {
	for _, n := range []int{25, 20, 10, 5, 4, 2} {
		if n*size[0]*size[1] <= 20*32*32 {
			return n
		}
	}
	return 1
}

// tryBatches tries a run. Where one of a free number of images fails, it tries single images: many
// files have a batch of 1 in a Reshape.
func (s *source) tryBatches(o Options, understand func(Options) error, try func() error) error {
	err := try()
	if batch := s.Batch; err != nil && s.free && batch > 1 {
		o.OneByOne = true
		if understand(o) == nil && try() == nil {
			s.note = fmt.Sprintf("runs one image at a time, since a batch of %d fails: %v", batch,
				oneline.Error(err))
			return nil
		}
	}
	return err
}

// sideBySide runs parts of n of at most size each, one a core.
func sideBySide(n, size int, run func(first, count int) error) error {
	parts := (n + size - 1) / size
	errs := make([]error, min(parts, runtime.GOMAXPROCS(0)))
	var all sync.WaitGroup
	var next atomic.Int64
	for w := range errs {
		all.Go(func() {
			for errs[w] == nil {
				first := (int(next.Add(1)) - 1) * size
				if first >= n {
					return
				}
				errs[w] = run(first, min(size, n-first))
			}
		})
	}
	all.Wait()
	return cmp.Or(errs...)
}

// inParts runs parts of n of at most size each, one after the other.
func inParts(n, size int, run func(at, count int) error) error {
	for at := 0; at < n; at += size {
		if err := run(at, min(size, n-at)); err != nil {
			return err
		}
	}
	return nil
}
