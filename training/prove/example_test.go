package prove_test

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/training/prove"
)

// The Lipschitz constant of a network of AOL layers that PyTorch exported.
func ExampleFile() {
	p, err := prove.File("testdata/aol.onnx", prove.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d classes, images %v: Λ = %.3f, %s\n", p.Classes, p.Image, p.Lambda.Value(),
		p.Lambda.Source())
	// Output: 10 classes, images [3 8 8]: Λ = 0.472, proved from the file
}
