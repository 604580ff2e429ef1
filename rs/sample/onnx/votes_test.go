package onnx_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/peers"
	"github.com/lipsmooth/lipsmooth/internal/wheel"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
)

// python is an interpreter with onnxruntime. Where there is no Python, or without CI no network,
// the test is skipped.
func python(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: installs no onnxruntime for Python")
	}
	cache, err := wheel.Dir()
	if err != nil {
		t.Fatal(err)
	}
	peer, err := peers.ByNames([]string{"onnxruntime"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3 on PATH")
	}
	interpreter, err := peers.Environments{Dir: filepath.Join(cache, "peers"),
		Log: t.Output()}.Python(t.Context(), peer[0])
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("no onnxruntime for Python: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return interpreter
}

var _ sample.Host = (*onnx.Classifier)(nil)

// On the noise that a run draws, onnxruntime in Python gives the same logits, and its votes are
// those of the evidence.
func TestVotesAreThoseOfPython(t *testing.T) {
	const n0, n, block, images, sigma, seed = 100, 400, 100, 2, 0.25, 7
	for _, c := range []model{
		{"residual", onnx.NCHW, onnx.Options{
			Mean: []float64{0.5, 0.4, 0.3}, Std: []float64{0.25, 0.2, 0.3},
		}},
		{"depthwise", onnx.NCHW, onnx.Options{}},
		{"vit", onnx.NCHW, onnx.Options{}},
		{"batchnorm", onnx.NCHW, onnx.Options{Mean: []float64{0.5}}},
		{"nhwc", onnx.NHWC, onnx.Options{Size: [3]int{12, 20, 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := onnx.OpenInTest(t, c.file(), c.options)
			interpreter := python(t)
			s, err := sample.NewOnHost(m, m.Size, m.Classes, sample.Settings{Block: block})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			values := m.Size[0] * m.Size[1] * m.Size[2]
			x := onnx.TestImages(images, m.Size)
			var noisy []float32
			for i := range images {
				for _, phase := range []struct {
					sample.Phase
					draws int
				}{{sample.Selection, n0}, {sample.Estimation, n}} {
					for b := range phase.draws / block {
						draws, err := s.Draws(sample.Example{Image: x[i*values : (i+1)*values], Index: i},
							sample.Request{Sigma: sigma, Seed: seed}, phase.Phase, b)
						if err != nil {
							t.Fatal(err)
						}
						noisy = append(noisy, draws...)
					}
				}
			}
			theirs := c.logitsOfPython(t, interpreter, m.Size, noisy)
			ours, err := m.Logits(noisy, len(noisy)/values)
			if err != nil {
				t.Fatal(err)
			}
			furthest := 0.0
			for i, z := range ours {
				furthest = max(furthest, math.Abs(float64(z)-float64(theirs[i])))
			}
			if !(len(ours) == len(theirs) && furthest <= 1e-5) {
				t.Errorf("%d logits, %d in Python, %.3g apart", len(ours), len(theirs), furthest)
			}
			classes := map[int]bool{}
			for i := range images {
				e, err := s.Evidence(sample.Example{Image: x[i*values : (i+1)*values], Index: i},
					sample.Request{Sigma: sigma, N0: n0, N: n, Seed: seed})
				if err != nil {
					t.Fatal(err)
				}
				rows := theirs[i*(n0+n)*m.Classes : (i+1)*(n0+n)*m.Classes]
				selection, estimation := votes(rows[:n0*m.Classes], m.Classes), votes(rows[n0*m.Classes:],
					m.Classes)
				if !slices.Equal(e.Selection, selection) || !slices.Equal(e.Estimation, estimation) {
					t.Errorf("image %d: votes %v and %v, in Python %v and %v", i, e.Selection, e.Estimation,
						selection, estimation)
				}
				for class, v := range estimation {
					classes[class] = classes[class] || v > 0
				}
			}
			t.Logf("logits %.2g apart at most; votes for %d classes", furthest, len(classes))
		})
	}
}

func votes(z []float32, classes int) rs.Votes {
	v := make(rs.Votes, classes)
	for row := range slices.Chunk(z, classes) {
		v[slices.Index(row, slices.Max(row))]++
	}
	return v
}

// model is a file of testdata, its layout, and how it is read.
type model struct {
	name    string
	layout  onnx.Layout
	options onnx.Options
}

func (c model) file() string { return filepath.Join("testdata", c.name+".onnx") }

// logitsOfPython are the logits of images of a size, by ONNX Runtime in Python.
func (c model) logitsOfPython(t *testing.T, interpreter string, size [3]int,
	images []float32) []float32 {
	t.Helper()
	var text bytes.Buffer
	if err := binary.Write(&text, binary.NativeEndian, images); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "images.f32")
	if err := os.WriteFile(path, text.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	channels := func(given []float64, none float64) string {
		if given == nil {
			given = []float64{none}
		}
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(given), "[]"), " ", ",")
	}
	cmd := exec.CommandContext(t.Context(), interpreter, "-I", filepath.Join("testdata", "logits.py"),
		c.file(), "logits", path, fmt.Sprint(size[0]), fmt.Sprint(size[1]), fmt.Sprint(size[2]),
		string(c.layout), channels(c.options.Mean, 0), channels(c.options.Std, 1))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	z := make([]float32, len(out)/4)
	if err := binary.Read(bytes.NewReader(out), binary.NativeEndian, z); err != nil {
		t.Fatal(err)
	}
	return z
}
