package net_test

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// The layers of a classifier of MNIST, each with the size of its input.
func ExampleNew() {
	n, err := net.New(lip.Size{28, 28, 1}, 10,
		net.Setting{Architecture: "conv", Convolution: "aol", Width: 16})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, layer := range n.Layers {
		fmt.Printf("%-9v %v\n", n.Sizes()[i], layer)
	}
	// Output:
	// 28×28×1   space to depth 2×2
	// 14×14×4   conv 3×3 16 (aol)
	// 14×14×16  MaxMin
	// 14×14×16  space to depth 2×2
	// 7×7×64    conv 3×3 32 (aol)
	// 7×7×32    MaxMin
	// 7×7×32    flatten
	// 1568      dense 128 (Björck)
	// 128       MaxMin
	// 128       dense 128 (Björck)
	// 128       MaxMin
	// 128       dense 10 (Björck)
}

// The proof of two linear layers: their product is larger than the bound of the one map they make.
func ExampleNetwork_Prove() {
	n, err := net.Of(lip.Size{2}, lip.Dense{Units: 2}, lip.Dense{Units: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	none := tensors.FromValue([]float32{0, 0})
	p := n.Prove([][]*tensors.Tensor{
		{tensors.FromValue([][]float32{{1, 0}, {0, 0.5}}), none}, // a matrix and a bias
		{tensors.FromValue([][]float32{{0, 0}, {1, -1}}), none},
	})
	fmt.Printf("layers   %.3f, %.3f\n", p.Layers[0].Value(), p.Layers[1].Value())
	fmt.Printf("product  %.3f\n", p.Product.Value())
	fmt.Printf("composed %.3f\n", p.Composed.Value())
	// Output:
	// layers   1.000, 1.414
	// product  2.000
	// composed 1.000
}
