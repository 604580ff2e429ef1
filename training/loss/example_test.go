package loss_test

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/loss"
)

// The losses of an image with a margin of 0, 0.5, 1 and 2. Each loss asks for a margin of 1.
func Example() {
	backend, err := device.PureGo()
	if err != nil {
		fmt.Println(err)
		return
	}
	labels := [][]int32{{0}}
	for _, entry := range loss.Losses {
		l := entry.New(1, 0.25, 1) // offset, temperature, gap
		fmt.Printf("%-12s", entry.Name)
		for _, margin := range []float32{0, 0.5, 1, 2} {
			value := graph.MustExecOnce(backend, func(labels, logits *graph.Node) *graph.Node {
				return l.Loss([]*graph.Node{labels}, []*graph.Node{logits})
			}, labels, [][]float32{{margin / 2, -margin / 2}})
			fmt.Printf(" %7.3f", value.Value())
		}
		fmt.Println()
	}
	// Output:
	// offset         4.018   2.127   0.693   0.018
	// emma           0.693   0.693   0.693   0.018
	// hkr            4.000   2.000   0.000   0.000
	// torchlip-hkr   4.000   2.000   0.000   0.000
	// lse-hkr        4.000   1.500  -1.000  -2.000
	// multi-margin   4.000   2.000   0.000   0.000
	// annealing      3.670   1.128   0.022   0.000
}
