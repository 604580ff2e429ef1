package export

import (
	"os"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training"
)

// OnRuntime is a trained model that ONNX Runtime computes on the CPU, from the file that [Model]
// writes. The classifier that is certified is the one that ONNX Runtime computes. In real
// arithmetic it is the model, so the proved Lipschitz constant holds.
type OnRuntime struct {
	model *training.Model
	file  *onnx.Classifier
}

var _ sample.Host = (*OnRuntime)(nil)

// Open exports m and opens it in ONNX Runtime. It returns the errors of [Model], [Compare] and
// [onnx.Load], among them [onnx.ErrNoRuntime]. Close frees it.
func Open(m *training.Model) (r *OnRuntime, err error) {
	if _, err := onnx.Library(); err != nil {
		return nil, err
	}
	f, err := Model(m)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "lipsmooth-export-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "model.onnx")
	if _, err := f.WriteFile(path, m); err != nil {
		return nil, err
	}
	file, err := onnx.Load(path, options(m))
	return &OnRuntime{m, file}, err
}

// options read a file of m.
func options(m *training.Model) onnx.Options {
	size, classes := m.Shape()
	return onnx.Options{Size: size, Layout: onnx.NCHW, Classes: classes, Scale: onnx.Logits}
}

// Shape returns the size of an image, h, w, c, and the number of classes.
func (r *OnRuntime) Shape() (size [3]int, classes int) { return r.model.Shape() }

// Identity is that of the model.
func (r *OnRuntime) Identity() countlog.Model { return r.model.Identity() }

// PairWeights are those of the model.
func (r *OnRuntime) PairWeights() [][]float64 { return r.model.PairWeights() }

// MarginError is 0: no bound is known on the float32 rounding of ONNX Runtime.
func (r *OnRuntime) MarginError(float64) (float64, error) { return 0, nil }

// Runtime names the library that computes the logits.
func (r *OnRuntime) Runtime() (name string, versions map[string]string) { return r.file.Runtime() }

// At returns the classifier of noisy images.
func (r *OnRuntime) At(sigma float64) (sample.Predictor, error) { return r.file.At(sigma) }

// Close frees what ONNX Runtime holds; no call may be under way.
func (r *OnRuntime) Close() { r.file.Close() }
