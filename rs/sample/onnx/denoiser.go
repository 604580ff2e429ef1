package onnx

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sync"
)

// DenoiserOptions say what a denoiser's file does not.
type DenoiserOptions struct {
	// Schedule of a diffusion model: linear, cosine, or the path of a table, one ᾱ a line.
	Schedule string
	// Predicts is Noise, Image or Velocity; empty is Noise of a diffusion model, and Image of a denoiser that takes no step.
	Predicts string
}

// What a denoiser predicts.
const (
	Noise    = "noise"    // ε, or, without a step, what is to be subtracted
	Image    = "image"    // x_0
	Velocity = "velocity" // √ᾱ ε - √(1-ᾱ) x_0
)

// Denoiser takes the noise from images before a classifier gets them, in one shot: denoised smoothing (Salman et al. 2020), with a
// diffusion model as in Carlini et al. 2023. A file with one input maps noisy images in [0, 1] to images. One with two, an image in
// [-1, 1] and a number, is a diffusion model: x + σz is scaled to √ᾱ(2(x+σz) - 1) at the step t whose noise √((1-ᾱ)/ᾱ) is nearest to 2σ,
// and what it predicts of x_0 is clipped to [-1, 1]. Whatever it does is part of the classifier that is certified: a step that fits
// badly costs accuracy, and no soundness. Its methods but Close may be called from several goroutines.
type Denoiser struct {
	Size  [3]int // h, w, c
	Batch int    // images a run

	source
	image, step, output value
	steps               bool // it takes one
	predicts            string
	schedule            *schedule
	layout              Layout
	wide                bool    // twice the channels come out, of which the first half counts
	shape, stepShape    []int64 // of a run's inputs
	into                []int64 // of its output
	buffers             sync.Pool
}

// OpenDenoiser loads a file for images of a size, h, w, c, and runs it once. Its errors are those of [Open].
func OpenDenoiser(path string, images [3]int, o DenoiserOptions) (_ *Denoiser, err error) {
	d := &Denoiser{Size: images}
	defer func() {
		if err != nil {
			d.Close()
			err = named(path, err)
		}
	}()
	if d.source, err = read(path); err != nil {
		return nil, err
	}
	if err := d.understand(o); err != nil {
		return nil, err
	}
	inputs := []value{d.image}
	if d.steps {
		inputs = append(inputs, d.step)
	}
	if err := d.start(d.output, inputs...); err != nil {
		return nil, err
	}
	gray := make([]float32, d.Batch*images[0]*images[1]*images[2])
	_, err = d.run(gray, 0)
	return d, err
}

