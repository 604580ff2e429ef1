package export

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	gomlx "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/internal/atomic"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// WriteFile replaces the file at path by f whole, once [Compare] has compared it with m. Where the
// two differ, it leaves the path as it was.
func (f *File) WriteFile(path string, m *training.Model) (compared string, err error) {
	err = atomic.WriteFile(path, func(w io.Writer) error {
		_, err := f.WriteTo(w)
		return err
	}, func(written string) (err error) {
		compared, err = Compare(written, m)
		return err
	})
	return compared, err
}

// comparedImages is a number of random images. farthest is how much an exported model's logits may
// differ on them, in units of the largest logit, or of 1.
const (
	comparedImages = 100
	farthest       = 1e-5
)

// Compare runs an exported file and its model on the same images: the file in ONNX Runtime, the
// model in pure Go, which needs no device and rounds as float32 should. It returns how far apart
// they are, or that there is no runtime. Too large a distance is an error.
func Compare(path string, m *training.Model) (string, error) {
	if _, err := onnx.Library(); errors.Is(err, onnx.ErrNoRuntime) {
		return "not compared with the model: " + err.Error(), nil
	}
	h, w, c := m.Input[0], m.Input[1], m.Input[2]
	file, err := onnx.Open(path, options(m))
	if err != nil {
		return "", err
	}
	defer file.Close()
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, comparedImages*h*w*c)
	for i := range x {
		x[i] = r.Float32()
	}
	theirs, err := file.Logits(x, comparedImages)
	if err != nil {
		return "", err
	}
	backend, err := device.PureGo()
	if err != nil {
		return "", err
	}
	values, err := m.Effective()
	if err != nil {
		return "", err
	}
	args := []any{tensors.FromFlatDataAndDimensions(x, comparedImages, h, w, c)}
	for _, layer := range values {
		for _, w := range layer {
			local, err := w.LocalClone() // m may be on another backend
			if err != nil {
				return "", err
			}
			args = append(args, local)
		}
	}
	z, err := gomlx.CallOnce(backend, func(in []*gomlx.Node) *gomlx.Node {
		weights, rest := make([][]*gomlx.Node, len(values)), in[1:]
		for i, layer := range values {
			weights[i], rest = rest[:len(layer)], rest[len(layer):]
		}
		return m.Network.Logits(in[0], weights)
	}, args...)
	if err != nil {
		return "", err
	}
	ours, err := tensors.CopyFlatData[float32](z)
	if err != nil {
		return "", err
	}
	apart, largest := 0.0, 1.0
	for i, z := range ours {
		apart, largest = max(apart, math.Abs(float64(z)-float64(theirs[i]))),
			max(largest, math.Abs(float64(z)))
	}
	if !(apart <= farthest*largest) {
		return "", fmt.Errorf("the file's logits are not the model's: in ONNX Runtime %s they "+
			"are %.2g apart on random images: nothing is written; please report it",
			file.Runtime(), apart)
	}
	return fmt.Sprintf("its logits in ONNX Runtime %s are the model's within %.2g, on %d random "+
		"images", file.Runtime(), apart, comparedImages), nil
}
