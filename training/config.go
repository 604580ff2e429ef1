// Package training trains Lipschitz-bounded classifiers. It keeps each with the proof of its
// Lipschitz constant. It also trains plain networks, of which nothing is proved, to compare with.
package training

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/gomlx/gomlx/ml/train/optimizer/cosineschedule"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/loss"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// Config says how a classifier is trained. It is saved with the model.
type Config struct {
	Architecture string `json:"architecture"` // of net.Names
	Convolution  string `json:"convolution"`  // a name in lip.Convolutions
	Width        int    `json:"width"`        // channels of the first convolution

	Epochs       int     `json:"epochs"`
	Images       int     `json:"images"` // images an epoch takes, 0 for all
	Batch        int     `json:"batch"`
	Optimizer    string  `json:"optimizer,omitempty"` // a name in Optimizers
	LearningRate float64 `json:"learning_rate"`       // the peak: a cosine after a tenth of warm-up
	Sigma        float64 `json:"sigma"`               // noise level σ, in units of the image
	Offset       float64 `json:"offset"`              // margin that the loss asks for, a radius
	Temperature  float64 `json:"temperature"`         // of the loss, a radius (loss.Losses)
	Flip         bool    `json:"flip"`                // mirror images by chance
	Crop         int     `json:"crop"`                // shift images by chance, so many pixels at most
	Warp         bool    `json:"warp,omitempty"`      // turn, stretch and move most images by chance
	Seed         uint64  `json:"seed"`

	// Loss is a name in loss.Losses, and Method a name in Methods. An empty name is the first of
	// its table. A Draws, Weight or AttackRadius of 0 is the method's default.
	Loss         string  `json:"loss,omitempty"`
	Method       string  `json:"method,omitempty"`
	Draws        int     `json:"draws,omitempty"`         // noisy copies of an image in a step
	Weight       float64 `json:"weight,omitempty"`        // weight of the method's own term
	AttackRadius float64 `json:"attack_radius,omitempty"` // l2, in units of the image

	// Kinds of layers, as in net.Setting. An empty kind is the default there.
	Dense      string `json:"dense,omitempty"`
	Residual   string `json:"residual,omitempty"`
	Activation string `json:"activation,omitempty"`
	Padding    string `json:"padding,omitempty"`
	Last       string `json:"last,omitempty"`
	Centring   bool   `json:"centring,omitempty"` // batch centring before each activation

	// CheckpointEvery is the number of steps between checkpoints, rounded up to the next line of
	// training.tsv. A stopped training continues from the last checkpoint.
	CheckpointEvery int `json:"checkpoint_every"`
}

// Default trains a small conv net on MNIST with noise.
func Default() Config {
	return Config{
		Architecture: "conv", Convolution: "aol", Width: 12,
		Epochs: 6, Batch: 128, LearningRate: 0.01, Sigma: 0.5, Offset: 0.65, Temperature: 0.125,
		Seed: 1, CheckpointEvery: 250,
	}
}

// Complete returns the config to save and to compare. A name that is the default becomes empty, and
// a number that is 0 becomes the method's default. Of a plain architecture, fields of layers are
// cleared, and the loss becomes the cross-entropy of the logits.
func (c Config) Complete() Config {
	if c.plain() {
		c = c.withoutLambda()
	}
	if c.Loss == loss.Losses[0].Name {
		c.Loss = ""
	}
	if c.Method == Methods[0].Name {
		c.Method = ""
	}
	if c.Optimizer == Optimizers[0].Name {
		c.Optimizer = ""
	}
	for _, f := range []struct {
		kind *string
		is   string
	}{
		{&c.Dense, "bjorck"}, {&c.Residual, "sll"}, {&c.Activation, "maxmin"},
		{&c.Padding, lip.Circular}, {&c.Last, "bjorck"},
	} {
		if *f.kind == f.is {
			*f.kind = ""
		}
	}
	if m, err := c.method(); err == nil {
		c.Draws, c.Weight = cmp.Or(c.Draws, m.Draws), cmp.Or(c.Weight, m.Weight)
		c.AttackRadius = cmp.Or(c.AttackRadius, m.AttackRadius)
	}
	return c
}

// Network is the setting of the network.
func (c Config) Network() net.Setting {
	return net.Setting{
		Architecture: c.Architecture, Convolution: c.Convolution, Width: c.Width, Dense: c.Dense,
		Residual: c.Residual, Activation: c.Activation, Padding: c.Padding, Last: c.Last,
		Centring: c.Centring,
	}
}

func (c Config) method() (Method, error) { return MethodByName(cmp.Or(c.Method, Methods[0].Name)) }

func (c Config) loss() (loss.Loss, error) {
	e, err := loss.ByName(cmp.Or(c.Loss, loss.Losses[0].Name))
	if err != nil {
		return nil, err
	}
	return e.New(c.Offset, c.Temperature, c.gap()), nil
}

// Validate returns an error for the first field that is out of range.
func (c Config) Validate() error {
	c = c.Complete()
	if _, err := c.loss(); err != nil {
		return fmt.Errorf("training: %w", err)
	}
	if _, err := c.optimizer(model.NewStore()); err != nil {
		return fmt.Errorf("training: %w", err)
	}
	m, err := c.method()
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	for _, f := range Fields {
		if f.takes != nil && f.Text(&c) != "0" && !f.takes(m) {
			return fmt.Errorf("training: %s: method %s takes none; those that do: %s",
				strings.ReplaceAll(f.Name, "-", " "), m.Name, strings.Join(methodNames(f.takes), ", "))
		}
	}
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
		{"learning rate", c.Optimizer != "muon" || c.LearningRate <= muonRate,
			fmt.Sprintf("at most %v with optimizer muon", muonRate)},
		{"sigma", c.Sigma == 0 || positive(c.Sigma), "finite and at least 0"},
		{"offset", c.Offset == 0 || positive(c.Offset), "finite and at least 0"},
		{"temperature", positive(c.Temperature), "positive"},
		{"draws", c.Draws >= m.least, fmt.Sprintf("at least %d with method %s", m.least, m.Name)},
		{"weight", c.Weight == 0 || positive(c.Weight), "finite and at least 0"},
		{"attack radius", c.AttackRadius == 0 || positive(c.AttackRadius), "finite and at least 0"},
		{"sigma", c.Sigma > 0 || m.Draws == 0, "positive with method " + m.Name},
		{"crop", c.Crop >= 0, "at least 0"},
		{"checkpoint every", c.CheckpointEvery >= 1, "at least 1"},
	} {
		if !f.ok {
			return fmt.Errorf("training: %s must be %s", f.name, f.want)
		}
	}
	return nil
}

// hyperparameters sets GoMLX's parameters for a training of this many steps.
func (c Config) hyperparameters(store *model.Store, steps int) {
	store.SetParams(map[string]any{
		model.ParamInitialSeed:          int64(c.Seed),
		optimizer.ParamLearningRate:     c.LearningRate,
		cosineschedule.ParamPeriodSteps: steps - steps/10 + 1,
		cosineschedule.ParamWarmUpSteps: steps / 10,
	})
	if c.Optimizer == "muon" {
		store.SetParam(lip.ParamStiefel, lip.Stiefel{})
	}
}
