package onnx

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// Options say what a file does not; the zero value takes the file at its word.
type Options struct {
	Size    [3]int // h, w, c of the images; zero takes the model's own
	Classes int    // that there have to be; 0 takes any number
	Batch   int    // images a run, where the model's batch axis is free; 0 is a good number

	// Mean is subtracted and Std divided by: none, one for all channels, or one a channel.
	// The channels are the model's.
	Mean, Std []float64
	Resize    int // short side after the noise, before the middle is cropped; 0 resizes straight
	// Input is the size that the model is given where the file leaves height and width open: one
	// number for both, or h and w. Empty gives images as they are.
	Input    []int
	Channels Channels // empty is RGB
	Layout   Layout   // where the shape of the input leaves both open
	Output   string   // where there are several
	Scale    Scale    // where the last operator does not tell
	// OneByOne gives the model one image a run, and zeros for the others of a fixed batch. Random
	// does as well.
	OneByOne bool

	Denoiser string // path of the file of a [Denoiser] that comes first
	// Schedule of a diffusion model: linear, cosine, or the path of a table, one ᾱ a line.
	Schedule string
	// Predicts is Noise, Image or Velocity; empty is Noise of a diffusion model, and Image of a
	// denoiser that takes no step.
	Predicts string

	// Lipschitz is a claim: no difference of two logits changes by more than so many times an
	// image's change (l2, images in [0, 1], and behind the denoiser). 0 claims nothing. Package
	// training/prove proves a bound for many files.
	Lipschitz float64
	// Random says that the model answers by chance, each time independently. Votes certify its most
	// frequent answer; no draw can be repeated.
	Random bool

	lambda rs.Constant // of the run that OptionsOf was given
}

// Reading is what run.json keeps of how a file is read.
func (o Options) Reading() countlog.Reading {
	channels := o.Channels
	if channels == RGB {
		channels = ""
	}
	input := ""
	if hw, err := o.input(); err == nil && hw[0] > 0 {
		input = fmt.Sprintf("%d,%d", hw[0], hw[1])
	}
	return countlog.Reading{
		Mean: joined(o.Mean), Std: joined(o.Std), Resize: o.Resize, Size: input,
		Channels: string(channels), Layout: string(o.Layout), Output: o.Output,
		Scale: string(o.Scale), OneByOne: o.OneByOne,
		Denoiser: base(o.Denoiser), Schedule: base(o.Schedule), Predicts: o.Predicts,
	}
}

// input is Input as h and w, or zeros where it is empty.
func (o Options) input() (hw [2]int, err error) {
	if n := len(o.Input); n > 2 || n > 0 && slices.Min(o.Input) < 1 {
		return hw, fmt.Errorf("--size %v: want a height and a width, or one number for both", o.Input)
	} else if n > 0 {
		hw = [2]int{o.Input[0], o.Input[n-1]}
	}
	return hw, nil
}

// OptionsOf are those with which the file at a path was read in a run. denoiser is the path of the
// denoiser where it doesn't lie beside the file; a schedule's table lies beside the denoiser,
// unless it is at a path of its own.
func OptionsOf(m countlog.Model, path, denoiser string) (o Options, err error) {
	r := m.Reading
	o = Options{
		Resize: r.Resize, Channels: Channels(r.Channels), Layout: Layout(r.Layout),
		Output: r.Output, Scale: Scale(r.Scale), OneByOne: r.OneByOne,
		Schedule: r.Schedule, Predicts: r.Predicts, Random: m.Random, lambda: m.Lambda,
	}
	if r.Denoiser != "" {
		o.Denoiser = cmp.Or(denoiser, filepath.Join(filepath.Dir(path), r.Denoiser))
		if table := filepath.Join(filepath.Dir(o.Denoiser), r.Schedule); r.Schedule != "" {
			if _, err := os.Stat(table); err == nil {
				o.Schedule = table
			}
		}
	}
	hw, err := split(r.Size)
	if err != nil {
		return o, fmt.Errorf("model.reading.size: %w", err)
	}
	for _, n := range hw {
		o.Input = append(o.Input, int(n))
	}
	if o.Mean, err = split(r.Mean); err != nil {
		return o, fmt.Errorf("model.reading.mean: %w", err)
	}
	if o.Std, err = split(r.Std); err != nil {
		return o, fmt.Errorf("model.reading.std: %w", err)
	}
	return o, nil
}

// base is the last part of a path that is given.
func base(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Base(path)
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
