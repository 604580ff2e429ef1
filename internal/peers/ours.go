package peers

import (
	"context"
	"slices"
	"time"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/internal/backend"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
)

// Ours is a Sampler as a run uses it: it takes the evidence of one example after another, with
// histograms of margins.
type Ours struct {
	name    string
	image   []float32
	logits  func() ([]float64, error)
	sampler *sample.Sampler
	free    func()
	block   int
	draws   int // of an estimation
	example int
}

const (
	ours      = "lipsmooth " // before the name of what computes
	selection = 100          // draws that select the class, as in a run
	most      = 10000        // draws of an estimation, as in a run
)

func settings(block int) sample.Settings {
	return sample.Settings{Block: block, Edges: countlog.Edges(8, countlog.DefaultMarginBins)}
}

// NewOurs samples the net on a GoMLX backend. Where a usual estimation draw would take longer than
// seconds, Run's draws are shorter.
func NewOurs(on compute.Backend, net *Net, block int, seconds float64) (*Ours, error) {
	s, err := sample.New(on, net.network(), settings(block))
	if err != nil {
		return nil, err
	}
	return (&Ours{
		name: ours + backend.Name(on), image: net.Image, sampler: s, free: func() {}, block: block,
		logits: func() ([]float64, error) { return net.Logits(on) },
	}).warm(seconds)
}

// NewOursONNX samples the net of the ONNX file that peer.py writes. Its images are mirrored in
// height and width.
func NewOursONNX(path string, net *Net, block int, seconds float64) (*Ours, error) {
	size := [3]int{net.side, net.side, colours}
	m, err := onnx.Open(path, onnx.Options{Size: size, Classes: Classes})
	if err != nil {
		return nil, err
	}
	s, err := sample.NewOnHost(m, size, Classes, settings(block))
	if err != nil {
		m.Close()
		return nil, err
	}
	image := make([]float32, 0, len(net.Image))
	for pixel := range slices.Backward(slices.Collect(slices.Chunk(net.Image, colours))) {
		image = append(image, net.Image[pixel*colours:(pixel+1)*colours]...)
	}
	return (&Ours{
		name: ours + onnx.Backend, image: image, sampler: s, free: func() { m.Close() },
		block: block,
		logits: func() ([]float64, error) {
			z, err := m.Logits(image, 1)
			return float64s(z), err
		},
	}).warm(seconds)
}

// warm draws some, and closes what fails at it.
func (o *Ours) warm(seconds float64) (*Ours, error) {
	o.draws = o.block
	if _, err := o.Evidence(); err != nil { // compiles
		o.Close()
		return nil, err
	}
	start := time.Now()
	n, err := o.Evidence()
	if err != nil {
		o.Close()
		return nil, err
	}
	fit := min(most, seconds*float64(n)/time.Since(start).Seconds())
	o.draws = o.block * max(1, int(fit)/o.block)
	return o, nil
}

func (o *Ours) Name() string    { return o.name }
func (o *Ours) Version() string { return "" }

// Evidence draws the next example's and returns how many draws that took.
func (o *Ours) Evidence() (draws int, err error) {
	_, err = o.sampler.Evidence(sample.Example{Image: o.image, Index: o.example},
		sample.Request{Sigma: Sigma, N0: selection, N: o.draws, Seed: 1})
	o.example++
	return selection + o.draws, err
}

// Run samples for so many seconds, or a little longer, and returns draws a second.
func (o *Ours) Run(ctx context.Context, seconds float64) (rate float64, err error) {
	total := 0
	for start := time.Now(); ; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := o.Evidence()
		if err != nil {
			return 0, err
		}
		total += n
		if passed := time.Since(start).Seconds(); passed >= seconds {
			return float64(total) / passed, nil
		}
	}
}

// Logits of the image without noise, [10].
func (o *Ours) Logits(context.Context) ([]float64, error) { return o.logits() }

// Close frees the compiled graphs, or the file's session.
func (o *Ours) Close() {
	o.sampler.Close()
	o.free()
}
