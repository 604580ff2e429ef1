package sample

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/lipsmooth/lipsmooth/rs"
)

// A unit is a block of draws of an example.
type unit struct {
	*example
	phase Phase
	block int
}

// schedule says in what order blocks are drawn. The order changes no draw, so the schedule takes
// the fastest order and fills every place of a batch. It draws the selection of some examples
// ahead, so that their classes are known in time, and then the estimation of the first examples.
type schedule struct {
	request
	size     int                      // draws a block
	open     func() (*example, error) // nil at the end
	examples []*example               // begun, in order; the first isn't over
	end      bool
	err      error // of opening one, after which no more are opened
}

func (s *schedule) blocks(draws int) int { return (draws + s.size - 1) / s.size }

// limit is the number of blocks of a phase that may be issued. Estimation blocks wait for the
// class, and end at the next stop.
func (s *schedule) limit(e *example, phase Phase) int {
	selection := s.blocks(s.N0)
	switch {
	case e.over:
		return 0
	case phase == Selection:
		return selection
	case e.counted[Selection] < selection:
		return 0
	}
	for _, n := range s.stops {
		if b := s.blocks(n); b > e.counted[Estimation] {
			return b
		}
	}
	return s.blocks(s.N)
}

// begin opens as many examples as let batches of most units be filled.
func (s *schedule) begin(most int) {
	for len(s.examples) < 2*most+2 && s.err == nil && !s.end {
		e, err := s.open()
		if s.err, s.end = err, e == nil; err == nil && e != nil {
			s.examples = append(s.examples, e)
		}
	}
}

// next issues up to most units of the examples begun; unless few, none where there are not as many.
func (s *schedule) next(most int, few bool) (units []unit) {
	for _, phase := range []Phase{Selection, Estimation} {
		for _, e := range s.examples {
			for block := e.issued[phase]; block < s.limit(e, phase) && len(units) < most; block++ {
				units = append(units, unit{e, phase, block})
			}
		}
	}
	if len(units) < most && !few {
		return nil
	}
	for _, u := range units {
		u.issued[u.phase]++
	}
	return units
}

// depth is how many batches are on their way to the device or back, so that it needn't wait for the
// host.
const depth = 2

// sample draws the request for each example from open, until open returns nil. It calls done with
// the evidence of each, in that order. An error of an example comes after the evidence of the
// examples before it.
func (p *Sampler) sample(ctx context.Context, r request, open func() (*example, error),
	done func(*rs.Evidence) error) error {
	s := schedule{request: r, size: p.settings.Block, open: open}
	// Threads of their own: a C allocator keeps some memory for each thread that ever came by.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	work := make(chan *batch)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer close(work)
	for range depth {
		workers.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for b := range work {
				begun := time.Now()
				b.err = p.runner.run(b)
				b.seconds = time.Since(begun).Seconds()
				close(b.ended)
			}
		})
	}
	var flying []*batch
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		for len(flying) < depth && (len(flying) == 0 || p.tuner.done) {
			s.begin(p.tuner.at)
			equal, err := true, error(nil)
			if len(s.examples) > 0 {
				equal, err = p.check(&s.request, s.examples[0], p.tuner.at)
			}
			if err == nil && !equal {
				p.tuner = newTuner(1, 1)
			}
			units := s.next(p.tuner.at, len(flying) == 0)
			if units == nil {
				break
			}
			b := &batch{units: units, size: p.tuner.at, block: p.settings.Block, request: &s.request,
				ended: make(chan struct{})}
			flying = append(flying, b)
			if b.err = err; err != nil {
				close(b.ended)
				continue
			}
			work <- b
		}
		if len(flying) > 0 {
			b := flying[0]
			<-b.ended
			flying = flying[1:]
			s.left -= len(b.units)
			if b.err == nil && len(b.units) == b.size {
				p.tuner.took(b.seconds, s.left)
			}
			for i, u := range b.units {
				s.apply(p, b, i, u)
			}
			if p.watch != nil {
				if err := cmp.Or(b.err, p.watch(b)); err != nil {
					return err
				}
			}
		}
		for ; len(s.examples) > 0 && s.examples[0].over; s.examples = s.examples[1:] {
			e := s.examples[0]
			if err := cmp.Or(ctx.Err(), e.err); err != nil {
				return err
			}
			if err := done(e.evidence); err != nil {
				return err
			}
		}
		if len(s.examples) == 0 && (s.end || s.err != nil) {
			return s.err
		}
	}
}

// apply counts the i-th unit of a batch.
func (s *schedule) apply(p *Sampler, b *batch, i int, u unit) {
	u.counted[u.phase]++
	if u.over {
		return
	}
	err := b.err
	if err == nil {
		err = p.tally(b, i, u)
	}
	if err != nil {
		u.fail(err)
		return
	}
	drawn := u.counted[u.phase] * s.size
	switch {
	case u.phase == Selection:
		if drawn >= s.N0 {
			u.selected(p.settings)
		}
	case drawn >= s.N:
		u.over = true
	case slices.Contains(s.stops, drawn):
		over, err := s.settled(u.evidence)
		if u.over = over; err != nil {
			u.fail(err)
		}
	}
}
