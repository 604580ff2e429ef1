package rs

import (
	"fmt"
	"math"

	"github.com/lipsmooth/lipsmooth/internal/proof"
)

// A Constant bounds the Lipschitz constant (l2) of every difference of two logits, images being in
// [0, 1], and says whether this module proved the bound. What ascent or sampling finds is an
// estimate and no Constant. The zero Constant knows no bound.
type Constant struct {
	value  float64
	source string
}

const claimed = "claimed"

// Claim returns the bound that whoever brings a classifier answers for. It panics unless value is
// positive and finite.
func Claim(value float64) Constant { return constant(value, claimed) }

// Proved returns a bound that this module proved, in package training/lip or training/prove. It
// panics unless the bound is positive and finite.
func Proved(bound proof.Lipschitz) Constant { return constant(bound.Value(), bound.Source()) }

func constant(value float64, source string) Constant {
	if !(value > 0) || math.IsInf(value, 1) {
		panic(fmt.Sprintf("rs: Lipschitz constant %g, want a positive finite number", value))
	}
	return Constant{value, source}
}

// Value returns the bound, or 0 where none is known.
func (c Constant) Value() float64 { return c.value }

// Known reports whether there is a bound.
func (c Constant) Known() bool { return c.value > 0 }

// Proved reports whether this module proved the bound.
func (c Constant) Proved() bool { return c.Known() && c.source != claimed }

// Source is "proved", "proved from the file", "claimed", or empty where no bound is known.
func (c Constant) Source() string { return c.source }

// String is the bound and its source.
func (c Constant) String() string {
	if !c.Known() {
		return "unknown"
	}
	return fmt.Sprintf("%g (%s)", c.value, c.Source())
}

// check is an error of a method that needs a bound and has none.
func (c Constant) check(method string) error {
	if !c.Known() {
		return fmt.Errorf("%s: no bound on the Lipschitz constant of logit differences", method)
	}
	return nil
}
