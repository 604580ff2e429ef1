package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/metric"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/gomlx/gomlx/ml/train/optimizer/cosineschedule"
	"github.com/gomlx/gomlx/support/exceptions"
	"github.com/gomlx/gomlx/ui/commandline"
	"github.com/lipsmooth/lipsmooth/internal/atomic"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// Options of Train that don't change what is learned.
type Options struct {
	// Bar draws GoMLX's progress bar on the standard output; otherwise Log gets a line now and then.
	Bar bool
	Log io.Writer // nil is silent
	// Versions are kept in model.json.
	Versions map[string]string
	// Watch gets the classifier as it is at each checkpoint, proved, after so many steps; nil is nobody. Its error ends the training.
	Watch func(m *Model, step int) error
}

// Train trains a classifier on the train split, measures it on the test split and saves it in the
// folder dir: model.json, weights, training.tsv (the curve), training.json (what was asked for) and the
// last checkpoint. A training stopped at any point goes on from its last checkpoint and, on the
// same backend, ends with the same weights; a folder of another config or dataset is refused.
func Train(ctx context.Context, backend compute.Backend, c Config, trainSet, testSet *data.Dataset, dir string, o Options) (*Model, error) {
	c = c.Complete()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	n, err := net.New(lip.Size{trainSet.Height, trainSet.Width, trainSet.Channels}, trainSet.Classes(), c.Network())
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	m := &Model{Network: n, Info: Info{
		Format: Format, Config: c, Dataset: trainSet.Name, ClassNames: trainSet.ClassNames, Input: n.In,
		Backend: backend.Name(), Versions: o.Versions,
	}}
	if err := m.Fits(testSet); err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	perEpoch := trainSet.Len() / c.Batch
	if c.Images > 0 {
		perEpoch = min(perEpoch, c.Images/c.Batch)
	}
	if perEpoch == 0 {
		images := trainSet.Len()
		if c.Images > 0 {
			images = min(images, c.Images)
		}
		return nil, fmt.Errorf("training: a batch of %d is larger than the %d images to train on", c.Batch, images)
	}
	if m.DataHash, err = trainSet.Hash(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	saved := filepath.Join(dir, "checkpoint")
	store, err := loadStore(saved)
	switch {
	case errors.Is(err, os.ErrNotExist):
		store = model.NewStore()
		err = m.begin(dir)
	case err != nil:
		return nil, fmt.Errorf("training: %w; delete the folder to start again", err)
	default:
		err = m.resume(dir)
	}
	if err != nil {
		return nil, err
	}
	if err := m.steps(ctx, backend, store, trainSet, dir, saved, c.Epochs*perEpoch, o); err != nil {
		return nil, err
	}
	var weights [][]*tensors.Tensor
	if m.Store, weights, err = freeze(backend, store, n); err != nil {
		return nil, err
	}
	if m.Hash, err = hash(m.Store, weightsPath); err != nil {
		return nil, err
	}
	m.Layers, m.Lambda = n.Bounds(weights)
	if m.Metrics, err = m.measure(ctx, backend, testSet); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("training: stopped while measuring; the same command goes on from there: %w", ctx.Err())
		}
		return nil, err
	}
	if m.Metrics.Loss, err = lastLoss(filepath.Join(dir, "training.tsv")); err != nil {
		return nil, err
	}
	if err := m.Save(dir); err != nil {
		return nil, err
	}
	return m, nil
}

// asked is the text of training.json: all that decides what is learned.
func (m *Model) asked() []byte {
	c := m.Config
	c.CheckpointEvery = 0
	text, err := json.MarshalIndent(struct {
		Config   Config `json:"config"`
		Dataset  string `json:"dataset"`
		DataHash string `json:"dataset_hash"`
	}{c, m.Dataset, m.DataHash}, "", "  ")
	if err != nil {
		panic(err) // numbers and strings
	}
	return append(text, '\n')
}

// begin writes training.json into dir.
func (m *Model) begin(dir string) error {
	return atomic.WriteBytes(filepath.Join(dir, "training.json"), m.asked())
}

