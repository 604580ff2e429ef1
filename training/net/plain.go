package net

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/plain"
)

// Names lists the names of Architectures and of plain.Architectures.
func Names() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for name := range maps.Keys(Architectures) {
			if !yield(name) {
				return
			}
		}
		maps.Keys(plain.Architectures)(yield)
	})
}

// IsPlain says whether an architecture has no Lipschitz bound.
func IsPlain(architecture string) bool { return plain.Architectures[architecture] != nil }

func newPlain(in lip.Size, classes int, name string, layers []lip.Layer) (*Network, error) {
	if classes < 2 {
		return nil, fmt.Errorf("a network needs at least 2 classes, not %d", classes)
	}
	n, err := Of(in, append(layers, lip.Dense{Kind: "free", Units: classes})...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}

// Plain says whether a layer is plain, so that nothing is proved of the network.
func (n *Network) Plain() bool {
	isPlain := func(l lip.Layer) bool { _, ok := l.(plain.Layer); return ok }
	return slices.ContainsFunc(n.Layers, isPlain)
}
