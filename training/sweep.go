package training

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Axis is a field of Config and the values that a sweep gives it.
type Axis struct {
	Name  string
	text  []string // the values as they are written
	set   []func(*Config)
	value func(*Config) string
}

// NewAxis varies a field. The axis's name becomes a part of folders' names.
func NewAxis[T comparable](name string, field func(*Config) *T, values ...T) Axis {
	a := Axis{Name: name, value: func(c *Config) string { return fmt.Sprint(*field(c)) }}
	for _, v := range values {
		a.text = append(a.text, fmt.Sprint(v))
		a.set = append(a.set, func(c *Config) { *field(c) = v })
	}
	return a
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
		for i, text := range a.text {
			if text == "" {
				return nil, fmt.Errorf("training: %s: an empty value in its list", a.Name)
			}
			if slices.Contains(a.text[:i], text) {
				return nil, fmt.Errorf("training: %s %s is given twice", a.Name, text)
			}
		}
	}
	configs := []Config{base}
	for _, a := range axes {
		var next []Config
		for _, c := range configs {
			for _, set := range a.set {
				set(&c)
				next = append(next, c)
			}
		}
		configs = next
	}
	var taken []methodField
	for _, f := range methodFields {
		if slices.ContainsFunc(configs, func(c Config) bool {
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
		for k, a := range axes {
			text := a.value(&configs[i])
			if a.value(&c) != text {
				p.Values = append(p.Values, "")
				continue
			}
			p.Values = append(p.Values, text)
			name = append(name, axes[k].Name+"-"+text)
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