// resume refuses to go on in dir with a training other than the one begun there.
func (m *Model) resume(dir string) error {
	path := filepath.Join(dir, "training.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("training: there is a checkpoint and nothing to say of what; take another folder or delete this one: %w", err)
	}
	was, is := strings.Split(string(text), "\n"), strings.Split(string(m.asked()), "\n")
	for i, line := range is {
		if i >= len(was) || was[i] != line {
			old := "nothing"
			if i < len(was) {
				old = was[i]
			}
			return fmt.Errorf("training: %s:%d: the training begun here has %s, this one %s; take another folder or delete this one",
				path, i+1, strings.Trim(old, " ,"), strings.Trim(line, " ,"))
		}
	}
	return nil
}

// steps trains store up to so many steps in all, those before its checkpoint included.
func (m *Model) steps(ctx context.Context, backend compute.Backend, store *model.Store, d *data.Dataset, dir, saved string, steps int, o Options) error {
	c := m.Config
	c.hyperparameters(store, steps)
	start := int(optimizer.GetGlobalStep(store))
	if start >= steps {
		return nil
	}
	batches, err := data.NewBatches(d, c.Batch, c.Seed, start)
	if err != nil {
		return err
	}
	batches.Flip, batches.Crop = c.Flip, c.Crop
	curve, err := openCurve(filepath.Join(dir, "training.tsv"), start)
	if err != nil {
		return err
	}
	defer curve.Close()
	trainer, err := newTrainer(backend, store, c, m.Network)
	if err != nil {
		return err
	}
	loop := train.NewLoop(trainer)
	if o.Bar {
		commandline.AttachProgressBar(loop)
	}
	began := time.Now()
	said := began
	losses, hits, since := 0.0, 0.0, 0.0
	after := func(done int, now, smooth, hit float64) error {
		if math.IsNaN(now) || math.IsInf(now, 0) {
			return &Diverged{fmt.Sprintf("the loss is %v", now), done, saved}
		}
		losses, hits, since = losses+now, hits+hit, since+1
		whole := done%curveEvery == 0 || done == steps
		if whole {
			if _, err := fmt.Fprintf(curve, "%d\t%.5f\t%.4f\n", done, losses/since, hits/since); err != nil {
				return err
			}
			losses, hits, since = 0, 0, 0
		}
		if !o.Bar && time.Since(said) > 10*time.Second {
			said = time.Now()
			rate := float64(done-start) / said.Sub(began).Seconds()
			fmt.Fprintf(o.Log, "training: step %d of %d, loss %.3f, %.0f images/s, %s left\n", done, steps, smooth,
				rate*float64(c.Batch), time.Duration(float64(steps-done)/rate*1e9).Round(time.Second))
		}
		// Only between lines of the curve, so that a resumed one has the same lines.
		stop := ctx.Err()
		if !whole || stop == nil && done != steps && done/c.CheckpointEvery == (done-curveEvery)/c.CheckpointEvery {
			return nil
		}
		if path := badVariable(store); path != "" {
			return &Diverged{path + " isn't finite", done, saved}
		}
		if err := saveStore(store, saved); err != nil {
			return fmt.Errorf("training: %w", err)
		}
		if stop != nil {
			return fmt.Errorf("training: stopped at step %d of %d; the same command goes on from there: %w", done, steps, stop)
		}
		return m.watched(backend, store, done, o.Watch)
	}
	var failed error // as it is, without the loop's words around it
	loop.OnStep("lipsmooth", 100, func(loop *train.Loop, v []*tensors.Tensor) error {
		failed = after(loop.LoopStep+1, scalar(v[0]), scalar(v[1]), scalar(v[2]))
		return failed
	})
	if _, err := loop.RunSteps(noisy{batches, c.Seed}, steps-start); failed != nil {
		return failed
	} else if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	return nil
}

// watched shows the classifier that store trains to watch.
func (m *Model) watched(backend compute.Backend, store *model.Store, step int, watch func(*Model, int) error) error {
	if watch == nil {
		return nil
	}
	now := *m
	var weights [][]*tensors.Tensor
	var err error
	if now.Store, weights, err = freeze(backend, store, m.Network); err != nil {
		return err
	}
	now.Layers, now.Lambda = m.Network.Bounds(weights)
	return watch(&now, step)
}

