package nets

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
	gomlx "github.com/gomlx/gomlx/ml/model"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/notebooks/lab"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// A Snapshot is a classifier during training: its predictions for some test images without noise,
// after Step steps.
type Snapshot struct {
	Step int
	Info training.Info
	Rows []rs.Evidence // with a clean prediction and no votes
}

func (s Snapshot) String() string { return fmt.Sprint(s.Step) }

// Margins draws the histogram of the margins, as deterministic radii. Its axis goes to 3 at least,
// so that the snapshots share a scale.
func (s Snapshot) Margins() (*figures.Figure, error) {
	f, err := figures.Margins(certify.Settings{Dataset: s.Info.Dataset,
		Model: fmt.Sprintf("step %d", s.Step), Lambda: s.Info.Lambda.Constant(),
		Images: len(s.Rows)}, s.Rows)
	if err == nil {
		f.Plot.X.Max = max(3, f.Plot.X.Max)
	}
	return f, err
}

// Median returns the median radius margin/Λ over the rows. Wrong rows count as negative.
func (s Snapshot) Median() float64 {
	radii := make([]float64, len(s.Rows))
	for i, e := range s.Rows {
		radii[i] = e.Clean.Margin / s.Info.Lambda.Value()
		if e.Clean.Class != e.Label {
			radii[i] = -radii[i]
		}
	}
	return median(radii)
}

// Noiseless has a classifier trained without noise.
func Noiseless(c *training.Config) { c.Sigma = 0 }

// Watch trains a classifier of this size anew in the folder out. It calls see with a snapshot about
// eight times on the way, and returns these snapshots. change may change the config.
func Watch(p lab.Preset, out string, change func(*training.Config),
	see func(Snapshot)) (seen []Snapshot) {
	if err := os.RemoveAll(out); err != nil {
		panic(err)
	}
	c := training.Default()
	c.Epochs, c.Images, c.Width = p.Epochs, p.Images, p.Width
	change(&c)
	trained, test := lab.Must(data.Load("mnist", data.Train)), lab.MNIST()
	images := trained.Len()
	if c.Images > 0 {
		images = min(images, c.Images)
	}
	c.CheckpointEvery = max(1, c.Epochs*(images/c.Batch)/8)
	job := training.Job{Config: c, Train: trained, Test: test, Dir: out}
	job.Watch = func(m *training.Model, step int) error {
		seen = append(seen, Snapshot{step, m.Info, Clean(m, test, 1000)})
		see(seen[len(seen)-1])
		return nil
	}
	lab.Must(training.Train(context.Background(), Backend(), job))
	return seen
}

// Clean returns the predictions of a model without noise for the first images.
func Clean(m *training.Model, d *data.Dataset, images int) (rows []rs.Evidence) {
	exec := lab.Must(gomlx.NewExec1(Backend(), m.Store, m.Logits))
	defer exec.Finalize()
	for b, err := range (&data.Sequence{Dataset: d, BatchSize: min(500, images),
		Limit: images}).Iter() {
		if err != nil {
			panic(err)
		}
		z := tensors.MustCopyFlatData[float32](lab.Must(exec.Call(b.Inputs[0])))
		for i, label := range tensors.MustCopyFlatData[int32](b.Labels[0]) {
			clean := lab.Must(rs.CleanOf(z[i*m.Classes():][:m.Classes()]))
			rows = append(rows, rs.Evidence{Index: len(rows), Label: int(label), Class: clean.Class,
				Clean: clean})
		}
	}
	return rows
}

// median returns the middle value, NaN of none.
func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
