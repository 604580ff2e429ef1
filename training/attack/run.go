package attack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	devices "github.com/lipsmooth/lipsmooth/internal/backend"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// batchSize images are attacked at once.
const batchSize = 10

// Classifier is a classifier with gradients to attack, such as a trained model.
type Classifier interface {
	sample.Network
	// Identity is the record of the classifier in run.json.
	Identity() countlog.Model
}

// A Job is a run to attack, and the folder of its attacks. The fields after Dir don't change the
// attacks.
type Job struct {
	Run        *certify.Run
	Classifier Classifier    // that was sampled
	Images     sample.Images // that were sampled
	Config     Config
	Dir        string // folder of attack.tsv and attack.npy, which may be the run's

	// Replace removes attacks with other settings that lie in Dir. Without it they are an error.
	Replace bool
	// Progress is called with the number of images that are done, of total. It may be nil.
	Progress func(done, total int)
}

// Run looks for the smallest perturbation of each image that makes a classifier of the run wrong.
// It compares the perturbations with the run's certificates. It appends to attack.tsv and
// attack.npy batch by batch, and a stopped job continues there. All findings hold at once with
// probability 1-α. Where [Job.Missing] is 0, backend may be nil.
//
// If the folder has attacks with other settings, Run returns an [OtherSettingsError].
func Run(ctx context.Context, backend compute.Backend, job Job) (*certify.Assessment, error) {
	r, err := job.running()
	if err != nil {
		return nil, err
	}
	if err := r.search(ctx, backend); err != nil {
		return nil, err
	}
	a, err := job.Run.Assess(job.Dir, r.settings)
	if err == nil {
		a.Notes = append(a.Notes, r.notes...)
	}
	return a, err
}

// Missing returns the number of images that a call of [Run] would attack. It needs no device and
// writes nothing.
func (j Job) Missing() (int, error) {
	r, err := j.running()
	if err != nil {
		return 0, err
	}
	return r.missing(r.rows), nil
}

// running is a job in progress.
type running struct {
	Job
	settings certify.AttackSettings
	notes    []string
	rows     []rs.Evidence        // of the images attacked
	there    map[certify.Aim]bool // what the folder has
	// certified is the largest radius that any method certifies of the true class.
	certified map[certify.Aim]float64
}

// running checks a job. The run must have sampled this classifier and these images.
func (j Job) running() (r *running, err error) {
	if err := j.Run.Load(); err != nil {
		return nil, err
	}
	r = &running{Job: j}
	if r.settings, r.notes, err = j.Run.AttackSettings(j.Config); err != nil {
		return nil, err
	}
	m := j.Classifier.Identity()
	if err := j.Run.CheckModel(m, "model "+m.Name); err != nil {
		return nil, err
	}
	d, err := j.Images.Identity()
	if err != nil {
		return nil, err
	}
	for _, e := range j.Run.Rows {
		if e.Label < 0 {
			return nil, fmt.Errorf("%s: example %d has no label, and an attack looks for a perturbation "+
				"that makes the label wrong: lipsmooth sample --labels takes a table of labels",
				j.Run.Dir, e.Index)
		}
	}
	r.rows = spread(j.Run.Rows, r.settings.Images)
	if err := j.Run.CheckDataset(d, j.Images.Label, r.rows, d.Name); err != nil {
		return nil, err
	}
	takes, known := j.Classifier.Shape()
	if has, classes := j.Images.Shape(); has != takes || classes != known {
		return nil, fmt.Errorf("%s has images %v of %d classes; the model takes %v and knows %d",
			d.Name, has, classes, takes, known)
	}
	k, err := readKept(j.Dir, r.settings)
	if _, ok := errors.AsType[*OtherSettingsError](err); ok && j.Replace {
		return r, nil
	}
	r.there = k.there()
	return r, err
}

// spread returns this many rows, spread over the run.
func spread(rows []rs.Evidence, count int) []rs.Evidence {
	sorted := slices.SortedFunc(slices.Values(rows),
		func(x, y rs.Evidence) int { return cmp.Compare(x.Index, y.Index) })
	for i := range count {
		sorted[i] = sorted[i*len(sorted)/count]
	}
	return sorted[:count]
}

// missing returns the number of images without an attack.
func (r *running) missing(rows []rs.Evidence) (n int) {
	for _, e := range rows {
		if slices.ContainsFunc(r.settings.Classifiers, func(c string) bool {
			return !r.there[certify.Aim{Index: e.Index, Classifier: c}]
		}) {
			n++
		}
	}
	return n
}

