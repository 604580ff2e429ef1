package training

import (
	"context"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
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
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// A session trains the variables of store for a job.
type session struct {
	Job
	m       *Model
	backend compute.Backend
	store   *model.Store
	steps   int // in all, with the steps before the checkpoint

	start               int // the checkpoint's step
	curve               *os.File
	probe               *probe // of the test split, for the curve
	began, said         time.Time
	losses, hits, since float64 // sums since the last line of the curve
}

func (s *session) run(ctx context.Context) error {
	c := s.Config
	c.hyperparameters(s.store, s.steps)
	s.start = int(optimizer.GetGlobalStep(s.store))
	if s.start >= s.steps {
		return nil
	}
	batches, err := data.NewBatches(s.Train, c.Batch, c.Seed, s.start)
	if err != nil {
		return err
	}
	batches.Flip, batches.Crop, batches.Warp = c.Flip, c.Crop, c.Warp
	if s.probe, err = newProbe(s.backend, s.store, s.m.Network, s.Test, c.Batch); err != nil {
		return err
	}
	defer s.probe.exec.Exec.Finalize()
	if s.curve, err = openCurve(filepath.Join(s.Dir, curveName), s.probe.column(),
		s.start); err != nil {
		return err
	}
	defer s.curve.Close()
	trainer, err := newTrainer(s.backend, s.store, c, s.m.Network)
	if err != nil {
		return err
	}
	loop := train.NewLoop(trainer)
	s.began = time.Now()
	s.said = s.began
	var failed error // as it is, without the loop's words around it
	loop.OnStep("lipsmooth", 100, func(loop *train.Loop, v []*tensors.Tensor) error {
		failed = s.after(ctx, loop.LoopStep+1, scalar(v[0]), scalar(v[1]), scalar(v[2]))
		return failed
	})
	if _, err := loop.RunSteps(seededBatches{batches, c.Seed}, s.steps-s.start); failed != nil {
		return failed
	} else if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	return nil
}

// after follows each step, with the number of steps done, the loss, its moving mean and the
// accuracy.
func (s *session) after(ctx context.Context, done int, now, smooth, hit float64) error {
	if math.IsNaN(now) || math.IsInf(now, 0) {
		return &Divergence{fmt.Sprintf("the loss is %v", now), done, s.checkpoint()}
	}
	s.losses, s.hits, s.since = s.losses+now, s.hits+hit, s.since+1
	whole := done%curveEvery == 0 || done == s.steps
	if whole {
		if err := s.line(done); err != nil {
			return err
		}
		s.losses, s.hits, s.since = 0, 0, 0
	}
	if s.Progress != nil {
		s.Progress(done, s.steps, smooth)
	} else if time.Since(s.said) > 10*time.Second {
		s.said = time.Now()
		rate := float64(done-s.start) / s.said.Sub(s.began).Seconds()
		left := time.Duration(float64(s.steps-done) / rate * 1e9).Round(time.Second)
		fmt.Fprintf(s.Log, "training: step %d of %d, loss %.3f, %.0f images/s, %s left\n",
			done, s.steps, smooth, rate*float64(s.Config.Batch), left)
	}
	// Only between lines of the curve, so that a resumed one has the same lines.
	stop, every := ctx.Err(), s.Config.CheckpointEvery
	if !whole || stop == nil && done != s.steps && done/every == (done-curveEvery)/every {
		return nil
	}
	if path := badVariable(s.store); path != "" {
		return &Divergence{path + " isn't finite", done, s.checkpoint()}
	}
	if err := saveStore(s.store, s.checkpoint()); err != nil {
		return fmt.Errorf("training: %w", err)
	}
	if stop != nil {
		return fmt.Errorf("training: stopped at step %d of %d; "+
			"the same command goes on from there: %w", done, s.steps, stop)
	}
	return s.show(done)
}

// line writes a line of the curve.
func (s *session) line(done int) error {
	test := ""
	if done%probeEvery == 0 || done == s.steps {
		accuracy, err := s.probe.accuracy()
		if err != nil {
			return fmt.Errorf("training: %w", err)
		}
		test = fmt.Sprintf("%.4f", accuracy)
	}
	_, err := fmt.Fprintf(s.curve, "%d\t%.5f\t%.4f\t%s\n", done, s.losses/s.since,
		s.hits/s.since, test)
	return err
}

// show gives Watch the current classifier.
func (s *session) show(step int) error {
	if s.Watch == nil {
		return nil
	}
	now := *s.m
	var weights [][]*tensors.Tensor
	var err error
	if now.Store, weights, err = freeze(s.backend, s.store, s.m.Network); err != nil {
		return err
	}
	now.Layers, now.Lambda = s.m.Network.Bounds(weights)
	return s.Watch(&now, step)
}

// Divergence is the error of a training that met a number that isn't finite. Its last checkpoint
// was written before that.
type Divergence struct {
	What       string
	Step       int
	Checkpoint string // its folder, if there is one
}

func (d *Divergence) Error() string {
	return fmt.Sprintf("training: %s at step %d: lower the learning rate; "+
		"the last checkpoint, if any, is kept in %s", d.What, d.Step, d.Checkpoint)
}

// badVariable is the path of a variable with an entry that isn't finite, "" where there is none.
func badVariable(store *model.Store) string {
	for v := range store.IterVariables() {
		if x, err := v.Value(); err == nil && x.DType() == dtypes.Float32 && nonFinite(x) {
			return v.Path()
		}
	}
	return ""
}

func newTrainer(
	backend compute.Backend, store *model.Store, c Config, n *net.Network,
) (*train.Trainer, error) {
	method, err := c.method()
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	l, err := c.loss()
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	graph := func(scope *model.Scope, in []*Node) (logits, loss *Node) {
		g := in[0].Graph()
		cosineschedule.New(scope, g, dtypes.Float32).FromScope().Done()
		inner := scope.In("model")
		weights := n.Effective(inner, g)
		return method.objective(&step{
			Config: c, loss: l, images: in[0], rng: in[1], labels: in[2],
			logits:   func(images *Node) *Node { return n.Train(inner, images, weights) },
			attacked: func(images *Node) *Node { return n.Logits(images, weights) },
		})
	}
	second := func(_, predictions []*Node) *Node { return predictions[1] }
	accuracy := metric.NewBaseMetric("Accuracy", "acc", metric.AccuracyMetricType,
		metric.SparseCategoricalAccuracyGraph, nil)
	steps, err := c.optimizer(store)
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	return train.NewTrainer(backend, store, graph, second, steps, []metric.Interface{accuracy}, nil),
		nil
}

// seededBatches have the random state of their step and their labels among the inputs. Methods
// need both before the loss does.
type seededBatches struct {
	*data.Batches
	seed uint64
}

func (s seededBatches) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		step := s.Start
		for b, err := range s.Batches.Iter() {
			if err == nil {
				noise := state(s.seed, "training noise", uint64(step))
				values := tensors.MustCopyFlatData[int32](b.Labels[0])
				labels := tensors.FromFlatDataAndDimensions(values,
					b.Labels[0].Shape().Dimensions...)
				b.Inputs = append(b.Inputs,
					tensors.FromFlatDataAndDimensions(noise, len(noise)), labels)
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
