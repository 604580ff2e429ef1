package training

import (
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/metric"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/net"
)

// A probe takes the accuracy of a network in training on some test images, without noise. It
// changes no variable.
type probe struct {
	batches []train.Batch // of one size
	exec    *model.ExecOneOutput
}

// How large a probe is, and how many steps lie between two.
const (
	probeImages  = 512
	probeBatches = 4 // of the training, at most
	probeEvery   = 50
)

// newProbe takes images of test at equal distances. A batch has as many as one of the training at
// most, so that the probe needs no more memory.
func newProbe(
	backend compute.Backend, store *model.Store, n *net.Network, test *data.Dataset, batch int,
) (*probe, error) {
	images := min(probeImages, probeBatches*batch, test.Len())
	count := (images + batch - 1) / batch
	size := images / count
	indices := make([]int, count*size)
	for i := range indices {
		indices[i] = i * test.Len() / len(indices)
	}
	p := new(probe)
	for b, err := range (&data.Sequence{Dataset: test, BatchSize: size, Indices: indices}).Iter() {
		if err != nil {
			return nil, err
		}
		p.batches = append(p.batches, b)
	}
	var err error
	p.exec, err = model.NewExec1(backend, store, func(scope *model.Scope, in []*Node) *Node {
		logits := n.Logits(in[0], n.Effective(scope.In("model"), in[0].Graph()))
		return metric.SparseCategoricalAccuracyGraph(scope, in[1:], []*Node{logits})
	})
	return p, err
}

// column is the name of the accuracy in training.tsv.
func (p *probe) column() string {
	images := len(p.batches) * p.batches[0].Labels[0].Shape().Size()
	return fmt.Sprintf("accuracy_%d_test_images_without_noise", images)
}

func (p *probe) accuracy() (float64, error) {
	sum := 0.0
	for _, b := range p.batches {
		right, err := p.exec.Call(b.Inputs[0], b.Labels[0])
		if err != nil {
			return 0, err
		}
		sum += scalar(right)
	}
	return sum / float64(len(p.batches)), nil
}
