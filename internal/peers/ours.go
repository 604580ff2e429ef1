package peers

import (
	"context"
	"time"

	"github.com/gomlx/compute"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
)

// Ours is the Sampler as a run uses it: evidence of one example after another, with its histograms of margins.
type Ours struct {
	net     *Net
	backend compute.Backend
	sampler *sample.Sampler
	block   int
	draws   int // of an estimation
	example int
}

const (
	selection = 100   // draws that select the class, as in a run
	most      = 10000 // draws of an estimation, as in a run
)

// NewOurs compiles the net and draws some; Run's estimations are short where the usual ones would outlast seconds.
func NewOurs(backend compute.Backend, net *Net, block int, seconds float64) (*Ours, error) {
	s, err := sample.New(backend, net.Classifier(), sample.Settings{Block: block, Edges: countlog.Edges(8, countlog.DefaultMarginBins)})
	if err != nil {
		return nil, err
	}
	o := &Ours{net: net, backend: backend, sampler: s, block: block, draws: block}
	if _, err := o.Evidence(); err != nil { // compiles
		s.Close()
		return nil, err
	}
	start := time.Now()
	n, err := o.Evidence()
	if err != nil {
		s.Close()
		return nil, err
	}
	fit := min(most, seconds*float64(n)/time.Since(start).Seconds())
	o.draws = block * max(1, int(fit)/block)
	return o, nil
}

func (o *Ours) Name() string    { return "lipsmooth" }
func (o *Ours) Version() string { return "" }

// Evidence draws the next example's and returns how many draws that took.
func (o *Ours) Evidence() (draws int, err error) {
	_, err = o.sampler.Evidence(o.net.Image, o.example, 0, Sigma, selection, o.draws, 1)
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
func (o *Ours) Logits(context.Context) ([]float64, error) { return o.net.Logits(o.backend) }

// Close frees the compiled graphs.
func (o *Ours) Close() { o.sampler.Close() }
