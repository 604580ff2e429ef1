// Package onnx serves classifiers of ONNX files through ONNX Runtime, on the CPU.
//
// A model may be float32 or float16, NCHW or NHWC, with logits or probabilities as its output. Its
// batch axis may be free or fixed. Its weights may lie inside the file or beside it.
//
// An image has the dataset's shape, [h, w, c], and is in [0, 1]. The noise is added first, so σ and
// every radius are in these units whatever the model wants. Then, in this order, the image is
// denoised if there is a [Denoiser], resized bilinearly and cropped if the model wants another size,
// normalised by channel, (x - mean) / std, and laid out as the model's input. All of these steps
// are part of the classifier that is certified, and run.json keeps them.
//
// A diffusion model as a Denoiser gets x + σz at the first step of its schedule whose noise is at
// least σ. A schedule that isn't the model's own costs accuracy and keeps soundness.
//
// No Lipschitz constant is proved for a file, so only methods of votes certify it. A constant may be
// claimed. Every certificate, table, figure and page that rests on the claim then says "claimed".
//
// A model is refused if its answer for an image is random or depends on the other images of the
// batch. A model that is declared random is certified by its votes alone, and this check is left
// out: the independence of its answers is then the user's word.
package onnx

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lipsmooth/lipsmooth/internal/oneline"
)

// Scale is what a model's outputs are.
type Scale string

const (
	Logits        Scale = "logits"        // taken as they are
	Probabilities Scale = "probabilities" // their logarithms are taken: logits, up to one constant an image, which no margin sees
)

// Model is a classifier. Its methods but Close may be called from several goroutines.
type Model struct {
	Size    [3]int // h, w, c of the images it takes
	Classes int
	Batch   int    // images a run
	Hash    string // SHA-256, in hex: of the file, or, where weights lie in other files, of the lines of all files' hashes

	source
	input, output value
	layout        Layout
	scale         Scale
	scaler        *scaler
	mean, std     []float32 // by channel; nil where nothing is done
	free          bool      // the model leaves their number open
	shape, into   []int64   // of input and output of a run
	buffers       sync.Pool // of *buffer
}

type buffer struct{ in, image []float32 }

// Open loads a file and runs it once, on gray images. Its errors are one line and name the file and what can't be
// served: bytes that are no ONNX file, a weight that is NaN, a missing file of weights, an operator that ONNX Runtime
// doesn't know, an axis, a type, a wrong number of channels or classes; and [ErrNoRuntime].
func Open(path string, o Options) (_ *Model, err error) {
	m := &Model{}
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
	return m, m.try(o)
}

// named says in one line what is wrong with a file.
func named(path string, err error) error {
	return fmt.Errorf("onnx: %s: %w", filepath.Base(path), oneline.Error(err))
}

// understand finds the input, output and what is to be done between, from the file and o.
func (m *Model) understand(o Options) (err error) {
	if n := len(m.file.inputs); n != 1 {
		return fmt.Errorf("%d inputs (%s): a classifier of images has one", n, list(m.file.inputs))
	}
	m.input = m.file.inputs[0]
	if m.output, err = choose(m.file.outputs, o.Output); err != nil {
		return err
	}
	for _, v := range []value{m.input, m.output} {
		if v.kind != float32Kind && v.kind != float16Kind {
			return fmt.Errorf("%v can't be served: float32 and float16 can; outputs are %s", v, list(m.file.outputs))
		}
	}
	if m.scale, err = m.findScale(o.Scale); err != nil {
		return err
	}
	if o.Size != ([3]int{}) && min(o.Size[0], o.Size[1], o.Size[2]) < 1 {
		return fmt.Errorf("images of %v", size(o.Size[:]))
	}
	if m.layout, err = findLayout(m.input, o.Size[2], o.Layout); err != nil {
		return err
	}
	dims, rows, channels := m.input.dims, m.layout.rows(), m.layout.channels()
	for _, d := range dims {
		if d.size > math.MaxInt32 {
			return fmt.Errorf("the input %v is too large", m.input)
		}
	}
	model := [2]int{int(dims[rows].size), int(dims[rows+1].size)}
	if m.Size = o.Size; m.Size == ([3]int{}) {
		if m.Size = [3]int{model[0], model[1], int(dims[channels].size)}; min(m.Size[0], m.Size[1], m.Size[2]) < 1 {
			return fmt.Errorf("the input %v leaves the size of images open: say it", m.input)
		}
	}
	if m.scaler, err = newScaler([2]int(m.Size[:2]), model, o.Resize); err != nil {
		return err
	}
	if m.mean, m.std, err = normalisation(o.Mean, o.Std, m.Size[2]); err != nil {
		return err
	}
	m.Batch = int(dims[0].size)
	if m.free = m.Batch < 0; m.free {
		m.Batch = cmp.Or(o.Batch, defaultBatch(m.scaler.to))
	} else if o.Batch != 0 && o.Batch != m.Batch {
		return fmt.Errorf("the input %v takes %d images a run, not %d", m.input, m.Batch, o.Batch)
	}
	if m.Batch < 1 || m.Batch > 1<<16 {
		return fmt.Errorf("runs of %d images", m.Batch)
	}
	m.shape = []int64{int64(m.Batch), 0, 0, 0}
	m.shape[rows], m.shape[rows+1], m.shape[channels] = int64(m.scaler.to[0]), int64(m.scaler.to[1]), int64(m.Size[2])
	m.into = m.outputShape()
	if m.into == nil && m.output.kind == float16Kind {
		return fmt.Errorf("the output %v leaves the number of classes open, which float16 can't: export it with its shape", m.output)
	}
	return nil
}

