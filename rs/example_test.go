package rs_test

import (
	"fmt"
	"math"

	"github.com/lipsmooth/lipsmooth/rs"
)

// One image, 100 draws to select the class and 10,000 to bound it.
func Example() {
	e := &rs.Evidence{
		Sigma:      0.5,
		Selection:  rs.Votes{1, 88, 6, 5},
		Estimation: rs.Votes{130, 8900, 550, 420},
	}
	e.Class = e.Selection.Top()
	for _, m := range []rs.Method{rs.Mono{}, rs.CPM{}, rs.TwoBound{}} {
		c, err := m.Certify(e, 0.001)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%T: class %d, radius %.4f\n", m, c.Class, c.Radius)
	}
	// Output:
	// rs.Mono: class 1, radius 0.5875
	// rs.CPM: class 1, radius 0.6747
	// rs.TwoBound: class 1, radius 0.6757
}

// The exact radius of a score that is 1-Lipschitz, between no assumption and no noise.
func ExampleSmoothed_Radius() {
	for _, l := range []float64{math.Inf(1), 4, 1, 0.25} {
		fmt.Printf("L = %g: %.4f\n", l, rs.Smoothed{Sigma: 0.5, L: l}.Radius(0.9))
	}
	// Output:
	// L = +Inf: 0.6408
	// L = 4: 0.6474
	// L = 1: 0.7431
	// L = 0.25: 1.6786
}

// Soft votes: 1,000 margins, most of them above the temperature 1.
func ExampleLipschitz() {
	e := &rs.Evidence{
		Sigma:      0.12,
		Estimation: rs.Votes{1000, 0},
		Margins: rs.Histogram{Edges: []float64{0, 0.5, 1, 1.5},
			Counts: []int{0, 5, 45, 400, 550}},
	}
	for _, tau := range []float64{0, 1, 1.5} {
		c, err := rs.Lipschitz{Lambda: rs.Claim(1.4), Tau: tau}.Certify(e, 0.001)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("tau = %g: radius %.4f, by %s\n", tau, c.Radius, c.Ledger[0].Bound)
	}
	// Output:
	// tau = 0: radius 0.2956, by clopper-pearson
	// tau = 1: radius 0.7502, by star
	// tau = 1.5: radius 0.8691, by star
}

func ExampleClopperPearson() {
	s := rs.Bernoulli(990, 1000)
	fmt.Printf("%.6f %.6f\n", rs.ClopperPearson{}.Lower(s, 0.001),
		rs.ClopperPearson{}.Upper(s, 0.001))
	// Output:
	// 0.976036 0.997030
}
