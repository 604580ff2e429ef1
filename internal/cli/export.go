package cli

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/internal/atomic"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/export"
	"github.com/spf13/cobra"
)

func exportCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "export MODEL",
		Short: "Write a trained model as an ONNX file, for other tools",
		Long: `Write a model that lipsmooth trained as an ONNX file. Its input is "images", [N,
channels, height, width] in [0, 1]. Its output is "logits", [N, classes]. Both are float32, and N
is free. The weights are the proved ones, so the Λ in the file's metadata holds for the file in real
arithmetic. The float32 error of another runtime isn't proved.

Where ONNX Runtime is installed (setup --onnx), export compares the file's logits on random images
with the model's. It keeps the file only if they agree within 1e-5, or 1e-5 of the largest.`,
		Example: "  lipsmooth export models/mnist-0.25 --onnx mnist.onnx",
		Args:    one("model's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case path == "":
				return fmt.Errorf("name the file to write: --onnx f.onnx")
			case !strings.EqualFold(filepath.Ext(path), ".onnx"):
				return fmt.Errorf("--onnx %s: the name of an ONNX file ends in .onnx", path)
			case isONNX(args[0]):
				return fmt.Errorf("%s is a file: export takes the folder of a model that "+
					"lipsmooth trained", args[0])
			}
			if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
				return fmt.Errorf("--onnx %s: not a regular file: choose another name", path)
			}
			m, err := loadTrained(args[0])
			if err != nil {
				return err
			}
			f, err := export.Model(m)
			if err != nil {
				return err
			}
			compared, err := writeONNX(path, f, m)
			if err != nil {
				return fmt.Errorf("--onnx %w", err)
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "%s: %d operators of version %d, %d bytes; model %s, %.12s: Λ = %.5f, "+
				"proved, of real arithmetic\n",
				path, f.Operators, export.Opset, f.Size(), modelName(m), m.Hash, m.Lambda.Value())
			fmt.Fprintln(w, compared)
			return nil
		},
	}
	c.Flags().StringVar(&path, "onnx", "", "ONNX file to write; one of that name is replaced")
	return c
}

// writeONNX replaces the file at path by f whole, once it was compared with m; or it leaves it.
func writeONNX(path string, f *export.File, m *training.Model) (compared string, err error) {
	err = atomic.WriteFile(path, func(w io.Writer) error {
		_, err := f.WriteTo(w)
		return err
	}, func(written string) (err error) {
		compared, err = compare(written, m)
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

// compare runs an exported file and its model on the same images: the file in ONNX Runtime, the
// model in pure Go, which needs no device and rounds as float32 should. It returns how far apart
// they are, or that there is no runtime. Too large a distance is an error.
func compare(path string, m *training.Model) (string, error) {
	if _, err := onnx.Library(); errors.Is(err, onnx.ErrNoRuntime) {
		return "not compared with the model: " + err.Error(), nil
	}
	h, w, c := m.Input[0], m.Input[1], m.Input[2]
	file, err := onnx.Open(path, onnx.Options{Size: [3]int{h, w, c}, Layout: onnx.NCHW,
		Classes: m.Classes(), Scale: onnx.Logits})
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
	z, err := model.CallOnce(backend, m.Store, m.Logits,
		tensors.FromFlatDataAndDimensions(x, comparedImages, h, w, c))
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
