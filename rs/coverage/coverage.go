// Package coverage simulates how often certificates are wrong, and how large their radii are. It
// draws votes from known multinomials, so that the true radius is known.
//
// A method is sound at α if it is wrong in at most a fraction α of the draws, whatever the
// multinomial. A simulation can refute that. It never proves it.
package coverage

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lipsmooth/lipsmooth/rs"
)

// Options say how a case is simulated.
type Options struct {
	Alpha  float64 // of each certificate, in (0, 1)
	Trials int     // certificates of each method
	Seed   uint64  // equal seeds give equal results, whatever Workers
	// Nil stands for the function Methods: every method that certifies votes alone.
	Methods []rs.Entry
	Workers int // 0 is as many as there are processors
	// Progress may be nil. It is called with the number of trials done, from one goroutine at a
	// time.
	Progress func(done int)
}

// Outcome is what a method did in the trials of a case.
type Outcome struct {
	Case    Case
	Method  string
	Alpha   float64
	Trials  int
	Wrong   int // certificates with a radius larger than the true one
	Abstain int // that name no class
	// Mean is the mean certified radius, where an abstention counts as 0. Error estimates its
	// standard error.
	Mean, Error float64
}

// Miscoverage is the fraction of the trials whose certificate was wrong.
func (o Outcome) Miscoverage() float64 { return float64(o.Wrong) / float64(o.Trials) }

// Interval returns the two-sided Clopper–Pearson interval of the probability that a certificate is
// wrong. level, in (0, 1), is the coverage of the interval.
func (o Outcome) Interval(level float64) (lo, hi float64) {
	s := rs.Bernoulli(o.Wrong, o.Trials)
	return rs.ClopperPearson{}.Lower(s, (1-level)/2), rs.ClopperPearson{}.Upper(s, (1-level)/2)
}

// Methods returns the entries of rs.Methods that certify votes alone, without margins or a
// Lipschitz constant.
func Methods() (entries []rs.Entry) {
	for _, e := range rs.Methods {
		m, err := e.New(setting(nil))
		if err != nil {
			continue
		}
		probe := rs.Evidence{Sigma: 1, Selection: rs.Votes{9, 1}, Estimation: rs.Votes{90, 10},
			Clean: rs.Clean{Class: rs.Abstain}}
		if _, err := m.Certify(&probe, 0.05); err == nil {
			entries = append(entries, e)
		}
	}
	return entries
}

// setting is all that is known in a simulation.
func setting(b rs.Bound) rs.Setting { return rs.Setting{Tau: -1, Bound: b} }

// TrueRadius is the largest radius that a correct certificate of the class may have, from the true
// probabilities. It is σ/2 (Φ⁻¹(pA) - Φ⁻¹(pB)), where pB is the probability of the most probable
// other class. Where the certificate bounds the class alone, as Mono does, it is σ Φ⁻¹(pA), which
// is smaller. A certificate between the two would be true of the classifier, but its bound wouldn't
// be the reason. The radius is 0 where the class isn't the most probable one.
func (c Case) TrueRadius(class int, alone bool) float64 {
	pB := 0.0
	for k, p := range c.P {
		if k != class {
			pB = max(pB, p)
		}
	}
	q := distuv.UnitNormal.Quantile
	switch pA := c.P[class]; {
	case pA <= pB:
		return 0
	case alone:
		return max(0, c.Sigma*q(pA))
	default:
		return c.Sigma / 2 * (q(pA) - q(pB))
	}
}

// alone reports whether a certificate rests on a bound of its class and none of the rivals.
func alone(c rs.Certificate) bool {
	for _, s := range c.Ledger {
		if s.Upper {
			return false
		}
	}
	return true
}

// chunk is how many trials are summed before sums are added up, in the order of the trials.
const chunk = 64

// tally sums up trials.
type tally struct {
	wrong, abstain int
	sum, squares   float64
}

func (t *tally) add(u tally) {
	t.wrong += u.wrong
	t.abstain += u.abstain
	t.sum += u.sum
	t.squares += u.squares
}

// Simulate draws the trials of a case and certifies each by every method, from the same votes. When
// ctx ends, Simulate returns the error of ctx.
func Simulate(ctx context.Context, c Case, o Options) ([]Outcome, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if _, err := newWorker(c, o); err != nil {
		return nil, err
	}
	tallies, err := work(ctx, c, o)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(o.Methods))
	for m, e := range o.Methods {
		var t tally
		for _, part := range tallies {
			t.add(part[m])
		}
		n := float64(o.Trials)
		mean := t.sum / n
		outcomes[m] = Outcome{Case: c, Method: e.Name, Alpha: o.Alpha, Trials: o.Trials,
			Wrong: t.wrong, Abstain: t.abstain, Mean: mean,
			Error: math.Sqrt(max(0, t.squares/n-mean*mean) / max(1, n-1))}
	}
	return outcomes, nil
}

