package xla

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
)

// backend of the tests is the pure-Go one, which compiles nothing.
var backend = func() compute.Backend {
	b, err := gobackend.New("")
	if err != nil {
		panic(err)
	}
	return b
}()

// load opens a file of the tests of package onnx.
func load(t *testing.T, path string, o onnx.Options) *onnx.Classifier {
	t.Helper()
	c, err := onnx.Load(path, o)
	if err != nil {
		if strings.Contains(err.Error(), onnx.ErrNoRuntime.Error()) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Logits are those of ONNX Runtime, for images of hashed numbers.
func TestLogits(t *testing.T) {
	for _, c := range []struct {
		file      string
		options   onnx.Options
		tolerance float64
	}{
		{file: "residual", options: onnx.Options{Mean: []float64{0.5, 0.4, 0.3},
			Std: []float64{0.25, 0.2, 0.3}}}, // a fixed batch of 2
		{file: "external", options: onnx.Options{Channels: onnx.BGR}},
		{file: "depthwise", options: onnx.Options{Size: [3]int{24, 20, 3}, Resize: 18}},
		{file: "depthwise", options: onnx.Options{Channels: onnx.Repeat}},
		{file: "vit"},
		{file: "batchnorm"},
		{file: "nhwc", options: onnx.Options{Size: [3]int{12, 20, 1}}},
		{file: "softmax", options: onnx.Options{Output: "probabilities"}},
		{file: "softmax", options: onnx.Options{Output: "probabilities", Std: []float64{5e-4}},
			tolerance: 1e-2}, // some are 0
		{file: "softmax", options: onnx.Options{Output: "score"}},
		{file: "float16", tolerance: 1e-2},
	} {
		t.Run(c.file, func(t *testing.T) {
			file := load(t, filepath.Join("..", "testdata", c.file+".onnx"), c.options)
			agree(t, file, max(c.tolerance, 1e-4))
		})
	}
}

// agree compares a file's logits.
func agree(t *testing.T, file *onnx.Classifier, tolerance float64) {
	t.Helper()
	n, err := New(backend, file)
	if err != nil {
		t.Fatal(err)
	}
	const count = 3
	s, classes := n.Shape()
	x := make([]float32, count*s[0]*s[1]*s[2])
	for i := range x {
		x[i] = float32(i*7919%1009)/1009*1.4 - 0.2
	}
	at, err := file.At(1)
	if err != nil {
		t.Fatal(err)
	}
	want, err := at.Logits(slices.Clone(x), count)
	if err != nil {
		t.Fatal(err)
	}
	got, err := n.logits(backend, tensors.FromFlatDataAndDimensions(x, count, s[0], s[1], s[2]))
	if err != nil || len(got) != count*classes {
		t.Fatal(len(got), err)
	}
	for i, w := range want {
		if !(math.Abs(float64(got[i]-w)) <= tolerance) {
			t.Errorf("logit %d is %v, of ONNX Runtime %v", i, got[i], w)
		}
	}
}

// The slope that is found lies below the bound that is proved, whatever the images are divided by.
func TestSlope(t *testing.T) {
	network := func(file string, o onnx.Options) *Network {
		path := filepath.Join("..", "..", "..", "..", "training", "prove", "testdata", file)
		n, err := New(backend, load(t, path, o))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for std, lambda := range map[float64]float64{1: 0.47153, 0.5: 0.94306} {
		slope, err := network("aol.onnx", onnx.Options{Std: []float64{std}}).Slope(backend, 10)
		if err != nil || slope > lambda || slope < lambda/5 {
			t.Errorf("std %v: a slope of %v below %v, %v", std, slope, lambda, err)
		}
	}
	if _, err := network("torchlip-dense.onnx", onnx.Options{}).Slope(backend, 1); err == nil ||
		err.Error() != "xla: torchlip-dense.onnx: GoMLX has no gradient of Sort" {
		t.Error(err)
	}
}
