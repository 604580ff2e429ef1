package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/internal/atomic"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// A Job has the settings, images and folder of a training. The fields after Dir don't change the
// trained classifier.
type Job struct {
	Config      Config
	Train, Test *data.Dataset // splits of one dataset
	Dir         string        // the folder of the model

	// Progress may be nil. It is called after each step, with the number of steps done and in all,
	// and the moving mean of the loss. Without it, Log gets a line now and then.
	Progress func(done, total int, loss float64)
	Log      io.Writer // nil is silent
	// Versions are kept in model.json.
	Versions map[string]string
	// Watch may be nil. It is called at each checkpoint with the current classifier, proved, and
	// the number of steps. Its error ends the training.
	Watch func(m *Model, step int) error
}

// checkpoint is the folder of the last checkpoint.
func (j Job) checkpoint() string { return filepath.Join(j.Dir, "checkpoint") }

// perEpoch is the number of steps of an epoch.
func (j Job) perEpoch() (int, error) {
	images := j.Train.Len()
	if j.Config.Images > 0 {
		images = min(images, j.Config.Images)
	}
	if images < j.Config.Batch {
		return 0, fmt.Errorf("training: a batch of %d is larger than the %d images to train on",
			j.Config.Batch, images)
	}
	return images / j.Config.Batch, nil
}

// Train trains a classifier on the train split and measures it on the test split. It saves the
// classifier in the job's folder: model.json, weights, training.tsv (the curve), training.json (the
// job) and the last checkpoint.
//
// A stopped training continues from its last checkpoint. On the same backend it ends with the same
// weights. Train refuses a folder of another config or dataset.
func Train(ctx context.Context, backend compute.Backend, job Job) (*Model, error) {
	c := job.Config.Complete()
	job.Config = c
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if job.Log == nil {
		job.Log = io.Discard
	}
	d := job.Train
	n, err := net.New(lip.Size{d.Height, d.Width, d.Channels}, d.Classes(), c.Network())
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	m := &Model{Network: n, Info: Info{
		Format: Format, Config: c, Dataset: d.Name, ClassNames: d.ClassNames, Input: n.In,
		Backend: backend.Name(), Versions: job.Versions,
	}}
	if err := m.Fits(job.Test); err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	perEpoch, err := job.perEpoch()
	if err != nil {
		return nil, err
	}
	if m.DataHash, err = d.Hash(); err != nil {
		return nil, err
	}
	store, err := m.begin(job)
	if err != nil {
		return nil, err
	}
	s := session{Job: job, m: m, backend: backend, store: store, steps: c.Epochs * perEpoch}
	if err := s.run(ctx); err != nil {
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
	if m.Metrics, err = m.measure(ctx, backend, job.Test); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("training: stopped while measuring; "+
				"the same command goes on from there: %w", ctx.Err())
		}
		return nil, err
	}
	if m.Metrics.Loss, err = lastLoss(filepath.Join(job.Dir, curveName)); err != nil {
		return nil, err
	}
	if err := m.Save(job.Dir); err != nil {
		return nil, err
	}
	return m, nil
}

// begin opens the job's folder. It returns the variables of the checkpoint there, or none.
func (m *Model) begin(job Job) (*model.Store, error) {
	if err := os.MkdirAll(job.Dir, 0o777); err != nil {
		return nil, err
	}
	path := filepath.Join(job.Dir, "training.json")
	store, err := loadStore(job.checkpoint())
	switch {
	case errors.Is(err, os.ErrNotExist):
		store := model.NewStore()
		if err := m.startPrototypes(store, job.Train); err != nil {
			return nil, err
		}
		return store, atomic.WriteBytes(path, m.asked())
	case err != nil:
		return nil, fmt.Errorf("training: %w; delete the folder to start again", err)
	}
	return store, m.same(path)
}

// asked is the text of training.json, which has all settings that decide the weights.
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

// same refuses a training that differs from that of training.json.
func (m *Model) same(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("training: there is a checkpoint and nothing to say of what; "+
			"take another folder or delete this one: %w", err)
	}
	was, is := strings.Split(string(text), "\n"), strings.Split(string(m.asked()), "\n")
	for i, line := range is {
		if i >= len(was) || was[i] != line {
			old := "nothing"
			if i < len(was) {
				old = was[i]
			}
			return fmt.Errorf("training: %s:%d: the training begun here has %s, this one %s; "+
				"take another folder or delete this one",
				path, i+1, strings.Trim(old, " ,"), strings.Trim(line, " ,"))
		}
	}
	return nil
}