// Diverged is the error of a training that met a number that isn't finite. Its last checkpoint is of before that.
type Diverged struct {
	What       string
	Step       int
	Checkpoint string // its folder, if there is one
}

func (d *Diverged) Error() string {
	return fmt.Sprintf("training: %s at step %d: lower the learning rate; the last checkpoint, if any, is kept in %s", d.What, d.Step, d.Checkpoint)
}

// badVariable names a variable with an entry that isn't finite, "" where there is none.
func badVariable(store *model.Store) string {
	for v := range store.IterVariables() {
		if x, err := v.Value(); err == nil && x.DType() == dtypes.Float32 && nonFinite(x) {
			return v.Path()
		}
	}
	return ""
}

func newTrainer(backend compute.Backend, store *model.Store, c Config, n *net.Network) (*train.Trainer, error) {
	method, err := c.method()
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	l, err := c.loss()
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	return train.NewTrainer(backend, store, func(scope *model.Scope, in []*Node) (logits, loss *Node) {
		g := in[0].Graph()
		cosineschedule.New(scope, g, dtypes.Float32).FromScope().Done()
		weights := n.Effective(scope.In("model"), g)
		return method.objective(&step{Config: c, loss: l, images: in[0], rng: in[1], labels: in[2],
			logits: func(images *Node) *Node { return n.Logits(images, weights) }})
	}, func(_, predictions []*Node) *Node { return predictions[1] }, optimizer.Adam().FromScope(store.RootScope()).Done(),
		[]metric.Interface{metric.NewBaseMetric("Accuracy", "acc", metric.AccuracyMetricType, metric.SparseCategoricalAccuracyGraph, nil)}, nil), nil
}

// noisy adds to the inputs of each batch the random state of its step and its labels, which methods take before the loss does.
type noisy struct {
	*data.Batches
	seed uint64
}

func (n noisy) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		step := n.Start
		for b, err := range n.Batches.Iter() {
			if err == nil {
				s, labels := state(n.seed, "training noise", uint64(step)), b.Labels[0]
				b.Inputs = append(b.Inputs, tensors.FromFlatDataAndDimensions(s, len(s)),
					tensors.FromFlatDataAndDimensions(tensors.MustCopyFlatData[int32](labels), labels.Shape().Dimensions...))
			}
			if !yield(b, err) {
				return
			}
			step++
		}
	}
}

func scalar(t *tensors.Tensor) float64 {
	switch v := t.Value().(type) {
	case float32:
		return float64(v)
	case float64:
		return v
	}
	return math.NaN()
}

// curveEvery so many steps training.tsv gets a line: means over these steps.
const curveEvery = 10

const curveHeader = "step\tloss\taccuracy\n"

// openCurve opens training.tsv for appending, without the lines after step start.
func openCurve(path string, start int) (*os.File, error) {
	kept := curveHeader
	if old, err := os.ReadFile(path); err == nil && start > 0 {
		for line := range strings.Lines(strings.TrimPrefix(string(old), curveHeader)) {
			step, _, _ := strings.Cut(line, "\t")
			if s, err := strconv.Atoi(step); err != nil || s > start || !strings.HasSuffix(line, "\n") {
				break
			}
			kept += line
		}
	}
	if err := atomic.WriteBytes(path, []byte(kept)); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o666)
}

func lastLoss(path string) (float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	cells := strings.Split(lines[len(lines)-1], "\t")
	if len(cells) != 3 {
		return 0, fmt.Errorf("%s:%d: not a line of the training curve", path, len(lines))
	}
	return strconv.ParseFloat(cells[1], 64)
}

