package certify_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// A table of votes becomes a run, which two methods certify.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	dir = filepath.Join(dir, "run")
	votes := countlog.Import{Estimation: countlog.Source{Path: "testdata/votes.tsv"}, Name: "theirs",
		Sigma: 0.5, Classes: 3}
	if _, _, err := votes.Write(context.Background(), dir); err != nil {
		log.Fatal(err)
	}

	run, err := certify.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	config := certify.Default()
	config.Methods, config.Radii = []string{"mono", "twobound"}, []float64{0, 0.5, 1}
	result, err := run.Certify(config)
	if err != nil {
		log.Fatal(err)
	}
	result.Accuracy().WriteText(os.Stdout)
	for i, r := range result.Curves[1].Results {
		fmt.Printf("image %d: class %d within %.3f, true %d\n", result.Indices[i], r.Class, r.Radius,
			r.Label)
	}
	if err := result.Save(dir); err != nil { // certificates.tsv, table.tsv, and their settings as JSON
		log.Fatal(err)
	}
	// Output:
	// method    alpha    r=0  r=0.5    r=1  average radius
	// mono      0.001  0.750  0.500  0.250          0.4379
	// twobound  0.001  0.750  0.500  0.250          0.4322
	// image 0: class 2 within 1.129, true 2
	// image 5: class 0 within 0.565, true 0
	// image 10: class 1 within 0.035, true 1
	// image 15: class 1 within 0.979, true 2
}
