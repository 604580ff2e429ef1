package show_test

import "github.com/lipsmooth/lipsmooth/notebooks/show"

// A table in a notebook's cell. A program outside a notebook shows nothing.
func ExampleRows() {
	show.Rows([]string{"method", "radius"}, []any{"mono", 0.5875}, []any{"cpm", 0.6747})
	// Output:
}