// measure takes the metrics of the test split without noise.
func (m *Model) measure(ctx context.Context, backend compute.Backend, d *data.Dataset) (Metrics, error) {
	metrics := Metrics{Verified: map[string]float64{}}
	if err := m.Fits(d); err != nil {
		return metrics, fmt.Errorf("training: %w", err)
	}
	exec, err := model.NewExec1(backend, m.Store, m.Logits)
	if err != nil {
		return metrics, err
	}
	defer exec.Exec.Finalize()
	verified := make([]int, len(VerifiedRadii))
	right, sum := 0, 0.0
	for b, err := range (&data.Sequential{Dataset: d, BatchSize: 500}).Iter() {
		if err != nil {
			return metrics, err
		}
		if err := ctx.Err(); err != nil {
			return metrics, err
		}
		out, err := exec.Call(b.Inputs[0])
		if err != nil {
			return metrics, err
		}
		labels := tensors.MustCopyFlatData[int32](b.Labels[0])
		for i, z := range rows(tensors.MustCopyFlatData[float32](out), m.Classes()) {
			y := int(labels[i])
			other := math.Inf(-1)
			for k, v := range z {
				if k != y {
					other = max(other, float64(v))
				}
			}
			r := (float64(z[y]) - other) / m.Lambda.Value()
			if math.IsNaN(r) || math.IsInf(r, 0) {
				return metrics, fmt.Errorf("training: a logit of a test image isn't finite")
			}
			if r > 0 {
				right++
				sum += r
			}
			for k, at := range VerifiedRadii {
				if r >= at.Radius {
					verified[k]++
				}
			}
		}
	}
	n := float64(d.Len())
	metrics.Accuracy, metrics.AverageRadius = float64(right)/n, sum/n
	for k, at := range VerifiedRadii {
		metrics.Verified[at.Name] = float64(verified[k]) / n
	}
	metrics.Slope, err = m.Slope(backend, d, 64, 20)
	return metrics, err
}

// rows iterates over the rows of a row-major matrix.
func rows(flat []float32, columns int) iter.Seq2[int, []float32] {
	return func(yield func(int, []float32) bool) {
		for i := 0; i*columns < len(flat); i++ {
			if !yield(i, flat[i*columns:][:columns]) {
				return
			}
		}
	}
}

// Slope estimates, from below, the largest gradient norm of a difference of two logits: gradient
// ascent on the norm's proxy from so many images of d, in so many steps. A proof is what
// Lambda is; this only shows how tight it is.
func (m *Model) Slope(backend compute.Backend, d *data.Dataset, images, steps int) (slope float64, err error) {
	images = min(images, d.Len())
	if caught := exceptions.TryCatch[error](func() { slope, err = m.slope(backend, d, images, steps) }); caught != nil {
		err = caught
	}
	return slope, err
}

func (m *Model) slope(backend compute.Backend, d *data.Dataset, images, steps int) (float64, error) {
	// One step: the gradient of the top logit less the second at x, and x moved along it (the
	// margin of a piecewise linear network is steepest where its gradient points on).
	exec, err := model.NewExec(backend, m.Store, func(scope *model.Scope, x *Node) []*Node {
		z := m.Logits(scope, x)
		top := OneHot(ArgMax(z, -1), m.Classes(), z.DType())
		rest := Sub(z, MulScalar(top, 1e6))
		second := OneHot(ArgMax(rest, -1), m.Classes(), z.DType())
		gap := ReduceAllSum(Mul(z, Sub(top, second)))
		g := Gradient(gap, x)[0]
		norm := Sqrt(ReduceAndKeep(Square(g), ReduceSum, 1, 2, 3))
		return []*Node{Add(x, MulScalar(Div(g, AddScalar(norm, 1e-12)), 0.25)), ReduceAllMax(norm)}
	})
	if err != nil {
		return 0, err
	}
	defer exec.Finalize()
	indices := make([]int, images)
	for i := range indices {
		indices[i] = i * d.Len() / images
	}
	buffer := make([]float32, images*d.Size())
	if err := d.Images(buffer, indices); err != nil {
		return 0, err
	}
	x := tensors.FromFlatDataAndDimensions(buffer, images, d.Height, d.Width, d.Channels)
	most := 0.0
	for range steps {
		out, err := exec.Call(x)
		if err != nil {
			return 0, err
		}
		x = out[0]
		most = max(most, scalar(out[1]))
	}
	return most, nil
}
