package attack_test

import (
	"context"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/training/attack"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// brighter tells which half of a 2×2 image is brighter: class 0 or 1. Its boundary lies at half of
// the difference of the halves.
type brighter struct{}

func (brighter) Shape() (size [3]int, classes int) { return [3]int{2, 2, 1}, 2 }

func (brighter) Variables() *model.Store { return model.NewStore() }

func (brighter) Logits(_ *model.Scope, images *Node) *Node { return ReduceSum(images, 1, 3) }

// Two images, at distances 0.3 and 0.1 from the boundary. Noise doesn't move the boundary of a
// linear classifier of two classes.
func ExampleSearch_Smallest() {
	backend, err := device.PureGo()
	if err != nil {
		fmt.Println(err)
		return
	}
	target, err := attack.New(backend, brighter{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer target.Close()
	images := attack.Batch{
		Images: []float32{0.8, 0.5, 0.8, 0.5, 0.5, 0.6, 0.5, 0.6},
		Labels: []int{0, 1},
	}
	effort := attack.Effort{Steps: 10, Samples: 16, Restarts: 1}
	search := attack.Search{Attacks: effort.Attacks(attack.Margin{}), Trial: 500, Draws: 5000,
		Level: 0.001}
	for _, sigma := range []float64{0, 0.25} {
		found, err := search.Smallest(context.Background(), target,
			attack.Problem{Batch: images, Smoothing: attack.Smoothing{Sigma: sigma}, Seed: 1}, nil, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, f := range found {
			fmt.Printf("σ = %g: class %d at distance %.1f\n", sigma, f.Class, f.Radius)
		}
	}
	// Output:
	// σ = 0: class 1 at distance 0.3
	// σ = 0: class 0 at distance 0.1
	// σ = 0.25: class 1 at distance 0.3
	// σ = 0.25: class 0 at distance 0.1
}
