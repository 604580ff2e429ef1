package lip_test

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/training/device"
	"github.com/lipsmooth/lipsmooth/training/lip"
	"gonum.org/v1/gonum/mat"
)

// Check trains a layer, proves its bound and looks for a slope above the bound.
func ExampleCheck() {
	backend, err := device.PureGo()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, layer := range []lip.Layer{
		lip.Dense{Units: 4},
		lip.Dense{Kind: "aol", Units: 4},
		lip.Activation{Kind: "maxmin"},
	} {
		bound, slope, err := lip.Check(backend, layer, lip.Size{6})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%v: proved %.3f (%s), observed %.3f\n", layer, bound.Value(), bound.Proof(), slope)
	}
	// Output:
	// dense 4 (Björck): proved 1.000 (Gram iteration, float64, outward), observed 1.000
	// dense 4 (aol): proved 1.000 (Gram iteration, float64, outward), observed 1.000
	// MaxMin: proved 1.000 (isometry), observed 1.000
}

// The bound is the largest singular value, √45, rounded up.
func ExampleSpectralNorm() {
	bound := lip.SpectralNorm(mat.NewDense(2, 2, []float64{3, 0, 4, 5}))
	fmt.Printf("%.4f by %s\n", bound.Value(), bound.Proof())
	// Output:
	// 6.7082 by Gram iteration, float64, outward
}
