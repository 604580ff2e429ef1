package sample_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// brighter tells whether the left or the right half of a 4×4 image is brighter: class 0 or 1. Its
// logits are the sums of each half, so that their difference is 4-Lipschitz.
type brighter struct{}

func (brighter) Shape() (size [3]int, classes int) { return [3]int{4, 4, 1}, 2 }

func (brighter) Variables() *model.Store { return model.NewStore() }

func (brighter) Logits(_ *model.Scope, images *Node) *Node {
	halves := Reshape(images, -1, 4, 2, 2) // [batch, row, half, column]
	return ReduceSum(halves, 1, 3)
}

func (brighter) Identity() countlog.Model {
	return countlog.Model{Name: "brighter", Hash: "1", Lambda: rs.Claim(4)}
}

func (brighter) MarginError(float64) (float64, error) { return 0, nil } // not known

// shades are images with one half brighter than the other, by 0.1 more from one image to the next.
type shades struct{}

func (shades) Shape() (size [3]int, classes int) { return [3]int{4, 4, 1}, 2 }

func (shades) Label(i int) int { return i % 2 }

func (shades) Images(dst []float32, indices []int) error {
	for k, i := range indices {
		for at := range 16 {
			dst[16*k+at] = 0.2
			if half := at % 4 / 2; half == i%2 {
				dst[16*k+at] += float32(i) / 10
			}
		}
	}
	return nil
}

func (shades) Identity() (countlog.Dataset, error) {
	return countlog.Dataset{Name: "shades", Hash: "1", Split: "test", Classes: 2, Size: 6}, nil
}

func Example() {
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

	plan := sample.Default()
	plan.Sigma, plan.Images, plan.N = 0.25, 0, 1000
	dir := filepath.Join(above, "run")
	drawn, err := sample.Draw(context.Background(), backend, brighter{}, shades{}, plan, dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d images, σ = %g, backend %s\n",
		drawn.Run.Examples.Count, drawn.Run.Sigma, drawn.Run.Backend)

	// Certificates need the folder alone.
	log, err := countlog.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	for e, err := range log.Rows() {
		if err != nil {
			fmt.Println(err)
			return
		}
		c, err := rs.Mono{}.Certify(e, 0.001)
		if err != nil {
			fmt.Println(err)
			return
		}
		if c.Class == rs.Abstain {
			fmt.Printf("image %d: abstained\n", e.Index)
			continue
		}
		fmt.Printf("image %d: class %d within %.1f\n", e.Index, c.Class, c.Radius)
	}
	// Output:
	// 6 images, σ = 0.25, backend go
	// image 0: abstained
	// image 1: class 1 within 0.2
	// image 2: class 0 within 0.3
	// image 3: class 1 within 0.5
	// image 4: class 0 within 0.6
	// image 5: class 1 within 0.6
}
