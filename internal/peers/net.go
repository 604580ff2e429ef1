// Package peers measures noisy forward passes of lipsmooth and of other libraries. All have the
// same net, weights, image and protocol. They take turns, and each runs alone on the machine.
//
// A vote step of the protocol takes one image, [side, side, 3], makes a batch of [Batch] copies,
// adds i.i.d. noise N(0, [Sigma]²) to each, runs the net, takes the argmax, and counts the votes
// for 10 classes on the host. A side is 32 unless asked otherwise. Everything is float32, but
// inputs of products may be rounded (countlog.BF16). Everything uses every core of the machine.
package peers

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/training/lip"
)

const (
	Batch   = 400  // images a vote step of a peer, a quarter where the side is over 64
	Sigma   = 0.25 // standard deviation of the noise
	Width   = 32   // channels of the first convolution
	Classes = 10
	Side    = 32 // of the image, in pixels
	colours = 3
)

// convolution is a 3×3 kernel, SAME padding, and a ReLU.
type convolution struct{ in, out, stride int }

var convolutions = [...]convolution{{colours, Width, 1}, {Width, Width, 2}, {Width, 2 * Width, 1},
	{2 * Width, 2 * Width, 2}}

// Net is convolutions, the mean over space, and a dense layer without bias.
type Net struct {
	side    int
	Image   []float32                    // [side, side, 3], uniform in [0, 1)
	kernels [len(convolutions)][]float32 // [3, 3, in, out], of variance 2/(9 in)
	dense   []float32                    // [2 Width, 10], of variance 1/(2 Width)
}

// NewNet draws image and weights. A side is even.
func NewNet(seed uint64, side int) *Net {
	r := rand.New(rand.NewPCG(seed, 0))
	normal := func(n int, variance float64) []float32 {
		w := make([]float32, n)
		for i := range w {
			w[i] = float32(r.NormFloat64() * math.Sqrt(variance))
		}
		return w
	}
	n := &Net{side: side, Image: make([]float32, side*side*colours)}
	for i := range n.Image {
		n.Image[i] = r.Float32()
	}
	for i, c := range convolutions {
		n.kernels[i] = normal(9*c.in*c.out, 2/(9*float64(c.in)))
	}
	n.dense = normal(2*Width*Classes, 1/(2.0*Width))
	return n
}

// WriteTo writes the file that peer.py reads: image, kernels and dense weights as little-endian
// float32, one after the other.
func (n *Net) WriteTo(w io.Writer) (written int64, err error) {
	for _, values := range append(append([][]float32{n.Image}, n.kernels[:]...), n.dense) {
		if err := binary.Write(w, binary.LittleEndian, values); err != nil {
			return written, fmt.Errorf("peers: weights: %w", err)
		}
		written += 4 * int64(len(values))
	}
	return written, nil
}

// network is the net for a Sampler.
type network struct {
	store *model.Store
	side  int
}

func kernel(i int) string { return fmt.Sprintf("/kernel%d", i) }

const dense = "/dense"

func (n *Net) network() network {
	store := model.NewStore()
	for i, c := range convolutions {
		k := tensors.FromFlatDataAndDimensions(n.kernels[i], 3, 3, c.in, c.out)
		store.VariableWithValue(kernel(i), k)
	}
	store.VariableWithValue(dense, tensors.FromFlatDataAndDimensions(n.dense, 2*Width, Classes))
	return network{store, n.side}
}

func (n network) Shape() ([3]int, int) { return [3]int{n.side, n.side, colours}, Classes }

func (n network) Variables() *model.Store { return n.store }

func (n network) Logits(_ *model.Scope, x *Node) *Node {
	g := x.Graph()
	for i, c := range convolutions {
		// SAME padding of an even side adds 3 - stride rows, the odd one at the end.
		pad := [2]int{(3 - c.stride) / 2, 1}
		w := n.store.GetVariable(kernel(i)).NodeValue(g)
		x = MaxScalar(lip.Forward(x, w, c.stride, [2][2]int{pad, pad}), 0)
	}
	return DotProduct(ReduceMean(x, 1, 2), n.store.GetVariable(dense).NodeValue(g))
}

// Logits of the image without noise, [10].
func (n *Net) Logits(backend compute.Backend) ([]float64, error) {
	c := n.network()
	exec, err := model.NewExec(backend, c.store, c.Logits)
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	defer exec.Finalize()
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(n.Image, 1, n.side, n.side, colours))
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	defer out[0].FinalizeAll()
	flat, err := tensors.CopyFlatData[float32](out[0])
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	return float64s(flat), nil
}

func float64s(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
