package sample

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/internal/backend"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// A Drawer draws runs of one classifier on one dataset. What it compiles for one run serves the
// next. It is not for concurrent use. [Draw] is a Drawer of one run.
type Drawer struct {
	Classifier Classifier
	Images     Images
	// Open opens the backend of a [Network]. It is called once, when a draw is missing: what is
	// complete needs no backend.
	Open func(ctx context.Context) (compute.Backend, error)

	backend  compute.Backend
	samplers map[string]*Sampler // by what they are made for
	distance func() func(image []float32, class int) float64
}

// Close frees what is on the device.
func (d *Drawer) Close() {
	for _, p := range d.samplers {
		p.Close()
	}
	d.samplers = nil
}

// open opens the backend of a Network.
func (d *Drawer) open(ctx context.Context) (err error) {
	if _, ok := d.Classifier.(Host); ok || d.backend != nil {
		return nil
	}
	if d.Open == nil {
		return errors.New("sample: no backend is given, and this classifier runs on one")
	}
	d.backend, err = d.Open(ctx)
	return err
}

// Backend names what draws, opened first where need be, as [countlog.Run.Backend] has it.
func (d *Drawer) Backend(ctx context.Context) (string, error) {
	if err := d.open(ctx); err != nil {
		return "", err
	}
	if h, ok := d.Classifier.(Host); ok {
		name, _ := h.Runtime()
		return name, nil
	}
	return backend.Name(d.backend), nil
}

// precision of what draws, as [countlog.Model.Precision] has it.
func (d *Drawer) precision() string {
	if d.backend == nil {
		return ""
	}
	return backend.Precision(d.backend)
}

// versions are those of what draws, for run.json.
func (d *Drawer) versions() map[string]string {
	if h, ok := d.Classifier.(Host); ok {
		_, versions := h.Runtime()
		return maps.Clone(versions)
	}
	return backend.Versions(d.backend)
}

// sampler returns the sampler of a run, made when it is needed first.
func (d *Drawer) sampler(ctx context.Context, run countlog.Run, batch int) (*Sampler, error) {
	if err := fits(d.Classifier, d.Images, run.Dataset.Name); err != nil {
		return nil, err
	}
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	_, onHost := d.Classifier.(Host)
	if has := d.precision(); has != run.Model.Precision {
		return nil, fmt.Errorf("sample: the run is in %s, and what draws multiplies in %s",
			cmp.Or(run.Model.Precision, countlog.Float32), cmp.Or(has, countlog.Float32))
	}
	key := fmt.Sprint(run.Scores, run.Noise, run.Block, run.MarginMax, run.MarginBins,
		run.Model.PairMargins, run.Distances, batch)
	if onHost || run.Noise != (countlog.Noise{}) { // others serve every σ
		key += fmt.Sprint(" ", run.Sigma)
	}
	if p := d.samplers[key]; p != nil {
		return p, nil
	}
	settings, err := SettingsOf(run)
	if err != nil {
		return nil, err
	}
	settings.Batch = batch
	if run.Model.PairMargins {
		settings.Pairs = pairs(d.Classifier)
	}
	if run.Distances {
		settings.Distance = d.distances()
	}
	var p *Sampler
	switch c := d.Classifier.(type) {
	case Host:
		var at Predictor
		if at, err = c.At(run.Sigma); err == nil {
			size, classes := c.Shape()
			p, err = NewOnHost(at, size, classes, settings)
		}
	case Network:
		p, err = New(d.backend, c, settings)
	default:
		err = fmt.Errorf("sample: a classifier of type %T is neither a Network nor a Host", c)
	}
	if err != nil {
		return nil, err
	}
	if d.samplers == nil {
		d.samplers = map[string]*Sampler{}
	}
	d.samplers[key] = p
	return p, nil
}

