package onnx

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/lipsmooth/lipsmooth/internal/oneline"
	"github.com/lipsmooth/lipsmooth/internal/onnxfile"
)

// Model is a classifier. Its methods but Close may be called from several goroutines.
type Model struct {
	Size    [3]int // h, w, c of the images that it is given
	Classes int
	// Hash is the SHA-256, in hex, of the file. Where weights lie in other files it is of the lines
	// of all files' hashes.
	Hash string

	source
	input, output value
	layout        Layout
	scale         Scale
	scaler        *scaler
	order         Channels
	channels      int       // that the model takes
	mean, std     []float32 // by channel of the model; nil where nothing is done
	single        bool      // the output is one value an image, and there are two classes
	shape, into   []int64   // of input and output of a run; into may be nil
	buffers       sync.Pool // of *buffer
}

type buffer struct{ in, image []float32 }

// Open loads a file and runs it once, on gray images. Its errors are one line. They name the file
// and the reason: bytes that are no ONNX file, a weight that is NaN, a missing file of weights, an
// operator that ONNX Runtime doesn't know, a batch norm in training mode, an axis, a type, a wrong
// number of channels or classes; and [ErrNoRuntime].
func Open(path string, o Options) (_ *Model, err error) {
	m := &Model{order: o.Channels}
	defer func() {
		if err != nil {
			m.Close()
			err = named(path, err)
		}
	}()
	if m.source, err = read(path); err != nil {
		return nil, err
	}
	m.Hash = m.hash
	if err := m.understand(o); err != nil {
		return nil, err
	}
	if err := m.start(m.output, m.input); err != nil {
		return nil, err
	}
	return m, m.tryBatches(o, m.understand, func() error { return m.try(o) })
}

// named says in one line what is wrong with a file.
func named(path string, err error) error {
	return fmt.Errorf("onnx: %s: %w", filepath.Base(path), oneline.Error(err))
}

// understand finds the input, the output and the steps between, from the file and o.
func (m *Model) understand(o Options) (err error) {
	if n := len(m.file.inputs); n != 1 {
		return fmt.Errorf("%d inputs (%s): a classifier of images has one", n, list(m.file.inputs))
	}
	m.input = m.file.inputs[0]
	if m.output, err = choose(m.file.outputs, o.Output); err != nil {
		return err
	}
	if k := m.input.kind; !float(k) && k != onnxfile.Uint8 {
		return fmt.Errorf("the input %v can't be served: float32, float16, float64 and uint8 can",
			m.input)
	}
	if !float(m.output.kind) {
		return fmt.Errorf("the output %v can't be served: float32, float16 and float64 can; outputs "+
			"are %s", m.output, list(m.file.outputs))
	}
	if m.scale, err = m.findScale(o.Scale); err != nil {
		return err
	}
	if err = m.findInput(o); err != nil {
		return err
	}
	if m.mean, m.std, err = normalisation(o.Mean, o.Std, m.channels); err != nil {
		return err
	}
	if m.mean != nil && m.input.kind == onnxfile.Uint8 {
		return fmt.Errorf("--mean and --std: the input %v takes 0 to 255 as they are", m.input)
	}
	if n := m.input.dims[0].size; n > 0 && o.Batch != 0 && int64(o.Batch) != n {
		return fmt.Errorf("the input %v takes %d images a run, not %d", m.input, n, o.Batch)
	}
	if err = m.findBatch(m.input.dims[0].size, m.scaler.to, o); err != nil {
		return err
	}
	m.shape, m.into = m.runShape(), m.output.shape(int64(m.Batch))
	if m.into == nil && m.output.kind == onnxfile.Float16 {
		return fmt.Errorf("the output %v leaves the number of classes open, which float16 can't: "+
			"export it with its shape", m.output)
	}
	return nil
}

// choose takes the output of that name, or the only one.
func choose(outputs []value, name string) (value, error) {
	if name == "" && len(outputs) == 1 {
		return outputs[0], nil
	}
	for _, v := range outputs {
		if name == v.name {
			return v, nil
		}
	}
	if name == "" {
		return value{}, fmt.Errorf("%d outputs (%s): say with --output which holds the logits",
			len(outputs), list(outputs))
	}
	return value{}, fmt.Errorf("no output %q; there are %s", name, list(outputs))
}

