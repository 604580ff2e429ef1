package cli

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/pflag"
)

// onnxFlags say what an ONNX file does not.
type onnxFlags struct {
	mean, std             []float64
	resize                int
	layout, output, scale string

	denoiser, schedule, predicts string
}

// onnxNames are their names.
var onnxNames = []string{"mean", "std", "resize", "layout", "output", "scale", "denoiser", "schedule", "predicts"}

func (o *onnxFlags) bind(f *pflag.FlagSet) {
	f.Float64SliceVar(&o.mean, "mean", nil, "of an ONNX file: subtracted from images after the noise; one for all channels, or one a channel")
	f.Float64SliceVar(&o.std, "std", nil, "of an ONNX file: divided by after --mean; one for all channels, or one a channel")
	f.IntVar(&o.resize, "resize", 0, "of an ONNX file: resize the short side to so many pixels and take the middle that the model wants; default: resize to what it wants")
	f.StringVar(&o.layout, "layout", "", fmt.Sprintf("of an ONNX file: %s or %s, where its input may be both", onnx.NCHW, onnx.NHWC))
	f.StringVar(&o.output, "output", "", "of an ONNX file: the output to take, where there are several")
	f.StringVar(&o.scale, "scale", "", fmt.Sprintf("of an ONNX file: its output is %s or %s; default: %[2]s where it ends in Softmax", onnx.Logits, onnx.Probabilities))
	f.StringVar(&o.denoiser, "denoiser", "", "of an ONNX file: another one, that takes the noise from images first: from a noisy image in [0, 1] to an image, or a diffusion model")
	f.StringVar(&o.schedule, "schedule", "", "of a --denoiser that takes a diffusion step: linear, cosine, or a text file with one ᾱ a line")
	f.StringVar(&o.predicts, "predicts", "", fmt.Sprintf("of a --denoiser: %s, %s or %s; default: %[1]s of one that takes a diffusion step, else %[2]s", onnx.Noise, onnx.Image, onnx.Velocity))
}

// check names the first flag that another one is missing for.
func (o *onnxFlags) check() error {
	if o.denoiser == "" && (o.schedule != "" || o.predicts != "") {
		return fmt.Errorf("--schedule and --predicts are of a --denoiser, and none is given")
	}
	return nil
}

// options are for the images of d, or for the model's own where d is nil.
func (o *onnxFlags) options(d *data.Dataset) onnx.Options {
	p := onnx.Options{
		Mean: float32s(o.mean), Std: float32s(o.std), Resize: o.resize,
		Layout: onnx.Layout(o.layout), Output: o.output, Scale: onnx.Scale(o.scale),
	}
	if d != nil {
		p.Size, p.Classes = [3]int{d.Height, d.Width, d.Channels}, d.Classes()
	}
	return p
}

func float32s(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// reading is what run.json keeps of them.
func (o *onnxFlags) reading() countlog.Reading {
	return countlog.Reading{
		Mean: joined(o.mean), Std: joined(o.std), Resize: o.resize, Layout: o.layout, Output: o.output, Scale: o.scale,
		Denoiser: base(o.denoiser), Schedule: base(o.schedule), Predicts: o.predicts,
	}
}

// base is the last part of a path that is given.
func base(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Base(path)
}

// flagsOf are the flags that the file at a path was read with. A denoiser lies beside it, and a schedule's table beside that, unless it is
// at a path of its own.
func flagsOf(r countlog.Reading, path, denoiser string) (o onnxFlags, err error) {
	o = onnxFlags{resize: r.Resize, layout: r.Layout, output: r.Output, scale: r.Scale, schedule: r.Schedule, predicts: r.Predicts}
	if r.Denoiser != "" {
		o.denoiser = cmp.Or(denoiser, filepath.Join(filepath.Dir(path), r.Denoiser))
		if table := filepath.Join(filepath.Dir(o.denoiser), r.Schedule); r.Schedule != "" {
			if _, err := os.Stat(table); err == nil {
				o.schedule = table
			}
		}
	}
	if o.mean, err = split(r.Mean); err != nil {
		return o, fmt.Errorf("model.reading.mean: %w", err)
	}
	if o.std, err = split(r.Std); err != nil {
		return o, fmt.Errorf("model.reading.std: %w", err)
	}
	return o, nil
}

// joined separates numbers by commas.
func joined(x []float64) string {
	words := make([]string, len(x))
	for i, v := range x {
		words[i] = strconv.FormatFloat(v, 'g', -1, 64)
	}
	return strings.Join(words, ",")
}

// split reads what joined writes.
func split(text string) (x []float64, err error) {
	if text == "" {
		return nil, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		v, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, fmt.Errorf("%q: %q is no number", text, word)
		}
		x = append(x, v)
	}
	return x, nil
}

