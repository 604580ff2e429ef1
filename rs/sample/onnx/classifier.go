package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
	"github.com/lipsmooth/lipsmooth/internal/proof"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// A Classifier is the model of an ONNX file, behind a denoiser where the options name one. Package
// sample draws from it on the host.
type Classifier struct {
	model    *Model
	denoiser *Denoiser // nil where there is none
	identity countlog.Model
}

// predictor is a classifier for one σ, as package sample takes it.
type predictor = interface {
	Logits(images []float32, n int) ([]float32, error)
}

// Load opens the file of a classifier, and that of its denoiser. Its errors are those of [Open],
// and two about the options: Random of files that draw nothing, and Lipschitz of a file that
// rounds.
func Load(path string, o Options) (_ *Classifier, err error) {
	m, err := Open(path, o)
	if err != nil {
		return nil, err
	}
	c := &Classifier{model: m}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if o.Lipschitz > 0 {
		o.lambda = rs.Claim(o.Lipschitz)
	}
	c.identity = countlog.Model{
		Name: stem(path), Hash: m.Hash, Reading: o.Reading(), Random: o.Random, Lambda: o.lambda,
	}
	if o.Denoiser != "" {
		if c.denoiser, err = OpenDenoiser(o.Denoiser, m.Size, o); err != nil {
			return nil, err
		}
		c.identity.Name += " behind " + stem(o.Denoiser)
		c.identity.Hash = c.denoiser.Hash(m)
	}
	if o.Random && !c.ByChance() {
		return nil, named(path, errors.New("--random: no operator of it draws by chance"))
	}
	if op := m.file.rounds(); o.lambda.Known() && (op != "" || m.input.kind == onnxfile.Uint8) {
		return nil, named(path, fmt.Errorf("--lipschitz: %s rounds numbers, so no finite Lipschitz "+
			"constant holds", cmp.Or(op, "its uint8 input")))
	}
	return c, nil
}

// Proved gives the classifier a bound that package training/prove proved of it. A smaller claim
// stays. No call of another method may be under way.
func (c *Classifier) Proved(bound proof.Lipschitz) {
	if claim := c.identity.Lambda; !claim.Known() || claim.Value() >= bound.Value() {
		c.identity.Lambda = rs.Proved(bound)
	}
}

// Resume takes the bound of a run of the same files that goes on, unless a claim was made that the
// run doesn't bear out. Package sample refuses to go on with a run that was read otherwise.
func (c *Classifier) Resume(run countlog.Model) {
	claim := c.identity.Lambda
	if run.Hash == c.identity.Hash && (!claim.Known() || run.Lambda.Proved() &&
		claim.Value() >= run.Lambda.Value()) {
		c.identity.Lambda = run.Lambda
	}
}

// ByChance tells whether an operator of the files answers by chance.
func (c *Classifier) ByChance() bool {
	return c.model.file.chance() != "" || c.denoiser != nil && c.denoiser.file.chance() != ""
}

// Notes are remarks on how the model is run, a line each.
func (c *Classifier) Notes() (notes []string) {
	all := []source{c.model.source}
	if c.denoiser != nil {
		all = append(all, c.denoiser.source)
	}
	for _, s := range all {
		if s.note != "" {
			notes = append(notes, filepath.Base(s.path)+" "+s.note)
		}
	}
	return notes
}

// stem is a file's name without its extension.
func stem(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// Shape returns the size of an image, h, w, c, and the number of classes.
func (c *Classifier) Shape() (size [3]int, classes int) { return c.model.Size, c.model.Classes }

// Identity names the classifier in a run. Its hash is of the files' bytes.
func (c *Classifier) Identity() countlog.Model { return c.identity }

// MarginError is 0: no bound is known on the float32 rounding of a file's margins.
func (c *Classifier) MarginError(float64) (float64, error) { return 0, nil }

// Backend is what run.json says of runs that ONNX Runtime draws.
const Backend = "onnxruntime cpu"

// Runtime names the library that computes the logits.
func (c *Classifier) Runtime() (name string, versions map[string]string) {
	return Backend, map[string]string{"onnxruntime": c.model.Runtime()}
}

// At returns the classifier of images in [0, 1] with noise of standard deviation sigma. It is an
// error where the denoiser takes no such noise.
func (c *Classifier) At(sigma float64) (predictor, error) {
	if c.denoiser == nil {
		return c.model, nil
	}
	return c.denoiser.Before(c.model, sigma)
}

// Describe says what was understood of the files, for noise of standard deviation sigma, in lines.
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
