package plain

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

// Block is a residual block (He et al. 2016): relu(f(x) + s(x)). f is two 3×3 convolutions with
// batch normalisation and a ReLU between them. s is x itself, or a 1×1 convolution with batch
// normalisation where f changes the size: [h, w, in] to [⌈h/stride⌉, ⌈w/stride⌉, channels].
type Block struct {
	unproved
	Channels, Stride int // a stride of 0 means 1
}

func (b Block) String() string {
	s := fmt.Sprintf("residual block %d (plain", b.Channels)
	if b.Stride > 1 {
		s += fmt.Sprintf(", stride %d", b.Stride)
	}
	return s + ", batch norm)"
}

// Parts are the convolutions of f, then that of s, if there is one.
func (b Block) Parts(in lip.Size) []Convolution {
	parts := []Convolution{
		{Kernel: 3, Channels: b.Channels, Stride: b.Stride, Norm: true},
		{Kernel: 3, Channels: b.Channels, Norm: true},
	}
	if b.Stride > 1 || in[len(in)-1] != b.Channels {
		parts = append(parts, Convolution{Kernel: 1, Channels: b.Channels, Stride: b.Stride, Norm: true})
	}
	return parts
}

func (b Block) Out(in lip.Size) (lip.Size, error) {
	out, err := b.Parts(in)[0].Out(in)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", b, err)
	}
	if _, err := b.Parts(in)[1].Out(out); err != nil {
		return nil, fmt.Errorf("%v: %w", b, err)
	}
	return out, nil
}

// input is that of a part, as the second takes what the first gives.
func (b Block) input(part int, in lip.Size) lip.Size {
	if part == 1 {
		return lip.Size{0, 0, b.Channels} // whose height and width no weight depends on
	}
	return in
}

func inner(scope *model.Scope, part int) *model.Scope { return scope.In("part_%d", part) }

// Weights are the kernel and the bias of each part.
func (b Block) Weights(scope *model.Scope, g *Graph, in lip.Size) (w []*Node) {
	for i, c := range b.Parts(in) {
		w = append(w, c.Weights(inner(scope, i), g, b.input(i, in))...)
	}
	return w
}

// Apply implements lip.Layer.
func (b Block) Apply(x *Node, w []*Node) *Node {
	return b.through(x, func(i int, c Convolution, x *Node) *Node { return c.Apply(x, w[2*i:]) })
}

// Train is Apply in a training step, as Convolution.Train is.
func (b Block) Train(scope *model.Scope, x *Node, w []*Node) *Node {
	return b.through(x, func(i int, c Convolution, x *Node) *Node {
		return c.Train(inner(scope, i), x, w[2*i:])
	})
}

// through maps x by the block, each part by f.
func (b Block) through(x *Node, f func(i int, c Convolution, x *Node) *Node) *Node {
	parts := b.Parts(x.Shape().Dimensions)
	y := f(1, parts[1], relu(f(0, parts[0], x)))
	if len(parts) == 3 {
		x = f(2, parts[2], x)
	}
	return relu(Add(x, y))
}

func relu(x *Node) *Node { return MaxScalar(x, 0) }
