package onnx

import (
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// A Classifier is a model of an ONNX file, behind a denoiser where the options name one. It is a
// classifier to sample from, of the kind that runs on the host.
type Classifier struct {
	model    *Model
	denoiser *Denoiser // nil where there is none
	identity countlog.Model
}

// predictor is what package sample wants of a classifier for one σ.
type predictor = interface {
	Logits(images []float32, n int) ([]float32, error)
}

// Load opens the file of a classifier, and that of its denoiser. Its errors are those of [Open].
func Load(path string, o Options) (*Classifier, error) {
	m, err := Open(path, o)
	if err != nil {
		return nil, err
	}
	c := &Classifier{model: m, identity: countlog.Model{
		Name: stem(path), Hash: m.Hash, Reading: o.Reading(), Random: o.Random,
	}}
	if o.Lipschitz > 0 {
		c.identity.Lambda = rs.Claim(o.Lipschitz)
	}
	if o.Denoiser != "" {
		if c.denoiser, err = OpenDenoiser(o.Denoiser, m.Size, o); err != nil {
			m.Close()
			return nil, err
		}
		c.identity.Name += " behind " + stem(o.Denoiser)
		c.identity.Hash = c.denoiser.Hash(m)
	}
	return c, nil
}

// stem is a file's name without its extension.
func stem(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// Shape returns the size of an image, h, w, c, and the number of classes.
func (c *Classifier) Shape() (size [3]int, classes int) { return c.model.Size, c.model.Classes }

// Identity is what a run says of the classifier. Its hash is of the files' bytes.
func (c *Classifier) Identity() countlog.Model { return c.identity }

// MarginError is 0: what float32 does to the margins of a file isn't known.
func (c *Classifier) MarginError(float64) (float64, error) { return 0, nil }

// Runtime names what computes the logits.
func (c *Classifier) Runtime() (name string, versions map[string]string) {
	return "onnxruntime cpu", map[string]string{"onnxruntime": c.model.Runtime()}
}

// At returns the classifier of images with noise of standard deviation sigma, images being in [0, 1].
// It is an error where the denoiser takes no such noise.
func (c *Classifier) At(sigma float64) (predictor, error) {
	if c.denoiser == nil {
		return c.model, nil
	}
	return c.denoiser.Before(c.model, sigma)
}

// Describe is what was understood of the files, for noise of standard deviation sigma, a line each.
func (c *Classifier) Describe(sigma float64) ([]string, error) {
	if c.denoiser == nil {
		return c.model.Describe(), nil
	}
	b, err := c.denoiser.Before(c.model, sigma)
	if err != nil {
		return nil, err
	}
	return b.Describe(), nil
}

// Close frees what ONNX Runtime holds of the files; no call may be under way.
func (c *Classifier) Close() {
	if c.denoiser != nil {
		c.denoiser.Close()
	}
	c.model.Close()
}
