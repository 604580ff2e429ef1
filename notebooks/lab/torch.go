package lab

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/internal/atomic"
	"github.com/lipsmooth/lipsmooth/training/data"
)

var (
	//go:embed torch/train.py
	trainTorch []byte
	//go:embed torch/torch.onnx
	torchFile []byte // that the script made, with PyTorch 2.4.1
)

// torchImages of MNIST are what the script trains on.
const torchImages = 20000

// Torch trains a 1-Lipschitz network on MNIST in PyTorch, by the script torch/train.py, and returns
// its ONNX file in the folder dir. Where no python3 on PATH has PyTorch, the file is the one that
// the script made elsewhere. Torch prints which.
func Torch(dir string) (file string) {
	file = filepath.Join(dir, "torch.onnx")
	interpreter := torchPython()
	if interpreter == "" {
		write(file, torchFile)
		fmt.Println("no python3 with PyTorch on PATH: the file that torch/train.py made elsewhere")
		return file
	}
	images, labels := raw(Must(data.Load("mnist", data.Train)), torchImages)
	write(filepath.Join(dir, "images.u8"), images)
	write(filepath.Join(dir, "labels.u8"), labels)
	script := filepath.Join(dir, "train.py")
	write(script, trainTorch)
	var said bytes.Buffer
	command := exec.Command(interpreter, script, dir)
	command.Stderr = &said
	text, err := command.Output()
	if err != nil {
		panic(fmt.Sprintf("torch/train.py: %v: %s", err, &said))
	}
	fmt.Printf("trained here, in PyTorch: %s", text)
	return file
}

// torchPython is the first python3 on PATH that has PyTorch, or empty.
func torchPython() string {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		python := filepath.Join(dir, "python3")
		if exec.Command(python, "-c", "import importlib.util, sys; "+
			"sys.exit(importlib.util.find_spec('torch') is None)").Run() == nil {
			return python
		}
	}
	return ""
}

// raw is the first images of a dataset, [count, height, width, channels], and their labels, a byte
// each.
func raw(d *data.Dataset, count int) (images, labels []byte) {
	for i := range min(count, d.Len()) {
		images, labels = append(images, Must(d.Pixels(i))...), append(labels, byte(d.Label(i)))
	}
	return images, labels
}

func write(path string, text []byte) {
	if err := atomic.WriteBytes(path, text); err != nil {
		panic(err)
	}
}
