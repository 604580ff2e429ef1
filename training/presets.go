package training

import "github.com/lipsmooth/lipsmooth/internal/named"

// Preset is a Config with the dataset that it is for.
type Preset struct {
	Name, Doc, Data string
	Config          Config
}

// Presets lists settings that measured well. The first is the default.
var Presets = []Preset{
	{"quick", "MNIST through noise 0.5, as the main job", "mnist", Default()},
	{"mnist", "MNIST without noise, for accuracy verified at radius 1.58", "mnist",
		with(func(c *Config) {
			c.Convolution, c.Width, c.Epochs, c.Sigma = "bcop", 32, 14, 0
			c.Offset, c.Temperature, c.Crop = 1.7, 0.25, 1
		})},
	{"mnist-best", "MNIST by prototypes, without noise, for large radii", "mnist",
		with(func(c *Config) {
			c.Architecture, c.Width, c.Epochs, c.Batch, c.Sigma = "prototypes", 400, 40, 500, 0
			c.Offset, c.Temperature, c.Warp = 2.5, 0.1, true
			c.Optimizer, c.LearningRate = "sgd", 4
		})},
	{"cifar10", "CIFAR-10 without noise, for accuracy verified at radius 36/255", "cifar10",
		with(func(c *Config) {
			c.Convolution, c.Width, c.Epochs, c.Batch, c.Sigma = "bcop", 32, 10, 256, 0
			c.Offset, c.Temperature, c.Flip, c.Crop = 0.3, 0.25, true, 2
			c.Optimizer, c.LearningRate = "muon", 0.03
		})},
	{"cifar10-best", "cifar10 for longer, and for larger radii", "cifar10",
		with(func(c *Config) {
			c.Convolution, c.Width, c.Epochs, c.Batch, c.Sigma = "bcop", 32, 90, 256, 0
			c.Offset, c.Temperature, c.Flip, c.Crop = 0.4, 0.25, true, 2
			c.Optimizer, c.LearningRate = "muon", 0.03
		})},
	{"cifar10-radius", "cifar10 for a large average radius", "cifar10",
		with(func(c *Config) {
			c.Convolution, c.Width, c.Epochs, c.Batch, c.Sigma = "bcop", 32, 10, 256, 0
			c.Offset, c.Temperature, c.Flip, c.Crop = 3, 1, true, 2
			c.Optimizer, c.LearningRate = "muon", 0.03
		})},
}

func with(change func(*Config)) Config {
	c := Default()
	change(&c)
	return c
}

// PresetByName finds an entry of Presets. Its error lists the known names.
func PresetByName(name string) (Preset, error) {
	return named.Find("training preset", name, Presets, func(p Preset) string { return p.Name })
}
