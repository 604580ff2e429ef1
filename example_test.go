package main_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/device"
)

// From training to a figure in six calls, at sizes that take seconds.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "lipsmooth")
	check(err)
	defer os.RemoveAll(folder)
	backend, _, err := device.Open(ctx, device.Options{Log: io.Discard})
	check(err)
	job := training.Job{Config: training.Default(), Dir: filepath.Join(folder, "model"),
		Log: io.Discard}
	job.Config.Epochs, job.Config.Images, job.Config.Width = 1, 3840, 8
	job.Train, job.Test, err = data.Open("mnist")
	check(err)
	plan := sample.Default()
	plan.Images, plan.N0, plan.N = 20, 50, 200

	model, err := training.Train(ctx, backend, job)
	check(err)
	_, err = sample.Draw(ctx, backend, model, job.Test, plan, filepath.Join(folder, "run"))
	check(err)
	run, err := certify.Open(filepath.Join(folder, "run"))
	check(err)
	result, err := run.Certify(certify.Default())
	check(err)
	figure, err := figures.Radius(result)
	check(err)
	files, err := figure.Save(filepath.Join(folder, "figures"), "")
	check(err)

	average := map[string]float64{}
	for _, c := range result.Curves {
		average[c.Method] = rs.AverageRadius(c.Results)
	}
	fmt.Println("isoperimetric beats votes:", average["isoperimetric"] > average["mono"])
	for _, file := range files {
		fmt.Println(filepath.Base(file))
	}
	// Output:
	// isoperimetric beats votes: true
	// radius.svg
	// radius.png
	// radius.pdf
	// radius.tsv
	// radius.json
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
