package training_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// halves are 4×4 images whose left (class 0) or right half (class 1) is bright, as idx files.
func halves() (train, test *data.Dataset, err error) {
	files := fstest.MapFS{}
	for split, n := range map[string]uint32{"train": 200, "test": 20} {
		images, labels := []byte{0, 0, 8, 3}, []byte{0, 0, 8, 1}
		for _, size := range []uint32{n, 4, 4} {
			images = binary.BigEndian.AppendUint32(images, size)
		}
		labels = binary.BigEndian.AppendUint32(labels, n)
		for i := range n {
			labels = append(labels, byte(i%2))
			for at := range uint32(16) {
				images = append(images, byte(50+i%20+150*((at/2+i+1)%2)))
			}
		}
		files[split+"-images-idx3-ubyte"] = &fstest.MapFile{Data: images}
		files[split+"-labels-idx1-ubyte"] = &fstest.MapFile{Data: labels}
	}
	return data.OpenFS(files, "halves")
}

// A small classifier, and its proof read back from the folder.
func ExampleTrain() {
	backend, err := device.PureGo()
	if err != nil {
		fmt.Println(err)
		return
	}
	above, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(above)

	job := training.Job{Config: training.Default(), Dir: filepath.Join(above, "model")}
	job.Config.Architecture, job.Config.Width = "dense", 2
	job.Config.Epochs, job.Config.Images, job.Config.Batch = 4, 0, 20
	if job.Train, job.Test, err = halves(); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := training.Train(context.Background(), backend, job); err != nil {
		fmt.Println(err)
		return
	}
	model, err := training.Load(job.Dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("accuracy", model.Metrics.Accuracy)
	for _, layer := range model.Layers {
		fmt.Printf("%-20s %.3f\n", layer.Layer, layer.Bound.Value())
	}
	fmt.Printf("Λ                    %.3f\n", model.Lambda.Value())
	// Output:
	// accuracy 1
	// flatten              1.000
	// dense 16 (Björck)    1.000
	// MaxMin               1.000
	// dense 16 (Björck)    1.000
	// MaxMin               1.000
	// dense 16 (Björck)    1.000
	// MaxMin               1.000
	// dense 2 (Björck)     1.000
	// Λ                    1.414
}

// A sweep has a point for every σ with every method.
func ExampleSweep() {
	sigma, err := training.NewAxis("sigma", "0.25", "0.5")
	if err != nil {
		fmt.Println(err)
		return
	}
	method, err := training.NewAxis("method", "gaussian", "stability")
	if err != nil {
		fmt.Println(err)
		return
	}
	points, err := training.Sweep(training.Default(), sigma, method)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range points {
		fmt.Println(p.Name)
	}
	// Output:
	// sigma-0.25_method-gaussian
	// sigma-0.25_method-stability
	// sigma-0.5_method-gaussian
	// sigma-0.5_method-stability
}