// understand finds inputs, output and what is to be done between.
func (d *Denoiser) understand(o DenoiserOptions) (err error) {
	inputs := d.file.inputs
	switch n := len(inputs); {
	case n == 1:
		d.image = inputs[0]
	case n == 2 && len(inputs[0].dims) == 4 && len(inputs[1].dims) < 2:
		d.image, d.step, d.steps = inputs[0], inputs[1], true
	case n == 2 && len(inputs[1].dims) == 4 && len(inputs[0].dims) < 2:
		d.image, d.step, d.steps = inputs[1], inputs[0], true
	default:
		return fmt.Errorf("%d inputs (%s): a denoiser has an image, and may have a diffusion step, a number", n, list(inputs))
	}
	if d.output, err = choose(d.file.outputs, ""); err != nil {
		return err
	}
	for _, v := range []value{d.image, d.output} {
		if v.kind != float32Kind && v.kind != float16Kind {
			return fmt.Errorf("%v can't be served: float32 and float16 can", v)
		}
	}
	if d.layout, err = findLayout(d.image, d.Size[2], ""); err != nil {
		return err
	}
	rows, channels := d.layout.rows(), d.layout.channels()
	for i, n := range d.Size[:2] {
		if have := d.image.dims[rows+i].size; have > 0 && have != int64(n) {
			return fmt.Errorf("the input %v takes other images than %v", d.image, size(d.Size[:]))
		}
	}
	d.Batch = int(d.image.dims[0].size)
	if d.Batch < 0 {
		d.Batch = defaultBatch([2]int(d.Size[:2]))
	}
	if d.Batch > 1<<16 {
		return fmt.Errorf("runs of %d images", d.Batch)
	}
	d.shape = []int64{int64(d.Batch), 0, 0, 0}
	d.shape[rows], d.shape[rows+1], d.shape[channels] = int64(d.Size[0]), int64(d.Size[1]), int64(d.Size[2])
	if len(d.output.dims) != 4 {
		return fmt.Errorf("the output %v is no image", d.output)
	}
	d.into = slices.Clone(d.shape)
	switch c := d.output.dims[channels].size; c {
	case int64(2 * d.Size[2]):
		d.wide, d.into[channels] = true, c
	case int64(d.Size[2]), -1:
	default:
		return fmt.Errorf("the output %v has %d channels, and images %d: want as many, or twice as many, the second half of which is left out", d.output, c, d.Size[2])
	}
	if d.steps {
		if !slices.Contains([]kind{float32Kind, int32Kind, int64Kind}, d.step.kind) {
			return fmt.Errorf("the step %v can't be served: int64, int32 and float32 can", d.step)
		}
		if len(d.step.dims) == 1 {
			d.stepShape = []int64{cmp.Or(max(0, d.step.dims[0].size), int64(d.Batch))}
			if n := d.stepShape[0]; n != 1 && n != int64(d.Batch) {
				return fmt.Errorf("the step %v has %d numbers for %d images", d.step, n, d.Batch)
			}
		}
		if d.schedule, err = newSchedule(o.Schedule); err != nil {
			return err
		}
	} else if o.Schedule != "" {
		return fmt.Errorf("a schedule, %s, is of a diffusion model, and this takes no step", o.Schedule)
	}
	d.predicts = o.Predicts
	if d.predicts == "" {
		d.predicts = Image
		if d.steps {
			d.predicts = Noise
		}
	}
	if d.predicts != Noise && d.predicts != Image && !(d.predicts == Velocity && d.steps) {
		return fmt.Errorf("it predicts %q: known: %s, %s, and of a diffusion model %s", d.predicts, Noise, Image, Velocity)
	}
	return nil
}

// run takes a batch in the file's layout to its output, of d.into.
func (d *Denoiser) run(images []float32, t int) ([]float32, error) {
	in := []feed{{images, d.shape}}
	if d.steps {
		count := int64(1)
		if d.stepShape != nil {
			count = d.stepShape[0]
		}
		in = append(in, feed{slices.Repeat([]float32{float32(t)}, int(count)), d.stepShape})
	}
	out, got, err := d.session.run(d.into, in...)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(got, d.into) {
		return nil, fmt.Errorf("the output %v is %v for images %v", d.output, got, d.shape)
	}
	return out, nil
}

// Denoised is a classifier behind a denoiser.
type Denoised struct {
	denoiser      *Denoiser
	model         *Model
	step          int
	signal, noise float64 // √ᾱ and √(1-ᾱ) of the step, 1 and 1 without
}

// Before puts the denoiser before a classifier of the same images, for noise of standard deviation sigma, images being in [0, 1].
func (d *Denoiser) Before(m *Model, sigma float64) (*Denoised, error) {
	if m.Size != d.Size {
		return nil, named(d.path, fmt.Errorf("denoises images of %v, and the classifier takes %v", size(d.Size[:]), size(m.Size[:])))
	}
	b := &Denoised{denoiser: d, model: m, signal: 1, noise: 1}
	if d.steps {
		var err error
		if b.step, err = d.schedule.step(sigma); err != nil {
			return nil, named(d.path, err)
		}
		kept := d.schedule.kept[b.step]
		b.signal, b.noise = math.Sqrt(kept), math.Sqrt(1-kept)
	}
	return b, nil
}

