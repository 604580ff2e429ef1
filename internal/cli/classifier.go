package cli

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A classifier is what votes: a model that was trained here, or an ONNX file.
type classifier interface {
	// model is what run.json says of it.
	model() countlog.Model
	// fits says why it can't classify the images of d, or nil.
	fits(d *data.Dataset) error
	// marginMax is the last edge of its margin histograms on d, in logits: a float32. It fails where noise of that σ is none for it.
	marginMax(d *data.Dataset, sigma float64) (float64, error)
	// marginError bounds what float32 does to its margins in a run, in logits.
	marginError(run countlog.Run) (float64, error)
	// open makes it ready to draw; what follows is known then.
	open(ctx context.Context) error
	// String names what draws, where another need not give the same bits.
	String() string
	versions() map[string]string
	// standard says whether float32 sums are known to follow the standard model of rounding.
	standard() bool
	sampler(d *data.Dataset, run countlog.Run, s sample.Settings) (*sample.Sampler, error)
	close()
}

// chosen is the classifier that a command's arguments and flags name.
type chosen struct {
	ref       string
	file      onnxFlags
	lipschitz float64
	random    bool
}

func (c *chosen) bind(f *pflag.FlagSet) {
	f.StringVar(&c.ref, "model", "", "MODEL, by a flag")
	f.Float64Var(&c.lipschitz, "lipschitz", 0, "of an ONNX file: claim that no difference of two of its logits changes by more than so many times an image's change (l2, images in [0, 1], and behind the --denoiser)")
	f.BoolVar(&c.random, "random", false, "of an ONNX file: it answers by chance, each time independently and each image by itself, which is not checked then, and votes are to certify what it answers most often; its draws can't be made again")
	c.file.bind(f)
}

// name takes the one model of the arguments or of --model, and checks the flags that go with it.
func (c *chosen) name(cmd *cobra.Command, args []string) error {
	if c.ref == "" {
		if err := one("model: a folder or an ONNX file")(cmd, args); err != nil {
			return err
		}
		c.ref = args[0]
	} else if len(args) > 0 {
		return fmt.Errorf("%s is given a model twice: %s, and by --model %s", cmd.Name(), args[0], c.ref)
	}
	for _, name := range append([]string{"lipschitz", "random"}, onnxNames...) {
		if cmd.Flags().Changed(name) && !isONNX(c.ref) {
			return fmt.Errorf("--%s is of an ONNX file, and %s is none", name, c.ref)
		}
	}
	if cmd.Flags().Changed("lipschitz") && !(c.lipschitz > 0 && float64(float32(marginRadius*c.lipschitz)) <= math.MaxFloat32) {
		return fmt.Errorf("--lipschitz %v: must be positive and finite", c.lipschitz)
	}
	if err := c.file.check(); err != nil {
		return err
	}
	if c.random && c.lipschitz > 0 {
		return fmt.Errorf("--random and --lipschitz: logits that are drawn by chance change where an image doesn't")
	}
	return nil
}

// load opens the classifier with its dataset: that of a name or path, or the one it was trained on.
func (c *chosen) load(cmd *cobra.Command, ref string) (classifier, *data.Dataset, error) {
	if isONNX(c.ref) {
		if ref == "" {
			return nil, nil, fmt.Errorf("%s doesn't say what it classifies: give a dataset with --data", c.ref)
		}
		d, err := data.Load(ref, data.Test)
		if err != nil {
			return nil, nil, err
		}
		m, err := serve(c.ref, &c.file, d)
		if err != nil {
			return nil, nil, err
		}
		m.lipschitz, m.random = c.lipschitz, c.random
		return m, d, nil
	}
	m, err := training.Load(c.ref)
	if err != nil {
		return nil, nil, err
	}
	of := cmp.Or(ref, m.Dataset)
	d, err := data.Load(of, data.Test)
	if err != nil && ref == "" {
		err = fmt.Errorf("%w; the model was trained on it: give its path with --data", err)
	}
	return &trainedModel{opened: &opened{log: cmd.ErrOrStderr()}, Model: m}, d, err
}

// isONNX tells an ONNX file from the folder of a model that was trained here.
func isONNX(ref string) bool { return strings.EqualFold(filepath.Ext(ref), ".onnx") }

// trainedModel is a classifier that was trained here, on a backend.
type trainedModel struct {
	*opened
	*training.Model
	proof *lip.Proof // once it was needed
}

// marginRadius is the margin that the last bin of the histograms starts at, in units of Λ.
const marginRadius = 4

func (c *trainedModel) model() countlog.Model {
	return countlog.Model{Name: modelName(c.Model), Hash: c.Hash, Lambda: c.Lambda.Value(), LambdaSource: countlog.Proved}
}

func (c *trainedModel) fits(d *data.Dataset) error { return c.Fits(d) }

func (c *trainedModel) marginMax(*data.Dataset, float64) (float64, error) {
	return float64(float32(marginRadius * c.Lambda.Value())), nil
}

// marginError proves its bound: a float32 above it, so that processors whose last bits differ agree.
func (c *trainedModel) marginError(run countlog.Run) (float64, error) {
	if c.proof == nil {
		p, err := c.Prove()
		if err != nil {
			return 0, err
		}
		c.proof = &p
	}
	r, err := c.Rounding(*c.proof, sample.Reach(run.Sigma, c.Input.Entries(), run.Noise.Rounding))
	if err != nil {
		return 0, err
	}
	return float64(math.Nextafter32(float32(r.Margin.Value()), math.MaxFloat32)), nil
}

func (c *trainedModel) versions() map[string]string { return c.opened.Versions }

func (c *trainedModel) sampler(d *data.Dataset, _ countlog.Run, s sample.Settings) (*sample.Sampler, error) {
	return sample.New(c.backend, sample.Classifier{
		Logits: c.Logits, Store: c.Store, Size: [3]int{d.Height, d.Width, d.Channels}, Classes: d.Classes(),
	}, s)
}

func (c *trainedModel) close() {}

// modelName is what runs and captions call a model.
func modelName(m *training.Model) string {
	return fmt.Sprintf("%s-%s-%d", m.Config.Architecture, m.Config.Convolution, m.Config.Width)
}