// normalisation is by channel, or nil where it does nothing.
func normalisation(mean, std []float64, channels int) (m, s []float32, err error) {
	if len(mean) == 0 && len(std) == 0 {
		return nil, nil, nil
	}
	spread := func(name string, given []float64, none float64) ([]float32, error) {
		if len(given) == 0 {
			given = []float64{none}
		}
		if n := len(given); n != 1 && n != channels {
			return nil, fmt.Errorf("a %s of %d values for %d channels", name, n, channels)
		}
		by := make([]float32, channels)
		for c := range by {
			by[c] = float32(given[c%len(given)])
		}
		return by, nil
	}
	if m, err = spread("mean", mean, 0); err != nil {
		return nil, nil, err
	}
	if s, err = spread("std", std, 1); err != nil {
		return nil, nil, err
	}
	finite := func(v float32) bool { return v-v == 0 }
	for c := range channels {
		if !(s[c] > 0) || !finite(s[c]) || !finite(m[c]) {
			return nil, nil, fmt.Errorf("channel %d is normalised by mean %v and std %v; "+
				"need a finite mean and a std over 0", c, m[c], s[c])
		}
	}
	return m, s, nil
}

// try runs the model once, on gray images, to know its output's shape and that it runs.
func (m *Model) try(o Options) error {
	gray := slices.Repeat([]float32{0.5}, m.Batch*m.values())
	out, shape, err := m.session.run(m.into, feed{gray, m.shape})
	if err != nil {
		return err
	}
	var long []int64 // axes after the batch, but for those of size 1
	for _, n := range shape[min(1, len(shape)):] {
		if n != 1 {
			long = append(long, n)
		}
	}
	if len(shape) == 0 || shape[0] != int64(m.Batch) || len(long) > 1 {
		return fmt.Errorf("the output %v is %v for %d images: need [%[3]d, classes]", m.output, shape,
			m.Batch)
	}
	if m.single = len(long) == 0; m.single {
		long = []int64{2}
	}
	m.Classes = int(long[0])
	if o.Classes != 0 && o.Classes != m.Classes {
		return fmt.Errorf("the output %v has %s, and the dataset %d", m.output, m.classes(), o.Classes)
	}
	m.into = shape
	switch op := m.file.last(m.output.name).op; {
	case m.single && op == "Softmax":
		return fmt.Errorf("the output %v is always 1: a Softmax of one value an image", m.output)
	case m.scale == "" && m.single && strings.HasSuffix(op, "Sigmoid"):
		m.scale = Probabilities
	case m.scale == "":
		m.scale = Logits
	}
	return m.finish(make([]float32, m.Batch*m.Classes), out)
}

// values are those of an image as the model takes it.
func (m *Model) values() int { return m.scaler.to[0] * m.scaler.to[1] * m.channels }

// classes says how many there are.
func (m *Model) classes() string {
	if m.single {
		return "one value an image, so 2 classes"
	}
	return fmt.Sprint(m.Classes, " classes")
}

// Logits of n images, [n, h, w, c] one after the other, noisy, in units of [0, 1]: [n, classes].
// Every run of the model has the same number of images, filled up with zeros, so that logits depend
// on nothing but their image. A multiple of Batch wastes none. Runs go side by side, one a core.
func (m *Model) Logits(images []float32, n int) ([]float32, error) {
	values := m.Size[0] * m.Size[1] * m.Size[2]
	if n < 0 || len(images) != n*values {
		return nil, named(m.path, fmt.Errorf("%d values for %d images of %v", len(images), n,
			size(m.Size[:])))
	}
	logits := make([]float32, n*m.Classes)
	err := sideBySide(n, m.each, func(first, count int) error {
		return m.run(logits[first*m.Classes:(first+count)*m.Classes],
			images[first*values:(first+count)*values], count)
	})
	if err != nil {
		return nil, named(m.path, err)
	}
	return logits, nil
}

// run fills logits of at most as many images as a run is given.
func (m *Model) run(logits, images []float32, n int) error {
	b, _ := m.buffers.Get().(*buffer)
	values := m.values()
	if b == nil {
		resized := m.scaler.to[0] * m.scaler.to[1] * m.Size[2]
		b = &buffer{make([]float32, m.Batch*values), make([]float32, resized)}
	}
	defer m.buffers.Put(b)
	given := m.Size[0] * m.Size[1] * m.Size[2]
	for i := range n {
		m.prepare(b.in[i*values:(i+1)*values], images[i*given:(i+1)*given], b.image)
	}
	clear(b.in[n*values:])
	out, _, err := m.session.run(m.into, feed{b.in, m.shape})
	if err != nil {
		return err
	}
	return m.finish(logits, out)
}

// prepare writes an image as the model takes it.
func (m *Model) prepare(dst, image, scratch []float32) {
	if !m.scaler.same() {
		m.scaler.apply(scratch, image, m.Size[2])
		image = scratch
	}
	given, pixels := m.Size[2], len(dst)/m.channels
	for ch := range m.channels {
		to, step := dst[ch:], m.channels // NHWC
		if m.layout == NCHW {
			to, step = dst[ch*pixels:], 1
		}
		mean, std := float32(0), float32(1)
		if m.mean != nil {
			mean, std = m.mean[ch], m.std[ch]
		}
		for i, j := m.order.of(ch), 0; i < len(image); i, j = i+given, j+step {
			to[j] = (image[i] - mean) / std
		}
	}
}
