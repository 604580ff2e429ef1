package cli

import (
	"errors"
	"fmt"

	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/spf13/pflag"
)

// onnxNames are the flags that say what an ONNX file does not.
var onnxNames = []string{
	"mean", "std", "size", "channels", "layout", "output", "scale", "one-by-one", "denoiser",
	"schedule", "predicts",
}

// bindONNX binds these flags.
func bindONNX(f *pflag.FlagSet, o *onnx.Options) {
	f.Float64SliceVar(&o.Mean, "mean", nil, "of an ONNX file: subtracted from images after the "+
		"noise; one for all channels, or one a channel")
	f.Float64SliceVar(&o.Std, "std", nil, "of an ONNX file: divided by after --mean; "+
		"one for all channels, or one a channel")
	f.IntSliceVar(&o.Input, "size", nil, "of an ONNX file that leaves height and width open: "+
		"resize images to H,W, or to one number for both; default: images as they are")
	f.StringVar((*string)(&o.Channels), "channels", "", fmt.Sprintf("of an ONNX file: it takes %s, "+
		"%s, or with %s the one channel of gray images three times; default: as the images are",
		onnx.RGB, onnx.BGR, onnx.Repeat))
	f.StringVar((*string)(&o.Layout), "layout", "", fmt.Sprintf("of an ONNX file: %s or %s, "+
		"where its input may be both", onnx.NCHW, onnx.NHWC))
	f.StringVar(&o.Output, "output", "", "of an ONNX file: the output to take, "+
		"where there are several")
	f.StringVar((*string)(&o.Scale), "scale", "", fmt.Sprintf("of an ONNX file: its output is %s "+
		"or %s; default: %[2]s where it ends in Softmax, or in Sigmoid with one value an image",
		onnx.Logits, onnx.Probabilities))
	f.BoolVar(&o.OneByOne, "one-by-one", false, "of an ONNX file: run images one at a time, so that "+
		"no answer depends on other images")
	f.StringVar(&o.Denoiser, "denoiser", "", "of an ONNX file: another one, that takes the noise "+
		"from images first: from a noisy image in [0, 1] to an image, or a diffusion model")
	f.StringVar(&o.Schedule, "schedule", "", "of a --denoiser that takes a diffusion step: "+
		"linear, cosine, or a text file with one ᾱ a line")
	f.StringVar(&o.Predicts, "predicts", "", fmt.Sprintf("of a --denoiser: %s, %s or %s; "+
		"default: %[1]s of one that takes a diffusion step, else %[2]s",
		onnx.Noise, onnx.Image, onnx.Velocity))
}

// checkONNX names the first flag that another one is missing for.
func checkONNX(o *onnx.Options) error {
	if o.Denoiser == "" && (o.Schedule != "" || o.Predicts != "") {
		return fmt.Errorf("--schedule and --predicts are of a --denoiser, and none is given")
	}
	return nil
}

// loadTrained loads a model that was trained here, and names the format of one that wasn't.
func loadTrained(folder string) (*training.Model, error) {
	if err := onnx.Foreign(folder); err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	return training.Load(folder)
}

// serve opens an ONNX file for the images of d, or for images of its own size where d is nil. The
// classes of d become the file's.
func serve(path string, o onnx.Options, d *data.Dataset) (*onnx.Classifier, error) {
	if d == nil {
		return onnx.Load(path, o)
	}
	o.Size, _ = d.Shape()
	c, err := onnx.Load(path, o)
	if err != nil {
		return nil, err
	}
	_, classes := c.Shape()
	if err := d.Fit(classes); err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// hintONNX says which flag helps against an error of sampling a classifier of an ONNX file.
func hintONNX(c sample.Classifier, o onnx.Options, err error) error {
	file, ok := c.(*onnx.Classifier)
	switch {
	case ok && errors.Is(err, sample.ErrBatch) && !o.OneByOne:
		return fmt.Errorf("%w; with --one-by-one it answers every image by itself", err)
	case ok && errors.Is(err, sample.ErrRandom) && file.ByChance():
		return fmt.Errorf("%w; with --random votes certify its most frequent answer", err)
	}
	return err
}
