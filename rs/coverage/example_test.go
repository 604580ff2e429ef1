package coverage_test

import (
	"context"
	"fmt"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/coverage"
)

// 1,000 simulated certificates of ten classes, 900 of 1,000 draws expected for the first.
func ExampleSimulate() {
	shape, err := coverage.ShapeByName("zipf")
	if err != nil {
		fmt.Println(err)
		return
	}
	c := coverage.Case{Shape: "zipf", P: shape.P(10, 0.9, 1), Sigma: 0.5, N0: 100, N: 1000}
	outcomes, err := coverage.Simulate(context.Background(), c,
		coverage.Options{Alpha: 0.05, Trials: 1000, Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range outcomes[:4] {
		low, high := o.Interval(0.95)
		fmt.Printf("%-10s mean radius %.3f, wrong %.3f (%.3f to %.3f)\n",
			o.Method, o.Mean, o.Miscoverage(), low, high)
	}
	// Output:
	// mono       mean radius 0.594, wrong 0.040 (0.029 to 0.054)
	// bonferroni mean radius 0.689, wrong 0.001 (0.000 to 0.006)
	// cpm        mean radius 0.661, wrong 0.001 (0.000 to 0.006)
	// twobound   mean radius 0.708, wrong 0.011 (0.006 to 0.020)
}

// CheckBound finds a bound that is wrong too often: Clopper–Pearson at 2α.
func ExampleCheckBound() {
	fmt.Println(coverage.CheckBound(rs.Hoeffding{}))
	fmt.Println(coverage.CheckBound(twice{}))
	// Output:
	// <nil>
	// twice: of 1 votes of mean 0.055 the lower bound at α = 0.05 is wrong with probability 0.055
}

type twice struct{ rs.ClopperPearson }

func (twice) Name() string { return "twice" }

func (t twice) Lower(s rs.Sample, alpha float64) float64 {
	return t.ClopperPearson.Lower(s, 2*alpha)
}
