// Package proof carries proved bounds from the packages that prove them to package rs. The package
// is internal, so no program outside this module can call a number proved.
package proof

// What a bound was proved from.
const (
	Trained = "proved"               // the weights of a model that lipsmooth trained
	File    = "proved from the file" // an ONNX file
)

// A Lipschitz is a proved bound on the Lipschitz constant (l2) of every difference of two logits.
type Lipschitz struct {
	bound  float64
	source string
}

// Of returns the proved bound of that value for a model that lipsmooth trained.
func Of(value float64) Lipschitz { return Lipschitz{value, Trained} }

// FromFile returns the bound of that value that was proved from an ONNX file.
func FromFile(value float64) Lipschitz { return Lipschitz{value, File} }

// Value returns the bound.
func (l Lipschitz) Value() float64 { return l.bound }

// Source is Trained or File.
func (l Lipschitz) Source() string { return l.source }
