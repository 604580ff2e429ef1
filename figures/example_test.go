package figures_test

import (
	"fmt"

	"github.com/lipsmooth/lipsmooth/figures"
)

// A figure has a plot, and the numbers of the plot in a table. Save writes both.
func ExampleExact() {
	f, err := figures.Exact(0.5, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Title)
	fmt.Println(f.Table.Columns)
	fmt.Println(len(f.Table.Rows), "rows; the middle one:", f.Table.Rows[len(f.Table.Rows)/2])
	// Output:
	// Radius certified by the mean of a Lipschitz score
	// [p cohen exact_0.5 published_0.5 exact_2 published_2]
	// 241 rows; the middle one: [0.968522 1.85951 2.14141 2.08975 1.87876 1.87849]
}

// A figure of List is drawn by its name. Its error says what the input lacks.
func ExampleByName() {
	entry, err := figures.ByName("radius")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(entry.Doc)
	_, err = entry.Draw(figures.Input{})
	fmt.Println(err)
	// Output:
	// Which part of the images does each method certify at each radius?
	// figure radius: no sampled examples to draw: lipsmooth sample
}