// search makes the attacks that the folder lacks. It begins to write when nothing but the attacks
// can fail.
func (r *running) search(ctx context.Context, on compute.Backend) (err error) {
	var target *Target
	if r.missing(r.rows) > 0 {
		if on == nil {
			return errors.New("attack: no backend, and attacks are missing")
		}
		if has, want := devices.Precision(on), r.Run.Model.Precision; has != want {
			return fmt.Errorf("attack: the run is in %s, and the backend multiplies in %s",
				cmp.Or(want, countlog.Float32), cmp.Or(has, countlog.Float32))
		}
		if err := r.certify(); err != nil {
			return err
		}
		if target, err = New(on, r.Classifier); err != nil {
			return err
		}
		defer target.Close()
	}
	if r.Replace {
		if err := removeOthers(r.Dir, r.settings); err != nil {
			return err
		}
	}
	size, _ := r.Classifier.Shape()
	l, err := openLog(r.Dir, r.settings, len(r.rows)*len(r.settings.Classifiers), size)
	if err != nil {
		return err
	}
	defer l.close()
	r.there = l.there
	return r.fill(ctx, target, l)
}

// fill appends the missing attacks, batch by batch.
func (r *running) fill(ctx context.Context, t *Target, l *log) error {
	done := len(r.rows) - r.missing(r.rows)
	for rows := range slices.Chunk(r.rows, batchSize) {
		images := r.missing(rows)
		if images == 0 {
			continue
		}
		found, err := r.batch(ctx, t, rows)
		if err == nil {
			err = l.append(found)
		}
		if err != nil {
			if ctx.Err() != nil {
				err = fmt.Errorf("attack: stopped with %d of %d images; the same command goes on from "+
					"there: %w", done, len(r.rows), ctx.Err())
			}
			return err
		}
		if done += images; r.Progress != nil {
			r.Progress(done, len(r.rows))
		}
	}
	return nil
}

// certify finds the largest radii certified.
func (r *running) certify() (err error) {
	var none []certify.Attack
	for _, name := range r.settings.Classifiers {
		for _, e := range r.rows {
			none = append(none, certify.Attack{Index: e.Index, Label: e.Label, Classifier: name,
				Tau: r.settings.Tau})
		}
	}
	r.certified, err = r.Run.Largest(none, r.settings.Certify())
	return err
}

// batch attacks every classifier on a batch and returns the missing attacks. What breaks one
// classifier is tried on the next.
func (r *running) batch(ctx context.Context, t *Target, rows []rs.Evidence) (found []line,
	err error) {

	// The last batch is filled up, so that all have one shape.
	indices := make([]int, min(batchSize, len(r.rows)))
	p := Problem{Seed: r.settings.Seed}
	p.Images, p.Labels = make([]float32, len(indices)*t.values()), make([]int, len(indices))
	for i := range indices {
		e := rows[min(i, len(rows)-1)]
		indices[i], p.Labels[i] = e.Index, e.Label
	}
	if err := r.Images.Images(p.Images, indices); err != nil {
		return nil, err
	}
	var starts [][]float32
	for _, name := range r.settings.Classifiers {
		search := r.searchOf(name, &p.Smoothing)
		within := make([]float64, len(indices))
		for i, index := range indices {
			within[i] = r.certified[certify.Aim{Index: index, Classifier: name}]
		}
		smallest, err := search.Smallest(ctx, t, p, starts, within)
		if err != nil {
			return nil, err
		}
		start := make([]float32, len(p.Images))
		for i, f := range smallest {
			copy(start[i*t.values():], f.Perturbation)
			aim := certify.Aim{Index: indices[i], Classifier: name}
			if i < len(rows) && !r.there[aim] {
				found = append(found, line{aim, p.Labels[i], p.Tau, within[i], f})
			}
		}
		starts = append(starts, start)
	}
	return found, nil
}

// searchOf is the search of a classifier, and s its noise and votes.
func (r *running) searchOf(name string, s *Smoothing) Search {
	c := r.settings.AttackConfig
	effort := Effort{Steps: c.Steps, Restarts: c.Restarts, Samples: c.Samples, Box: c.Box}
	*s = Smoothing{Sigma: r.Run.Sigma}
	switch name {
	case "soft":
		s.Tau = c.Tau
	case "clean":
		s.Sigma, effort.Samples = 0, 1
	}
	losses := []Loss{Margin{}}
	if lambda := r.Run.Model.Lambda; lambda.Known() {
		losses = append(losses, CrossEntropy{Temperature: lambda.Value() / 4})
	}
	return Search{
		Attacks: effort.Attacks(losses...), Trial: c.Trial, Draws: c.Draws, Box: c.Box,
		// All findings on all images hold at once with probability 1-α.
		Level: rs.SimultaneousAlpha(c.Alpha, len(r.rows)*len(c.Classifiers)),
	}
}
