package rs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Ranger is a Method that also says how far its certificate could still come.
type Ranger interface {
	Method
	// Ceiling returns a radius. The certificate of e, after endless draws, falls short of this
	// radius with probability at least 1-alpha. It is negative where that certificate would
	// abstain. Ceiling certifies nothing.
	Ceiling(e *Evidence, alpha float64) (float64, error)
}

// A Rule says when an estimation draw has answered its question and may end. No certificate rests
// on a Rule. Certificates of draws that end early hold whatever the rule.
type Rule struct {
	// Radius asks whether the certified radius is at least Radius. Where Radius is 0, Width asks
	// whether the radius is known within this fraction of itself. Both are also answered where the
	// certificate will abstain.
	Radius, Width float64
}

// ParseRule reads "radius>=0.5" or "width<=5%".
func ParseRule(text string) (Rule, error) {
	s := strings.ReplaceAll(text, " ", "")
	positive := func(s string) (float64, bool) {
		v, err := strconv.ParseFloat(s, 64)
		return v, err == nil && v > 0 && !math.IsInf(v, 1)
	}
	if at, ok := strings.CutPrefix(s, "radius>="); ok {
		if v, ok := positive(at); ok {
			return Rule{Radius: v}, nil
		}
	}
	if at, ok := strings.CutPrefix(s, "width<="); ok {
		number, percent := strings.CutSuffix(at, "%")
		if v, ok := positive(number); ok {
			if percent {
				v /= 100
			}
			return Rule{Width: v}, nil
		}
	}
	return Rule{}, fmt.Errorf("%q is no rule: want radius>=0.5 or width<=5%%, with a positive "+
		"number", text)
}

func (r Rule) String() string {
	if r.Radius > 0 {
		return fmt.Sprintf("radius>=%g", r.Radius)
	}
	return fmt.Sprintf("width<=%.12g%%", 100*r.Width)
}

// Settled reports whether the draws of e answer the question about m's certificate.
func (r Rule) Settled(e *Evidence, m Ranger, alpha float64) (bool, error) {
	c, err := m.Certify(e, alpha)
	if err != nil {
		return false, err
	}
	ceiling, err := m.Ceiling(e, alpha)
	switch {
	case err != nil:
		return false, err
	case ceiling < 0:
		return true, nil
	case r.Radius > 0:
		return c.Class != Abstain && c.Radius >= r.Radius || ceiling < r.Radius, nil
	}
	return c.Class != Abstain && ceiling-c.Radius <= r.Width*c.Radius, nil
}
