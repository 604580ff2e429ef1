package training

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lipsmooth/lipsmooth/internal/named"
)

// Axis is a field of Config and the values that a sweep gives it.
type Axis struct {
	Field
	Values []string // as Text writes them
}

// NewAxis varies a field of [Fields]. Its name becomes a part of folders' names.
func NewAxis(name string, values ...string) (Axis, error) {
	f, err := named.Find("field", name, Fields, func(f Field) string { return f.Name })
	if err != nil {
		return Axis{}, fmt.Errorf("training: %w", err)
	}
	a := Axis{Field: f}
	for _, text := range values {
		var c Config
		if err := a.Set(&c, text); err != nil {
			return a, fmt.Errorf("training: %s: %w", name, err)
		}
		a.Values = append(a.Values, a.Text(&c))
	}
	return a, nil
}

// Point is one training of a sweep.
type Point struct {
	Name   string   // the values by field, fit for a folder: loss-emma_sigma-0.25
	Values []string // one for each axis, empty where the point's method doesn't take the field
	Config Config
}

// Sweep returns the points of the product of all axes, the last axis fastest. Each point is a
// complete Config. A field that the point's method doesn't take becomes 0, and a point that then
// equals an earlier one is left out. A field that no method takes is an error, and so is a value
// out of range.
func Sweep(base Config, axes ...Axis) ([]Point, error) {
	for _, a := range axes {
		for i, text := range a.Values {
			if text == "" {
				return nil, fmt.Errorf("training: %s: an empty value in its list", a.Name)
			}
			if slices.Contains(a.Values[:i], text) {
				return nil, fmt.Errorf("training: %s %s is given twice", a.Name, text)
			}
		}
	}
	configs := []Config{base}
	for _, a := range axes {
		var next []Config
		for _, c := range configs {
			for _, text := range a.Values {
				if err := a.Set(&c, text); err != nil {
					return nil, fmt.Errorf("training: %s: %w", a.Name, err)
				}
				next = append(next, c)
			}
		}
		configs = next
	}
	var taken []Field
	for _, f := range Fields {
		if f.takes != nil && slices.ContainsFunc(configs, func(c Config) bool {
			m, err := c.method()
			return err == nil && f.takes(m)
		}) {
			taken = append(taken, f)
		}
	}
	var points []Point
	seen := map[Config]bool{}
	for i, c := range configs {
		m, err := c.method()
		if err != nil {
			return nil, fmt.Errorf("training: %w", err)
		}
		for _, f := range taken {
			if !f.takes(m) {
				f.clear(&c)
			}
		}
		p := Point{Config: c.Complete()}
		var name []string
		for _, a := range axes {
			text := a.Text(&configs[i])
			if a.Text(&c) != text {
				p.Values = append(p.Values, "")
				continue
			}
			p.Values = append(p.Values, text)
			name = append(name, a.Name+"-"+text)
		}
		p.Name = cmp.Or(strings.Join(name, "_"), "point")
		if err := c.Validate(); err != nil {
			return nil, err
		}
		if !seen[p.Config] {
			seen[p.Config] = true
			points = append(points, p)
		}
	}
	return points, nil
}
