package countlog_test

import (
	"fmt"
	"os"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// A run of another program: write its votes, read them again and certify them.
func ExampleCreate() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	run := countlog.Run{
		Format:   countlog.Format,
		Model:    countlog.Model{Name: "mine"},
		Dataset:  countlog.Dataset{Name: "digits", Split: "test", Classes: 3, Size: 10},
		Examples: countlog.Every(10),
		Sigma:    0.5, N0: 10, N: 100, Block: 10, Backend: "mine",
	}
	w, err := countlog.Create(dir, run)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = w.Append(&rs.Evidence{Index: 4, Label: 1, Sigma: 0.5, Class: 1,
		Selection: rs.Votes{1, 9, 0}, Estimation: rs.Votes{3, 95, 2},
		Clean: rs.Clean{Class: rs.Abstain}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}

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
		c, err := rs.TwoBound{}.Certify(e, 0.001)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("example %d: class %d, radius %.3f\n", e.Index, c.Class, c.Radius)
	}
	// Output:
	// example 4: class 1, radius 0.524
}