// onnxModel is a classifier of an ONNX file, on ONNX Runtime.
type onnxModel struct {
	*onnx.Model
	denoiser  *onnx.Denoiser // nil where there is none
	name      string
	reading   countlog.Reading
	random    bool
	lipschitz float64 // of every difference of two logits, as the user claims; 0 where nothing is
}

// serve opens an ONNX file for the images of d.
func serve(path string, flags *onnxFlags, d *data.Dataset) (*onnxModel, error) {
	m, err := onnx.Open(path, flags.options(d))
	if err != nil {
		return nil, err
	}
	c := &onnxModel{Model: m, name: stem(path), reading: flags.reading()}
	if flags.denoiser != "" {
		c.denoiser, err = onnx.OpenDenoiser(flags.denoiser, m.Size, onnx.DenoiserOptions{Schedule: flags.schedule, Predicts: flags.predicts})
		if err != nil {
			m.Close()
			return nil, err
		}
		c.name += " behind " + stem(flags.denoiser)
	}
	return c, nil
}

// stem is a file's name without what it ends in.
func stem(path string) string { return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) }

// behind is the classifier for noise of standard deviation sigma.
func (c *onnxModel) behind(sigma float64) (sample.Predictor, error) {
	if c.denoiser == nil {
		return c.Model, nil
	}
	return c.denoiser.Before(c.Model, sigma)
}

// serveAgain opens the file of a run, in dir, as the run has it.
func serveAgain(path, denoiser, dir string, run countlog.Run, d *data.Dataset) (*onnxModel, error) {
	flags, err := flagsOf(run.Model.Reading, path, denoiser)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, countlog.RunFile), err)
	}
	m, err := serve(path, &flags, d)
	if err != nil {
		return nil, err
	}
	m.lipschitz, m.random = run.Model.Lambda, run.Model.Random
	return m, nil
}

func (c *onnxModel) model() countlog.Model {
	m := countlog.Model{Name: c.name, Hash: c.hash(), Reading: c.reading, Random: c.random, Lambda: c.lipschitz}
	if c.lipschitz > 0 {
		m.LambdaSource = countlog.Claimed
	}
	return m
}

func (c *onnxModel) hash() string {
	if c.denoiser == nil {
		return c.Hash
	}
	return c.denoiser.Hash(c.Model)
}

// fits has nothing to say: the file was opened for the dataset.
func (c *onnxModel) fits(*data.Dataset) error { return nil }

// marginImages are those whose margins without noise say how far the histograms reach.
const marginImages = 8

// marginMax is that of a trainedModel where a Lipschitz constant is claimed, and else a power of two over twice the margins of some images.
func (c *onnxModel) marginMax(d *data.Dataset, sigma float64) (float64, error) {
	p, err := c.behind(sigma)
	if err != nil {
		return 0, err
	}
	if c.lipschitz > 0 {
		return float64(float32(marginRadius * c.lipschitz)), nil
	}
	largest := 1e-3
	x := make([]float32, d.Size())
	for i := range countlog.Spread(d.Len(), marginImages).Indices() {
		if err := d.Images(x, []int{i}); err != nil {
			return 0, err
		}
		z, err := p.Logits(x, 1)
		if err != nil {
			return 0, err
		}
		clean, err := rs.CleanOf(z)
		if err != nil {
			return 0, fmt.Errorf("%s: image %d: %w", c.name, i, err)
		}
		largest = max(largest, clean.Margin)
	}
	_, exponent := math.Frexp(2 * largest)
	return math.Ldexp(1, exponent), nil
}

// marginError isn't known of a file.
func (c *onnxModel) marginError(countlog.Run) (float64, error) { return 0, nil }

func (c *onnxModel) open(context.Context) error { return nil }
func (c *onnxModel) String() string             { return "onnxruntime cpu" }
func (c *onnxModel) versions() map[string]string {
	return map[string]string{"onnxruntime": c.Runtime()}
}
func (c *onnxModel) standard() bool { return false }

func (c *onnxModel) sampler(d *data.Dataset, run countlog.Run, s sample.Settings) (*sample.Sampler, error) {
	p, err := c.behind(run.Sigma)
	if err != nil {
		return nil, err
	}
	return sample.NewOnHost(p, [3]int{d.Height, d.Width, d.Channels}, c.Classes, s)
}

func (c *onnxModel) close() {
	if c.denoiser != nil {
		c.denoiser.Close()
	}
	c.Model.Close()
}
