package nets

import (
	"context"
	"fmt"
	"slices"

	"github.com/lipsmooth/lipsmooth/notebooks/lab"
	"github.com/lipsmooth/lipsmooth/notebooks/show"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/attack"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// An Adversarial is an image, and the nearest image found to which the classifier gives another
// class.
type Adversarial struct {
	show.Image           // with its class, certified radius and attack
	Toward     []float32 // the perturbation, of the norm of the attack
	As         string    // the class it is taken for
}

// attacked is the classifier that a method certifies.
func attacked(s *certify.Run, method string) attack.Smoothing {
	switch method {
	case "margin":
		return attack.Smoothing{}
	case "lipschitz", "paper":
		return attack.Smoothing{Sigma: s.Sigma, Tau: s.Tau}
	}
	return attack.Smoothing{Sigma: s.Sigma}
}

// Victims are the first images of a run that a method certifies right at alpha, this many of them.
type Victims struct {
	Run    *certify.Run
	Model  *training.Model
	Data   *data.Dataset
	Method string
	Alpha  float64
	Count  int
}

// Adversarials attacks images, under the classifier that their method certifies.
func Adversarials(p lab.Preset, v Victims) (found []Adversarial) {
	d := v.Data
	results := lab.Certify(v.Run, v.Alpha, v.Method).Curves[0].Results
	problem := attack.Problem{Smoothing: attacked(v.Run, v.Method), Seed: 1}
	for i, r := range results {
		if r.Right() && len(found) < v.Count {
			image := lab.Image(d, v.Run.Rows[i].Index)
			image.Class, image.Radius = d.ClassNames[r.Label], r.Radius
			found = append(found, Adversarial{Image: image})
			problem.Images = append(problem.Images, image.Pixels...)
			problem.Labels = append(problem.Labels, r.Label)
		}
	}
	target := lab.Must(attack.New(Backend(), v.Model))
	defer target.Close()
	effort := attack.Effort{Steps: p.Steps, Samples: p.Samples, Restarts: 1}
	search := attack.Search{Attacks: effort.Attacks(attack.Margin{}), Trial: 200, Draws: 2000,
		Level: rs.SimultaneousAlpha(v.Alpha, max(1, len(found)))}
	for i, f := range lab.Must(search.Smallest(context.Background(), target, problem, nil, nil)) {
		a := &found[i]
		a.Attack, a.Toward = f.Radius, make([]float32, d.Size())
		if f.Class < 0 || f.Perturbation == nil {
			continue
		}
		a.As = d.ClassNames[f.Class]
		norm := attack.Norms(f.Perturbation, make([]float32, d.Size()), d.Size())[0]
		for k, v := range f.Perturbation {
			a.Toward[k] = v * float32(f.Radius/norm)
		}
	}
	return found
}

// At returns the image moved by this distance towards the image that fools the classifier. Its note
// is certified, in the gap, or fooled.
func (a Adversarial) At(distance float64) show.Image {
	m := show.Image{Pixels: slices.Clone(a.Pixels), Height: a.Height, Width: a.Width,
		Channels: a.Channels, Class: a.Class, Note: "certified"}
	if a.As != "" {
		for k, v := range a.Toward {
			m.Pixels[k] += v * float32(distance/a.Attack)
		}
	}
	switch {
	case distance >= a.Attack:
		m.Class, m.Wrong, m.Note = a.As, true, fmt.Sprintf("fooled at %.2f", a.Attack)
	case distance >= a.Radius:
		m.Note = "in the gap"
	}
	return m
}

// Moved returns each image moved by this distance towards the image that fools the classifier. A
// negative distance moves it all the way.
func Moved(found []Adversarial, distance float64) (images []show.Image) {
	for _, a := range found {
		r := distance
		if r < 0 {
			r = a.Attack
		}
		images = append(images, a.At(r))
	}
	return images
}

// Certificates returns the unchanged images with their certified radius.
func Certificates(found []Adversarial) (images []show.Image) {
	for _, a := range found {
		a.Image.Attack = 0
		images = append(images, a.Image)
	}
	return images
}
