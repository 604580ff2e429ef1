package lab_test

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/notebooks/lab"
)

// Check prints a claim that holds. A claim that doesn't hold panics, which fails the notebook.
func ExampleCheck() {
	root := lab.Bisect(0, 2, func(x float64) bool { return x*x < 2 })
	lab.Check(root*root <= 2, "√2 = %.4f, from below", root)
	// Output:
	// holds: √2 = 1.4142, from below
}

// The largest radius that n equal votes certify, in units of σ.
func ExampleCeilings() {
	for _, row := range lab.Ceilings(0.001, 100, 10000) {
		fmt.Printf("%d votes: %.3f\n", row...)
	}
	// Output:
	// 100 votes: 1.500
	// 10000 votes: 3.199
}
