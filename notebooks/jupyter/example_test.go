package jupyter_test

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/notebooks/jupyter"
)

// The notebooks of the checkout that holds this folder.
func ExampleFind() {
	home, err := jupyter.Here(".")
	if err != nil {
		fmt.Println(err)
		return
	}
	paths, err := jupyter.Find(home)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, path := range paths {
		fmt.Println(jupyter.Name(path))
	}
	// Output:
	// 01_quickstart
	// 02_intervals
	// 03_lipschitz
	// 04_train
	// 05_gap
	// 06_your_turn
	// 07_onnx
	// 08_cifar10
	// 09_imagenet
	// 10_python
}