// Hash of a classifier behind the denoiser: SHA-256, in hex, of lines, the hashes of both files and of a schedule's table.
func (d *Denoiser) Hash(m *Model) string {
	lines := []string{m.Hash, d.hash}
	if d.steps && d.schedule.hash != "" {
		lines = append(lines, d.schedule.hash)
	}
	return hashOf(lines...)
}

// Logits are those of [Model.Logits], of denoised images.
func (b *Denoised) Logits(images []float32, n int) ([]float32, error) {
	d, m := b.denoiser, b.model
	values := d.Size[0] * d.Size[1] * d.Size[2]
	if n < 0 || len(images) != n*values {
		return nil, named(d.path, fmt.Errorf("%d values for %d images of %v", len(images), n, size(d.Size[:])))
	}
	logits := make([]float32, n*m.Classes)
	err := sideBySide(n, max(d.Batch, m.Batch), func(first, count int) error {
		clean := make([]float32, count*values)
		if err := inParts(count, d.Batch, func(at, count int) error {
			return b.denoise(clean[at*values:(at+count)*values], images[(first+at)*values:(first+at+count)*values])
		}); err != nil {
			return named(d.path, err)
		}
		if err := inParts(count, m.Batch, func(at, count int) error {
			return m.run(logits[(first+at)*m.Classes:(first+at+count)*m.Classes], clean[at*values:(at+count)*values], count)
		}); err != nil {
			return named(m.path, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return logits, nil
}

// inParts runs parts of n of at most size each, one after the other.
func inParts(n, size int, run func(at, count int) error) error {
	for at := 0; at < n; at += size {
		if err := run(at, min(size, n-at)); err != nil {
			return err
		}
	}
	return nil
}

// denoise takes noisy images, at most a batch of them, [h, w, c] each, to clean ones.
func (b *Denoised) denoise(clean, noisy []float32) error {
	d := b.denoiser
	values := d.Size[0] * d.Size[1] * d.Size[2]
	in, _ := d.buffers.Get().([]float32)
	if in == nil {
		in = make([]float32, d.Batch*values)
	}
	defer d.buffers.Put(in)
	clear(in)
	c, pixels := d.Size[2], d.Size[0]*d.Size[1]
	// at is where a value of an image lies in a run's, and of how many channels that is.
	at := func(i, channels int) int {
		pixel, channel := i/c, i%c
		if d.layout == NCHW {
			return channel*pixels + pixel
		}
		return pixel*channels + channel
	}
	signal, noise := float32(b.signal), float32(b.noise)
	for i, x := range noisy {
		if d.steps {
			x = signal * (2*x - 1)
		}
		in[i/values*values+at(i%values, c)] = x
	}
	out, err := d.run(in, b.step)
	if err != nil {
		return err
	}
	channels := c
	if d.wide {
		channels = 2 * c
	}
	for i := range clean {
		image, place := i/values, i%values
		y, x := out[image*pixels*channels+at(place, channels)], in[image*values+at(place, c)]
		switch d.predicts {
		case Noise:
			y = (x - noise*y) / signal
		case Velocity:
			y = signal*x - noise*y
		}
		if d.steps {
			y = (min(max(y, -1), 1) + 1) / 2
		}
		clean[i] = y
	}
	return nil
}

// Describe is what was understood of the denoiser, a line each, and then of the classifier.
func (b *Denoised) Describe() []string {
	d := b.denoiser
	var lines []string
	row := func(name, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("%-10s ", name)+fmt.Sprintf(format, args...))
	}
	row("denoiser", "%s, %d bytes%s", filepath.Base(d.path), d.bytes, prefix(", by ", d.file.producer))
	row("hash", "%s", d.hash)
	row("input", "%v: %s", d.image, d.layout)
	if d.steps {
		row("step", "%v: %d, of schedule %s: noise of %.4g in [0, 1]", d.step, b.step, d.schedule.name, d.schedule.noise(b.step)/2)
	}
	row("output", "%v: %s", d.output, d.predicts)
	row("batch", "%d a run", d.Batch)
	return append(lines, b.model.Describe()...)
}
