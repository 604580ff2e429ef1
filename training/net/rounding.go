package net

import (
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// Rounding proves what float32 does to the logits of every float32 image within reach (l2) of the
// grey image, whose entries are all 1/2. The Proof is that of Prove.
func (n *Network) Rounding(weights [][]*tensors.Tensor, p lip.Proof, reach float64) (lip.Rounding,
	error) {
	// Centring rounds once, which has room for an entry below 2⁻¹²⁶ that is flushed to zero. The
	// other layers take an image's exact difference from 1/2 as their input.
	return n.chain(weights).Rounding(p.Layers, reach, 0x1p-24*reach)
}