// runs are what a plan asks for: the run, and its tuning images.
func (d *Drawer) runs(ctx context.Context, p Plan) (run, tuning countlog.Run, err error) {
	if err := p.Check(); err != nil {
		return run, tuning, fmt.Errorf("sample: %w", err)
	}
	set, err := d.Images.Identity()
	if err != nil {
		return run, tuning, err
	}
	if err := fits(d.Classifier, d.Images, set.Name); err != nil {
		return run, tuning, err
	}
	examples, others, err := p.examples(set.Size)
	if err != nil {
		return run, tuning, err
	}
	run = countlog.Run{
		Format:     countlog.Format,
		Model:      d.Classifier.Identity().In(p.Precision),
		Dataset:    set,
		Examples:   examples,
		Sigma:      p.Sigma,
		N0:         p.N0,
		N:          p.N,
		Seed:       p.Seed,
		Block:      p.Block,
		MarginBins: countlog.DefaultMarginBins,
	}
	if !run.Model.Lambda.Known() && (p.Tuning > 0 || p.soft()) {
		return run, tuning, &NoLipschitz{run.Model.Name, run.Model.Precision}
	}
	for _, m := range p.Scores {
		run.Scores = append(run.Scores, m.String())
	}
	if p.Noise == countlog.Discrete {
		run.Noise = GridNoise(GridSteps(p.Sigma), p.Sigma, d.values())
	}
	if run.MarginMax, err = d.marginMax(ctx, run); err != nil {
		return run, tuning, err
	}
	run.Distances = run.Model.Precision == "" && d.distances() != nil
	tuning = run
	tuning.Examples, tuning.N, tuning.Scores = others, min(p.N, tuningDraws), nil
	tuning.Distances = false // a temperature needs none
	if p.Shard.Of > 0 {
		if run, err = part(run, p.Shard); err != nil {
			return run, tuning, fmt.Errorf("sample: %w", err)
		}
		tuning = tuning.Part(p.Shard.Index, p.Shard.Of)
	}
	return run, tuning, nil
}

// NoLipschitz is the error of soft votes from a classifier without a known Lipschitz constant.
type NoLipschitz struct{ Name, Precision string }

func (e *NoLipschitz) Error() string {
	if e.Precision != "" {
		e.Name += " in " + e.Precision
	}
	return fmt.Sprintf("sample: soft votes, whose temperature tuning images are for, "+
		"need a Lipschitz constant: of %s none is known", e.Name)
}

// pairs are the weights of pairs of logits; nil where the classifier knows none.
func pairs(c Classifier) [][]float64 {
	if c, ok := c.(Pairs); ok {
		return c.PairWeights()
	}
	return nil
}

// distances proves distances to other classes; nil where the classifier knows none. The classifier
// is asked once, as its answer may take a while.
func (d *Drawer) distances() func(image []float32, class int) float64 {
	if d.distance == nil {
		c, ok := d.Classifier.(Distancer)
		if !ok {
			return nil
		}
		d.distance = sync.OnceValue(c.Distance)
	}
	return d.distance()
}

// values of an image.
func (d *Drawer) values() int {
	size, _ := d.Images.Shape()
	return size[0] * size[1] * size[2]
}

// marginRadius is the margin that the last bin of the histograms starts at, in units of Λ.
const marginRadius = 4

// marginImages are those whose margins without noise say how far the histograms reach where no
// Lipschitz constant does.
const marginImages = 8

// marginMax is the last edge of the margin histograms, in logits, a float32: marginRadius·Λ, or
// else a power of two over twice the margins of some images.
func (d *Drawer) marginMax(ctx context.Context, run countlog.Run) (float64, error) {
	if run.Model.Lambda.Known() {
		return float64(float32(marginRadius * run.Model.Lambda.Value())), nil
	}
	run.MarginBins, run.Scores = 0, nil
	p, err := d.sampler(ctx, run, 0)
	if err != nil {
		return 0, err
	}
	largest := 1e-3
	x := make([]float32, d.values())
	for i := range countlog.Spread(run.Dataset.Size, marginImages).Indices() {
		if err := d.Images.Images(x, []int{i}); err != nil {
			return 0, err
		}
		z, err := p.runner.clean(x)
		if err != nil {
			return 0, err
		}
		clean, err := rs.CleanOf(z)
		if err != nil {
			return 0, fmt.Errorf("%s: image %d: %w", run.Model.Name, i, err)
		}
		largest = max(largest, clean.Margin)
	}
	_, exponent := math.Frexp(2 * largest)
	return math.Ldexp(1, exponent), nil
}

