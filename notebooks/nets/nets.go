// Package nets has the functions of the notebooks that run a network, beside those of package lab.
// They link XLA, so a cell that calls one takes longer to start.
package nets

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/gomlx/compute"

	"github.com/lipsmooth/lipsmooth/notebooks/lab"
	"github.com/lipsmooth/lipsmooth/notebooks/show"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// Backend is the backend of GOMLX_BACKEND, or else the best one on the machine. A cell opens it
// once.
var Backend = sync.OnceValue(func() compute.Backend {
	b, _, err := device.Open(context.Background(), device.Options{Log: io.Discard})
	if err != nil {
		panic(err)
	}
	return b
})

// Draws returns this many noisy copies of image i. They are the first draws that the run counted as
// votes.
func Draws(s *certify.Run, m *training.Model, d *data.Dataset, i, count int) (noisy []show.Image) {
	p := lab.Must(sample.New(Backend(), m, lab.Must(sample.SettingsOf(s.Run))))
	defer p.Close()
	all := lab.Must(p.Draws(sample.Example{Image: lab.Pixels(d, i), Index: i},
		sample.Request{Sigma: s.Sigma, Seed: s.Seed}, sample.Estimation, 0))
	for block := range slices.Chunk(all, d.Size()) {
		noisy = append(noisy, lab.Picture(d, block))
	}
	return noisy[:min(count, len(noisy))]
}

// Layers returns the rows of a table: the proved bound of each layer of a model, and Λ.
func Layers(m *training.Model) (rows [][]any) {
	for _, l := range m.Info.Layers {
		rows = append(rows, []any{l.Layer, l.Bound.Value()})
	}
	return append(rows, []any{"Λ, every difference of two logits", m.Lambda.Value()})
}
