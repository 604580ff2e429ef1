package export_test

import (
	"bytes"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training/export"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// A network with weights becomes an ONNX file. Model does the same for a trained classifier.
func ExampleNetwork() {
	n, err := net.Of(lip.Size{1, 2, 1}, lip.Flat{}, lip.Dense{Units: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	identity := tensors.FromValue([][]float32{{1, 0}, {0, 1}})
	bias := tensors.FromValue([]float32{0, 0})
	file, err := export.Network(n, [][]*tensors.Tensor{nil, {identity, bias}},
		export.Property{Key: "task", Value: "which pixel is brighter"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var written bytes.Buffer
	if _, err := file.WriteTo(&written); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(file.Operators, "operators, whole:", written.Len() == file.Size())
	// Output:
	// 4 operators, whole: true
}