// complete fills in the defaults and checks the options.
func (o Options) complete() (Options, error) {
	if o.Methods == nil {
		o.Methods = Methods()
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	switch {
	case !(0 < o.Alpha && o.Alpha < 1):
		return o, fmt.Errorf("coverage: alpha = %g, want it between 0 and 1", o.Alpha)
	case o.Trials < 1:
		return o, fmt.Errorf("coverage: %d trials", o.Trials)
	case len(o.Methods) == 0:
		return o, errors.New("coverage: no method")
	case o.Workers < 1:
		return o, fmt.Errorf("coverage: %d workers", o.Workers)
	}
	return o, nil
}

// work runs all trials on the workers. It returns the tallies of each chunk, by method.
func work(ctx context.Context, c Case, o Options) ([][]tally, error) {
	tallies := make([][]tally, (o.Trials+chunk-1)/chunk)
	var (
		next   atomic.Int64
		mu     sync.Mutex
		done   int
		failed error
		group  sync.WaitGroup
	)
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if failed == nil {
			failed = err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range min(o.Workers, len(tallies)) {
		group.Go(func() {
			w, err := newWorker(c, o)
			for err == nil {
				i := int(next.Add(1)) - 1
				if i >= len(tallies) {
					return
				}
				if err = ctx.Err(); err != nil {
					break
				}
				first, last := i*chunk, min((i+1)*chunk, o.Trials)
				if tallies[i], err = w.trials(first, last); err == nil && o.Progress != nil {
					mu.Lock()
					done += last - first
					o.Progress(done)
					mu.Unlock()
				}
			}
			fail(err)
			cancel()
		})
	}
	group.Wait()
	return tallies, failed
}

// A worker runs trials, one after the other.
type worker struct {
	c        Case
	alpha    float64
	key      uint64
	methods  []rs.Method
	votes    multinomial
	evidence rs.Evidence
	source   rand.PCG
	random   *rand.Rand
	truth    [2]map[int]float64 // of a class, by whether the certificate bounds it alone
}

func newWorker(c Case, o Options) (*worker, error) {
	h := fnv.New64a()
	fmt.Fprint(h, c.String())
	w := &worker{c: c, alpha: o.Alpha, key: scramble(o.Seed ^ scramble(h.Sum64())),
		votes: newMultinomial(c.P),
		evidence: rs.Evidence{Sigma: c.Sigma, Selection: make(rs.Votes, len(c.P)),
			Estimation: make(rs.Votes, len(c.P)), Clean: rs.Clean{Class: rs.Abstain}},
		truth: [2]map[int]float64{{}, {}}}
	w.random = rand.New(&w.source)
	bound := &memory{known: map[asked]float64{}}
	for _, e := range o.Methods {
		m, err := e.New(setting(bound))
		if err != nil {
			return nil, err
		}
		w.methods = append(w.methods, m)
	}
	return w, nil
}

// trials runs those from first up to last, and sums them up by method.
func (w *worker) trials(first, last int) ([]tally, error) {
	tallies := make([]tally, len(w.methods))
	for trial := first; trial < last; trial++ {
		w.source.Seed(w.key, scramble(w.key^scramble(uint64(trial))))
		e := &w.evidence
		w.votes.draw(w.c.N0, e.Selection, w.random)
		w.votes.draw(w.c.N, e.Estimation, w.random)
		e.Index, e.Class = trial, e.Selection.Top()
		for m, method := range w.methods {
			got, err := method.Certify(e, w.alpha)
			if err != nil {
				return nil, fmt.Errorf("%v: trial %w", w.c, err)
			}
			t := &tallies[m]
			switch {
			case got.Class == rs.Abstain:
				t.abstain++
				continue
			case got.Radius > w.trueRadius(got.Class, alone(got)):
				t.wrong++
			}
			t.sum += got.Radius
			t.squares += got.Radius * got.Radius
		}
	}
	return tallies, nil
}

func (w *worker) trueRadius(class int, alone bool) float64 {
	known := w.truth[0]
	if alone {
		known = w.truth[1]
	}
	r, ok := known[class]
	if !ok {
		r = w.c.TrueRadius(class, alone)
		known[class] = r
	}
	return r
}

// scramble maps numbers one to one onto numbers that look random (the finaliser of SplitMix64).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// memory is rs.ClopperPearson for votes. It remembers its bounds, because the same counts come
// again and again.
type memory struct {
	rs.ClopperPearson
	known map[asked]float64
}

type asked struct {
	k, n  int
	alpha float64
	upper bool
}

// Lower implements rs.Bound.
func (m *memory) Lower(s rs.Sample, alpha float64) float64 {
	return m.ask(s, alpha, false, m.ClopperPearson.Lower)
}

// Upper implements rs.Bound.
func (m *memory) Upper(s rs.Sample, alpha float64) float64 {
	return m.ask(s, alpha, true, m.ClopperPearson.Upper)
}

func (m *memory) ask(s rs.Sample, alpha float64, upper bool,
	bound func(rs.Sample, float64) float64) float64 {
	if len(s.Counts) != 2 || s.Lo[0] != 0 || s.Hi[0] != 0 || s.Lo[1] != 1 || s.Hi[1] != 1 {
		return bound(s, alpha)
	}
	key := asked{s.Counts[1], s.N, alpha, upper}
	b, ok := m.known[key]
	if !ok {
		b = bound(s, alpha)
		m.known[key] = b
	}
	return b
}
