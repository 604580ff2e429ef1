package onnx

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// What a denoiser predicts.
const (
	Noise    = "noise"    // ε, or, without a step, what is to be subtracted
	Image    = "image"    // x_0
	Velocity = "velocity" // √ᾱ ε - √(1-ᾱ) x_0
)

// Denoiser takes the noise from images before a classifier gets them, in one shot: denoised
// smoothing (Salman et al. 2020), with a diffusion model as in Carlini et al. 2023.
//
// A file with one input maps noisy images in [0, 1] to images. A file with two inputs, an image in
// [-1, 1] and a number, is a diffusion model. It gets √ᾱ(2(x+σz) - 1) at the first step whose noise
// √((1-ᾱ)/ᾱ) is at least 2σ. Its prediction of x_0 is clipped to [-1, 1].
//
// Every step is part of the classifier that is certified. A step whose noise isn't quite that of
// the images, or a schedule that isn't the model's own, costs accuracy and keeps soundness. The
// methods but Close may be called from several goroutines.
type Denoiser struct {
	Size [3]int // h, w, c

	source
	image, step, output value
	steps               bool // it takes a step
	predicts            string
	schedule            *schedule
	layout              Layout
	wide                bool    // twice the channels come out, of which the first half counts
	shape, stepShape    []int64 // of a run's inputs
	into                []int64 // of its output; nil until a run says it where channels are free
	buffers             sync.Pool
}

// OpenDenoiser loads a file for images of a size, h, w, c, and runs it once. Its errors are those
// of [Open].
func OpenDenoiser(path string, images [3]int, o Options) (_ *Denoiser, err error) {
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
	return d, d.tryBatches(o, d.understand, d.try)
}

// try runs the denoiser once, on gray images, to know its output's shape and that it runs.
func (d *Denoiser) try() error {
	gray := slices.Repeat([]float32{0.5}, d.Batch*d.Size[0]*d.Size[1]*d.Size[2])
	if d.into == nil {
		_, shape, err := d.session.run(nil, d.feeds(gray, 0)...)
		if err != nil {
			return err
		}
		if err := d.settle(shape); err != nil {
			return err
		}
	}
	b := &Denoised{denoiser: d, signal: 1, noise: 1}
	return b.denoise(make([]float32, len(gray)), gray)
}

// settle takes the shape of a run's output: that of the images, or one of twice their channels, for
// a variance that was learned too.
func (d *Denoiser) settle(shape []int64) error {
	wide := slices.Clone(d.shape)
	wide[d.layout.channels()] *= 2
	if d.wide = slices.Equal(shape, wide); !d.wide && !slices.Equal(shape, d.shape) {
		return fmt.Errorf("the output %v is %v for images %v: want as many pixels, and as many channels "+
			"or twice as many", d.output, shape, d.shape)
	}
	d.into = shape
	return nil
}

// understand finds the inputs, the output and the steps between.
func (d *Denoiser) understand(o Options) error {
	if err := d.findValues(); err != nil {
		return err
	}
	if err := d.findShape(o); err != nil {
		return err
	}
	if err := d.findStep(o.Schedule); err != nil {
		return err
	}
	d.predicts = o.Predicts
	if d.predicts == "" {
		d.predicts = Image
		if d.steps {
			d.predicts = Noise
		}
	}
	if d.predicts != Noise && d.predicts != Image && !(d.predicts == Velocity && d.steps) {
		return fmt.Errorf("it predicts %q: known: %s, %s, and of a diffusion model %s",
			d.predicts, Noise, Image, Velocity)
	}
	return nil
}

// findValues finds the image, the step where there is one, and the output.
func (d *Denoiser) findValues() error {
	inputs := d.file.inputs
	switch n := len(inputs); {
	case n == 1:
		d.image = inputs[0]
	case n == 2 && len(inputs[0].dims) == 4 && len(inputs[1].dims) < 2:
		d.image, d.step, d.steps = inputs[0], inputs[1], true
	case n == 2 && len(inputs[1].dims) == 4 && len(inputs[0].dims) < 2:
		d.image, d.step, d.steps = inputs[1], inputs[0], true
	default:
		return fmt.Errorf("%d inputs (%s): a denoiser has an image, "+
			"and may have a diffusion step, a number", n, list(inputs))
	}
	if n := len(d.file.outputs); n != 1 {
		return fmt.Errorf("%d outputs (%s): a denoiser has one", n, list(d.file.outputs))
	}
	d.output = d.file.outputs[0]
	for _, v := range []value{d.image, d.output} {
		if v.kind != onnxfile.Float32 && v.kind != onnxfile.Float16 {
			return fmt.Errorf("%v can't be served: float32 and float16 can", v)
		}
	}
	return nil
}

