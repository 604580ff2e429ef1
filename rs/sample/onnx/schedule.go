package onnx

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// schedule is ᾱ by diffusion step, from 0: the share of the image in the variance of
// x_t = √ᾱ x_0 + √(1-ᾱ) ε. It falls.
type schedule struct {
	name string
	kept []float64 // ᾱ
	hash string    // of a table's text; empty for those with a name
}

// diffusionSteps of the schedules with a name.
const diffusionSteps = 1000

// newSchedule is linear (Ho et al. 2020: β from 1e-4 to 0.02), cosine (Nichol & Dhariwal 2021:
// s = 0.008, β at most 0.999), or a table: a text file with one ᾱ a line.
func newSchedule(name string) (*schedule, error) {
	s := &schedule{name: name}
	kept := 1.0
	switch name {
	case "":
		return nil, fmt.Errorf("it takes a diffusion step: say its schedule with --schedule: linear, " +
			"cosine, or a file with one ᾱ a line")
	case "linear":
		for t := range diffusionSteps {
			kept *= 1 - (1e-4 + (0.02-1e-4)*float64(t)/(diffusionSteps-1))
			s.kept = append(s.kept, kept)
		}
	case "cosine":
		f := func(t int) float64 { // ᾱ but for a factor
			c := math.Cos((float64(t)/diffusionSteps + 0.008) / 1.008 * math.Pi / 2)
			return c * c
		}
		for t := range diffusionSteps {
			kept *= 1 - min(0.999, 1-f(t+1)/f(t))
			s.kept = append(s.kept, kept)
		}
	default:
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("no schedule %q: known: linear, cosine, or a file with one ᾱ a line: %w",
				name, err)
		}
		s.name, s.hash = filepath.Base(name), hashOf(string(text))
		for i, line := range strings.Split(string(bytes.TrimRight(text, "\r\n")), "\n") {
			v, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
			if err != nil || !(0 < v && v <= 1) || i > 0 && v >= s.kept[i-1] {
				return nil, fmt.Errorf("%s:%d: ᾱ = %.40s: want numbers that fall, from at most 1 and over 0",
					name, i+1, strings.TrimSpace(line))
			}
			s.kept = append(s.kept, v)
		}
	}
	return s, nil
}

// noise is the standard deviation of a step's noise beside an image of [-1, 1].
func (s *schedule) noise(t int) float64 { return math.Sqrt((1 - s.kept[t]) / s.kept[t]) }

// rounded is the part of its noise that the digits of a table may take from a step.
const rounded = 1e-4

// step is the first whose noise is at least that of standard deviation sigma, in images in [0, 1].
// The model is so told of no less noise than there is.
func (s *schedule) step(sigma float64) (t int, err error) {
	for t := range s.kept {
		if s.noise(t) >= 2*sigma*(1-rounded) {
			return t, nil
		}
	}
	return 0, fmt.Errorf("σ = %g is more noise than that of the last step of schedule %s, %.3g", sigma,
		s.name, s.noise(len(s.kept)-1)/2)
}
