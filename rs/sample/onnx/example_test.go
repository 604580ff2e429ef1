package onnx_test

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
)

// Load opens a classifier to sample from. Its error is one line that says what is wrong with the
// file.
func ExampleLoad() {
	_, err := onnx.Load("testdata/bad-nan.onnx", onnx.Options{})
	fmt.Println(err)
	// Output: onnx: bad-nan.onnx: the weights "head" hold NaN
}

// The options are part of the certified classifier, so run.json keeps them.
func ExampleOptions_Reading() {
	o := onnx.Options{Mean: []float64{0.5}, Std: []float64{0.25}, Resize: 256}
	r := o.Reading()
	fmt.Println("mean", r.Mean, "std", r.Std, "resize", r.Resize)
	// Output: mean 0.5 std 0.25 resize 256
}
