// Package proof carries proved bounds from the packages that prove them to package rs. The package
// is internal, so no program outside this module can call a number proved.
package proof

// A Lipschitz is a proved bound on the Lipschitz constant (l2) of every difference of two logits.
type Lipschitz struct{ bound float64 }

// Of returns the proved bound of that value.
func Of(value float64) Lipschitz { return Lipschitz{value} }

// Value returns the bound.
func (l Lipschitz) Value() float64 { return l.bound }
