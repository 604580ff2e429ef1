// Package training trains Lipschitz-bounded classifiers and keeps them with the proof of what
// they can stretch.
package training

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/gomlx/gomlx/ml/train/optimizer/cosineschedule"
)

// Config says how a classifier is trained. It is saved with the model.
type Config struct {
	Architecture string `json:"architecture"` // a name in net.Architectures
	Convolution  string `json:"convolution"`  // aol or bcop
	Width        int    `json:"width"`        // channels of the first convolution

	Epochs       int     `json:"epochs"`
	Images       int     `json:"images"` // images an epoch takes; 0 is all
	Batch        int     `json:"batch"`
	LearningRate float64 `json:"learning_rate"` // of Adam, at its peak: a cosine after a tenth of warm-up
	Sigma        float64 `json:"sigma"`         // standard deviation of the Gaussian noise added, in units of the image
	Offset       float64 `json:"offset"`        // loss.Offset, in units of radius
	Temperature  float64 `json:"temperature"`   // loss.Offset, in units of radius
	Flip         bool    `json:"flip"`          // mirror images by chance
	Crop         int     `json:"crop"`          // shift images by up to so many pixels by chance
	Seed         uint64  `json:"seed"`

	// CheckpointEvery so many steps, rounded up to the next line of training.tsv, so that a stopped training
	// goes on from there.
	CheckpointEvery int `json:"checkpoint_every"`
}

// Default trains the conv net of the main job on MNIST.
func Default() Config {
	return Config{
		Architecture: "conv", Convolution: "aol", Width: 12,
		Epochs: 6, Batch: 128, LearningRate: 0.01, Sigma: 0.5, Offset: 0.65, Temperature: 0.125,
		Seed: 1, CheckpointEvery: 250,
	}
}

// Validate names the first field that is out of range.
func (c Config) Validate() error {
	positive := func(x float64) bool { return x > 0 && !math.IsInf(x, 0) }
	for _, f := range []struct {
		name string
		ok   bool
		want string
	}{
		{"epochs", c.Epochs >= 1, "at least 1"},
		{"images", c.Images >= 0, "at least 0"},
		{"batch", c.Batch >= 1, "at least 1"},
		{"learning rate", positive(c.LearningRate), "positive"},
		{"sigma", c.Sigma == 0 || positive(c.Sigma), "finite and at least 0"},
		{"offset", c.Offset == 0 || positive(c.Offset), "finite and at least 0"},
		{"temperature", positive(c.Temperature), "positive"},
		{"crop", c.Crop >= 0, "at least 0"},
		{"checkpoint every", c.CheckpointEvery >= 1, "at least 1"},
	} {
		if !f.ok {
			return fmt.Errorf("training: %s must be %s", f.name, f.want)
		}
	}
	return nil
}

// hyperparameters copies c into GoMLX's own names for a training of so many steps.
func (c Config) hyperparameters(store *model.Store, steps int) {
	store.SetParams(map[string]any{
		model.ParamInitialSeed:          int64(c.Seed),
		optimizer.ParamLearningRate:     c.LearningRate,
		cosineschedule.ParamPeriodSteps: steps - steps/10 + 1,
		cosineschedule.ParamWarmUpSteps: steps / 10,
	})
}
