// Package lab has the functions of the notebooks. Its functions panic on an error, because a panic
// ends a cell with the error. A Preset is the size of the work, chosen once at the top of a
// notebook.
package lab

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/gomlx/compute"

	"github.com/lipsmooth/lipsmooth/notebooks/show"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// Must returns v, and panics where there is an error.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Check prints a claim that holds, and panics with one that doesn't. So a notebook fails where its
// claim fails.
func Check(holds bool, claim string, args ...any) {
	claim = fmt.Sprintf(claim, args...)
	if !holds {
		panic("claim fails: " + claim)
	}
	fmt.Println("holds:", claim)
}

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
	p := Must(sample.New(Backend(), m, Must(sample.SettingsOf(s.Run))))
	defer p.Close()
	all := Must(p.Draws(sample.Example{Image: Pixels(d, i), Index: i},
		sample.Request{Sigma: s.Sigma, Seed: s.Seed}, sample.Estimation, 0))
	for block := range slices.Chunk(all, d.Size()) {
		noisy = append(noisy, picture(d, block))
	}
	return noisy[:min(count, len(noisy))]
}

// Run reads a run's folder as the commands do. It reads the rows, and chooses the temperature of
// soft votes at alpha on the tuning images.
func Run(dir string, alpha float64) *certify.Run {
	s := Must(certify.Load(dir, certify.Default().At(alpha)))
	if s.Tau < 0 {
		panic(dir + ": no tuning images to choose a temperature of soft votes on: sample with " +
			"--tuning")
	}
	return s
}

// Certify certifies a run at alpha by the methods named.
func Certify(s *certify.Run, alpha float64, methods ...string) *certify.Result {
	return Must(s.Certify(certify.Default().At(alpha, methods...)))
}

// MNIST returns the test split of MNIST.
func MNIST() *data.Dataset { return Must(data.Load("mnist", data.Test)) }

// Pixels returns image i of a dataset, [height, width, channels] in [0, 1].
func Pixels(d *data.Dataset, i int) []float32 {
	x := make([]float32, d.Size())
	if err := d.Images(x, []int{i}); err != nil {
		panic(err)
	}
	return x
}

// Image returns image i of a dataset for a gallery.
func Image(d *data.Dataset, i int) show.Image { return picture(d, Pixels(d, i)) }

func picture(d *data.Dataset, x []float32) show.Image {
	return show.Image{Pixels: x, Height: d.Height, Width: d.Width, Channels: d.Channels}
}

// Gallery returns the first images of a run, each with what a method certifies at alpha.
func Gallery(s *certify.Run, d *data.Dataset, method string, alpha float64,
	count int) (images []show.Image) {
	results := Certify(s, alpha, method).Curves[0].Results
	for i, r := range results[:min(count, len(results))] {
		m := Image(d, s.Rows[i].Index)
		m.Class, m.Wrong, m.Radius = "abstained", !r.Right(), r.Radius
		if r.Class != rs.Abstain {
			m.Class = d.ClassNames[r.Class]
		}
		images = append(images, m)
	}
	return images
}

// Certified returns the images of a gallery that are right and certified at a radius.
func Certified(gallery []show.Image, radius float64) (images []show.Image) {
	for _, m := range gallery {
		if !m.Wrong && m.Radius >= radius || radius == 0 {
			images = append(images, m)
		}
	}
	return images
}

// Layers returns the rows of a table: the proved bound of each layer of a model, and Λ.
func Layers(m *training.Model) (rows [][]any) {
	for _, l := range m.Info.Layers {
		rows = append(rows, []any{l.Layer, l.Bound.Value()})
	}
	return append(rows, []any{"Λ, every difference of two logits", m.Lambda.Value()})
}

// Votes returns the rows of a table: each class with votes, and its votes in both draws.
func Votes(e *rs.Evidence) (rows [][]any) {
	for class := range e.Selection {
		if e.Selection[class]+e.Estimation[class] > 0 {
			rows = append(rows, []any{class, e.Selection[class], e.Estimation[class]})
		}
	}
	return rows
}