// findShape finds the layout, the images a run, and the shapes of a run's image and output.
func (d *Denoiser) findShape(o Options) (err error) {
	if min(d.Size[0], d.Size[1], d.Size[2]) < 1 {
		return fmt.Errorf("images of %v", size(d.Size[:]))
	}
	if d.layout, err = findLayout(d.image, d.Size[2], ""); err != nil && o.Layout != "" {
		d.layout, err = findLayout(d.image, d.Size[2], o.Layout)
	}
	if err != nil {
		return err
	}
	rows, channels := d.layout.rows(), d.layout.channels()
	for i, n := range d.Size[:2] {
		if have := d.image.dims[rows+i].size; have > 0 && have != int64(n) {
			return fmt.Errorf("the input %v takes other images than %v", d.image, size(d.Size[:]))
		}
	}
	batch := d.image.dims[0].size
	if d.steps && len(d.step.dims) == 1 && batch < 0 && d.step.dims[0].size > 1 {
		batch = d.step.dims[0].size // a step an image
	}
	if err := d.findBatch(batch, [2]int(d.Size[:2]), o); err != nil {
		return err
	}
	d.shape, d.into = []int64{int64(d.Batch), 0, 0, 0}, nil
	d.shape[rows], d.shape[rows+1] = int64(d.Size[0]), int64(d.Size[1])
	d.shape[channels] = int64(d.Size[2])
	like := slices.Clone(d.shape)
	like[channels] = 0 // there may be twice as many
	if into := d.output.shape(like...); into != nil {
		return d.settle(into)
	}
	if d.output.kind == onnxfile.Float16 {
		return fmt.Errorf("the output %v leaves the number of channels open, "+
			"which float16 can't: export it with its shape", d.output)
	}
	return nil
}

// findStep finds the shape of the step and its schedule, where there is a step.
func (d *Denoiser) findStep(schedule string) (err error) {
	if !d.steps {
		if schedule != "" {
			return fmt.Errorf("a schedule, %s, is of a diffusion model, and this takes no step",
				schedule)
		}
		return nil
	}
	if !slices.Contains([]onnxfile.Kind{onnxfile.Float32, onnxfile.Int32, onnxfile.Int64},
		d.step.kind) {
		return fmt.Errorf("the step %v can't be served: int64, int32 and float32 can", d.step)
	}
	if len(d.step.dims) == 1 {
		d.stepShape = []int64{cmp.Or(max(0, d.step.dims[0].size), int64(d.Batch))}
		if n := d.stepShape[0]; n != 1 && n != int64(d.Batch) {
			return fmt.Errorf("the step %v has %d numbers for %d images", d.step, n, d.Batch)
		}
	}
	d.schedule, err = newSchedule(schedule)
	return err
}

// feeds are the inputs of a run: a batch of images in the file's layout, and their step.
func (d *Denoiser) feeds(images []float32, t int) []feed {
	in := []feed{{images, d.shape}}
	if d.steps {
		count := int64(1)
		if d.stepShape != nil {
			count = d.stepShape[0]
		}
		in = append(in, feed{slices.Repeat([]float32{float32(t)}, int(count)), d.stepShape})
	}
	return in
}

// run takes a batch in the file's layout to its output, of d.into.
func (d *Denoiser) run(images []float32, t int) ([]float32, error) {
	out, got, err := d.session.run(d.into, d.feeds(images, t)...)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(got, d.into) {
		return nil, fmt.Errorf("the output %v is %v for images %v", d.output, got, d.shape)
	}
	return out, nil
}

// Denoised is a classifier behind a denoiser. Its methods may be called from several goroutines.
type Denoised struct {
	denoiser      *Denoiser
	model         *Model
	step          int
	signal, noise float64 // √ᾱ and √(1-ᾱ) of the step, 1 and 1 without
}

// Before puts the denoiser before a classifier of the same images, for noise of standard deviation
// sigma, images being in [0, 1]. It is an error where a diffusion model's schedule has no step of
// so much noise. Neither is copied: both stay open while the Denoised is used.
func (d *Denoiser) Before(m *Model, sigma float64) (*Denoised, error) {
	if m.Size != d.Size {
		return nil, named(d.path, fmt.Errorf("denoises images of %v, and the classifier takes %v",
			size(d.Size[:]), size(m.Size[:])))
	}
	if !(sigma >= 0) || math.IsInf(sigma, 1) {
		return nil, named(d.path, fmt.Errorf("noise of σ = %g: want a number, 0 or more", sigma))
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

// Hash of a classifier behind the denoiser is the SHA-256, in hex, of lines: the hashes of both
// files and of a schedule's table. It tells bytes apart. A named schedule, σ and other options
// aren't in it: a run keeps them beside it.
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
		return nil, named(d.path, fmt.Errorf("%d values for %d images of %v", len(images), n,
			size(d.Size[:])))
	}
	logits := make([]float32, n*m.Classes)
	err := sideBySide(n, max(d.each, m.each), func(first, count int) error {
		clean, noisy := make([]float32, count*values), images[first*values:]
		if err := inParts(count, d.each, func(at, count int) error {
			return b.denoise(clean[at*values:(at+count)*values], noisy[at*values:(at+count)*values])
		}); err != nil {
			return named(d.path, err)
		}
		to := logits[first*m.Classes:]
		if err := inParts(count, m.each, func(at, count int) error {
			return m.run(to[at*m.Classes:(at+count)*m.Classes], clean[at*values:(at+count)*values], count)
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

// denoise takes noisy images, at most as many as a run is given, [h, w, c] each, to clean ones.
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
		if y != y || math.IsInf(float64(y), 0) { // which clipping, or the classifier, may hide
			return fmt.Errorf("the output %s holds %v", d.output.name, y)
		}
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
