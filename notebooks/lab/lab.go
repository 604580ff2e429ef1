// Package lab has the functions of the notebooks. Its functions panic on an error, because a panic
// ends a cell with the error. A Preset is the size of the work, chosen once at the top of a
// notebook. Functions that run a network are in package nets, because they link XLA, which doubles
// the start of a cell.
package lab

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/notebooks/show"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training/data"
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
func Image(d *data.Dataset, i int) show.Image { return Picture(d, Pixels(d, i)) }

// Picture returns pixels of the shape of a dataset's images for a gallery.
func Picture(d *data.Dataset, x []float32) show.Image {
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

// Votes returns the rows of a table: each class with votes, and its votes in both draws.
func Votes(e *rs.Evidence) (rows [][]any) {
	for class := range e.Selection {
		if e.Selection[class]+e.Estimation[class] > 0 {
			rows = append(rows, []any{class, e.Selection[class], e.Estimation[class]})
		}
	}
	return rows
}
