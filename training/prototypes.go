package training

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"github.com/lipsmooth/lipsmooth/training/net"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// startPrototypes puts the first prototypes where the training images are, if the network's last
// layer has prototypes and no layer before it has weights: at the means of k-means in each class.
// Prototypes far from all images would never be the nearest, and so would never move.
func (m *Model) startPrototypes(store *model.Store, d *data.Dataset) error {
	last := len(m.Network.Layers) - 1
	p, ok := m.Network.Layers[last].(lip.Prototypes)
	if !ok || last != 1 {
		return nil
	}
	size, n := d.Size(), p.Classes*p.Each
	matrix := make([]float32, size*n)
	for class := range p.Classes {
		var of []int
		for i := range d.Len() {
			if d.Label(i) == class {
				of = append(of, i)
			}
		}
		if len(of) < p.Each {
			return fmt.Errorf("training: %d prototypes a class, but class %s has %d images: "+
				"take a smaller --width", p.Each, d.ClassNames[class], len(of))
		}
		images := make([]float32, len(of)*size)
		if err := d.Images(images, of); err != nil {
			return err
		}
		for i := range images {
			images[i] -= 0.5 // as net.Network.Logits does
		}
		for k, mean := range rows(kMeans(images, size, p.Each), size) {
			at := class*p.Each + k
			for i, v := range mean {
				matrix[i*n+at] = v
			}
		}
	}
	store.RootScope().In("model").In(net.LayerScope, last).VariableWithValue(lip.PrototypeMatrix,
		tensors.FromFlatDataAndDimensions(matrix, size, n))
	return nil
}

// lloydRounds of k-means bring the means close to where they stay.
const lloydRounds = 8

// kMeans returns so many means of the images, [images, size] row-major, by Lloyd's rounds from an
// even spread of images. A mean that no image is nearest to stays where it is.
func kMeans(images []float32, size, count int) []float32 {
	n := len(images) / size
	means := make([]float32, count*size)
	for k := range count {
		copy(means[k*size:][:size], images[k*n/count*size:][:size])
	}
	x := blas32.General{Rows: n, Cols: size, Stride: size, Data: images}
	scores := blas32.General{Rows: n, Cols: count, Stride: count, Data: make([]float32, n*count)}
	for range lloydRounds {
		half := make([]float32, count)
		for k, mean := range rows(means, size) {
			for _, v := range mean {
				half[k] += v * v / 2
			}
		}
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, x,
			blas32.General{Rows: count, Cols: size, Stride: size, Data: means}, 0, scores)
		sums, members := make([]float32, count*size), make([]int, count)
		for i, row := range rows(scores.Data, count) {
			nearest := 0
			for k := range row {
				if row[k]-half[k] > row[nearest]-half[nearest] {
					nearest = k
				}
			}
			members[nearest]++
			for j, v := range images[i*size:][:size] {
				sums[nearest*size+j] += v
			}
		}
		for k, c := range members {
			for j := range size {
				if c > 0 {
					means[k*size+j] = sums[k*size+j] / float32(c)
				}
			}
		}
	}
	return means
}