// defaultBatch divides 100, the usual block of draws, so that none is filled up: 20 images of 32×32, fewer of larger ones. BenchmarkBatch
// is flat from 4 on.
func defaultBatch(size [2]int) int {
	for _, n := range []int{25, 20, 10, 5, 4, 2} {
		if n*size[0]*size[1] <= 20*32*32 {
			return n
		}
	}
	return 1
}

// outputShape is the declared shape of a run's output, or nil where more than the batch is open.
func (m *Model) outputShape() []int64 {
	var into []int64
	for i, d := range m.output.dims {
		if i == 0 && d.size < 0 {
			d.size = int64(m.Batch)
		}
		if d.size < 1 || d.size > math.MaxInt32 {
			return nil
		}
		into = append(into, d.size)
	}
	return into
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
		return value{}, fmt.Errorf("%d outputs (%s): say which holds the logits", len(outputs), list(outputs))
	}
	return value{}, fmt.Errorf("no output %q; there are %s", name, list(outputs))
}

func list(values []value) string {
	s := make([]string, len(values))
	for i, v := range values {
		s[i] = v.String()
	}
	return strings.Join(s, "; ")
}

// findScale tells logits from probabilities, by the last operator unless asked.
func (m *Model) findScale(asked Scale) (Scale, error) {
	n := m.file.last(m.output.name)
	softmax := n.op == "Softmax" && (n.domain == "" || n.domain == "ai.onnx")
	if softmax && n.axis != nil && *n.axis == 0 {
		return "", fmt.Errorf("its last operator, Softmax, runs over axis 0, the images of a batch")
	}
	switch asked {
	case Logits, Probabilities:
		return asked, nil
	case "":
		if softmax {
			return Probabilities, nil
		}
		return Logits, nil
	}
	return "", fmt.Errorf("no scale %q; known: %s, %s", asked, Logits, Probabilities)
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

// try runs the model once, to know its output's shape and that it runs at all.
func (m *Model) try(o Options) error {
	gray := make([]float32, m.Batch*m.scaler.to[0]*m.scaler.to[1]*m.Size[2])
	for i := range gray {
		gray[i] = 0.5
	}
	out, shape, err := m.session.run(m.into, feed{gray, m.shape})
	if err != nil && m.free && m.Batch > 1 {
		return fmt.Errorf("the input %v leaves the batch open, yet a batch of %d fails (1 may do): %w", m.input, m.Batch, err)
	}
	if err != nil {
		return err
	}
	for len(shape) > 2 && shape[len(shape)-1] == 1 {
		shape = shape[:len(shape)-1]
	}
	if len(shape) != 2 || shape[0] != int64(m.Batch) {
		return fmt.Errorf("the output %v is %v for %d images: need [%[3]d, classes]", m.output, shape, m.Batch)
	}
	m.Classes = int(shape[1])
	if m.Classes < 2 {
		return fmt.Errorf("the output %v has %d value an image: need one a class, two or more", m.output, m.Classes)
	}
	if o.Classes != 0 && o.Classes != m.Classes {
		return fmt.Errorf("the output %v has %d classes, and the dataset %d", m.output, m.Classes, o.Classes)
	}
	if m.into == nil {
		m.into = []int64{int64(m.Batch), int64(m.Classes)}
		if n := len(m.output.dims); n > 2 {
			m.into = nil
		}
	}
	return m.finish(out)
}

// finish turns a run's output to logits, in place.
func (m *Model) finish(out []float32) error {
	for i := 0; i < len(out); i += m.Classes {
		row := out[i : i+m.Classes]
		sum := 0.0
		for _, v := range row {
			if v != v || math.IsInf(float64(v), 0) {
				return fmt.Errorf("the output %s holds %v", m.output.name, v)
			}
			sum += float64(v)
		}
		if m.scale != Probabilities {
			continue
		}
		if slices.Min(row) < 0 || math.Abs(sum-1) > 0.01 {
			return fmt.Errorf("the output %s is no probabilities: a row sums to %.4g and has %.4g; are these logits?", m.output.name, sum, slices.Min(row))
		}
		for c, p := range row {
			row[c] = float32(math.Log(float64(max(p, math.SmallestNonzeroFloat32)))) // what float32 rounds to 0 counts as its smallest: -103.28
		}
	}
	return nil
}

// Logits of n images, [n, h, w, c] one after the other, noisy, in units of [0, 1]: [n, classes]. Every run of the
// model has the same number of images, filled up with zeros, so that logits depend on nothing but their image; a multiple
// of Batch wastes none. Runs go side by side, one a core.
func (m *Model) Logits(images []float32, n int) ([]float32, error) {
	values := m.Size[0] * m.Size[1] * m.Size[2]
	if n < 0 || len(images) != n*values {
		return nil, fmt.Errorf("onnx: %s: %d values for %d images of %v", filepath.Base(m.path), len(images), n, size(m.Size[:]))
	}
	logits := make([]float32, n*m.Classes)
	err := sideBySide(n, m.Batch, func(first, count int) error {
		return m.run(logits[first*m.Classes:(first+count)*m.Classes], images[first*values:(first+count)*values], count)
	})
	if err != nil {
		return nil, named(m.path, err)
	}
	return logits, nil
}

// sideBySide runs parts of n of at most size each, one a core.
func sideBySide(n, size int, run func(first, count int) error) error {
	parts := (n + size - 1) / size
	errs := make([]error, min(parts, runtime.GOMAXPROCS(0)))
	var all sync.WaitGroup
	var next atomic.Int64
	for w := range errs {
		all.Go(func() {
			for errs[w] == nil {
				first := (int(next.Add(1)) - 1) * size
				if first >= n {
					return
				}
				errs[w] = run(first, min(size, n-first))
			}
		})
	}
	all.Wait()
	return cmp.Or(errs...)
}

// run fills logits of at most a batch of images.
func (m *Model) run(logits, images []float32, n int) error {
	b, _ := m.buffers.Get().(*buffer)
	values := m.scaler.to[0] * m.scaler.to[1] * m.Size[2]
	if b == nil {
		b = &buffer{make([]float32, m.Batch*values), make([]float32, values)}
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
	if len(out) != m.Batch*m.Classes {
		return fmt.Errorf("the output %s has %d values for %d images", m.output.name, len(out), m.Batch)
	}
	copy(logits, out)
	return m.finish(logits)
}

// prepare writes an image as the model takes it.
func (m *Model) prepare(dst, image, scratch []float32) {
	c := m.Size[2]
	if !m.scaler.same() {
		m.scaler.apply(scratch, image, c)
		image = scratch
	}
	step, pixels := c, len(dst)/c // NHWC
	if m.layout == NCHW {
		step = 1
	}
	for ch := range c {
		to := dst[ch:]
		if m.layout == NCHW {
			to = dst[ch*pixels:]
		}
		if m.mean == nil {
			for i, j := ch, 0; i < len(image); i, j = i+c, j+step {
				to[j] = image[i]
			}
			continue
		}
		mean, std := m.mean[ch], m.std[ch]
		for i, j := ch, 0; i < len(image); i, j = i+c, j+step {
			to[j] = (image[i] - mean) / std
		}
	}
}