// create opens a run's folder to write in, and says what to know of it. A new run opens the
// backend, which run.json names.
func (d *Drawer) create(ctx context.Context, dir string, run countlog.Run) (
	w *countlog.Writer, notes []string, err error) {

	there, err := countlog.ReadBegun(dir)
	switch {
	case err == nil:
		// Another processor's last bits, or an older version, may have others.
		run.Backend, run.MarginError = there.Backend, there.MarginError
		run.Distances = there.Distances
		if run.Noise.Steps == there.Noise.Steps {
			run.Noise = there.Noise
		}
	case !errors.Is(err, os.ErrNotExist):
		return nil, nil, err
	default:
		if run.Backend, err = d.Backend(ctx); err != nil {
			return nil, nil, err
		}
		var note string
		run.MarginError, note = d.marginError(run)
		if note != "" {
			notes = append(notes, note)
		}
		run.Versions, run.Created = d.versions(), time.Now().UTC().Truncate(time.Second)
	}
	w, err = countlog.Create(dir, run)
	if err == nil && w.Renamed() != "" {
		notes = append(notes, fmt.Sprintf("%s: %s; the hashes are equal", dir, w.Renamed()))
	}
	if err == nil && w.Dropped() != nil {
		notes = append(notes, fmt.Sprintf("dropped an incomplete line: %v", w.Dropped()))
	}
	return w, notes, err
}

// MarginError bounds what float32 does to the margins of a run, in logits, weighted as the run's
// margins are. It is 0 where no bound is known, as in a precision below float32.
func MarginError(c Classifier, run countlog.Run) (float64, error) {
	if run.Model.Precision != "" {
		return 0, nil
	}
	size, _ := c.Shape()
	off, err := c.MarginError(Reach(run.Sigma, size[0]*size[1]*size[2], run.Noise.Rounding))
	if run.Model.PairMargins {
		off *= largest(pairs(c)) * (1 + 0x1p-50)
	}
	return off, err
}

// marginError bounds what float32 does to the margins of a run, or says why no bound is logged.
func (d *Drawer) marginError(run countlog.Run) (off float64, note string) {
	const none = "no margin_error is logged: "
	if run.Model.Precision != "" {
		return 0, fmt.Sprintf("in %s, nothing is proved of what the device computes: votes certify this "+
			"run, and methods that need a Lipschitz constant are left out", run.Model.Precision)
	}
	off, err := MarginError(d.Classifier, run)
	if err != nil {
		return 0, none + err.Error()
	}
	if off > 0 && d.backend != nil && !backend.Standard(d.backend) {
		return 0, none + fmt.Sprintf("float32 sums on backend %s aren't known to follow "+
			"the standard model", run.Backend)
	}
	return off, ""
}

// Fill draws the rows that a run's folder lacks, batch blocks at once (0 finds how many), and calls
// each, where it isn't nil, after every row with the number of rows there are.
func (d *Drawer) Fill(ctx context.Context, w *countlog.Writer, batch int,
	each func(done int)) error {
	run := w.Run()
	if w.Count() == run.Examples.Count {
		return nil
	}
	name, err := d.Backend(ctx)
	if err != nil {
		return err
	}
	if name != run.Backend {
		return fmt.Errorf("sampling σ=%g: begun on backend %s; this is %s, whose draws may differ: "+
			"set GOMLX_BACKEND, or take another folder", run.Sigma, run.Backend, name)
	}
	p, err := d.sampler(ctx, run, batch)
	if err != nil {
		return err
	}
	return p.Run(ctx, w, d.Images, each)
}

// largest is the largest weight, at least 1.
func largest(weights [][]float64) float64 {
	most := 1.0
	for _, row := range weights {
		most = max(most, slices.Max(row))
	}
	return most
}
