package lab

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/lipsmooth/lipsmooth/figures"
	"github.com/lipsmooth/lipsmooth/rs/certify"
	"github.com/lipsmooth/lipsmooth/training/data"
)

// CIFAR10 names CIFAR-10 where the machine has the dataset. Elsewhere the name is that of made-up
// colour patterns of ten classes, which CIFAR10 writes into a subfolder of dir in CIFAR's format.
// The note says which.
func CIFAR10(dir string) (images, note string) {
	if _, err := data.Load("cifar10", data.Test); err == nil {
		return "cifar10", "images: CIFAR-10"
	}
	images = filepath.Join(dir, "patterns")
	const last = "test_batch.bin"
	if _, err := os.Stat(filepath.Join(images, last)); err != nil {
		var names []string
		for k := range 10 {
			names = append(names, fmt.Sprint("pattern", k))
		}
		write(filepath.Join(images, "batches.meta.txt"), []byte(strings.Join(names, "\n")))
		for k := range uint64(5) {
			write(filepath.Join(images, fmt.Sprintf("data_batch_%d.bin", k+1)), patterns(1200, k))
		}
		write(filepath.Join(images, last), patterns(1000, 5))
	}
	return images, "images: made-up patterns, for want of CIFAR-10: set LIPSMOOTH_CIFAR10"
}

// patterns makes images of 32×32 in CIFAR's binary format. Each has the waves of its class, weaker
// ones of another class, and noise.
func patterns(count int, seed uint64) (file []byte) {
	r := rand.New(rand.NewPCG(8, seed))
	for range count {
		class, other := r.IntN(10), r.IntN(10)
		strength := 0.03 + 0.05*r.Float64()
		weaker := strength * r.Float64()
		file = append(file, byte(class))
		for i := range 3 * 32 * 32 {
			v := 0.5 + strength*wave(class, i) + weaker*wave(other, i) + 0.05*r.NormFloat64()
			file = append(file, byte(math.Round(255*min(max(v, 0), 1))))
		}
	}
	return file
}

// wave is entry i, in planes of 32×32, of the pattern of a class.
func wave(class, i int) float64 {
	x, y, plane := float64(i%32), float64(i/32%32), float64(i/1024)
	return math.Cos(2*math.Pi/32*(float64(1+class%3)*x+float64(class/3)*y) +
		plane*float64(1+class%2))
}

// BesideLogs draws the certificates of a run beside public tables of certificates. They are the
// tables in the folder LIPSMOOTH_COHEN2019 whose names have the same noise in training and in
// certification. Without the folder it draws the run alone. It prints which.
func BesideLogs(s *certify.Run, alpha float64) (*figures.Figure, error) {
	dir := os.Getenv("LIPSMOOTH_COHEN2019")
	if dir == "" {
		fmt.Println("the run alone: set LIPSMOOTH_COHEN2019 to a folder with the tables of " +
			"github.com/locuslab/smoothing, analysis/data/certify/cifar10/resnet110")
		return figures.Radius(Certify(s, alpha, "mono", "adaptive"))
	}
	var beside []figures.Other
	all, _, err := figures.ReadOther(dir, alpha)
	for _, o := range all {
		_, noise, _ := strings.Cut(o.Name, "_noise_")
		if trained, sampled, _ := strings.Cut(noise, "_sigma_"); trained == sampled {
			beside = append(beside, o)
		}
	}
	if err != nil {
		return nil, err
	}
	fmt.Println("beside", len(beside), "public tables")
	return Must(figures.ByName("logs")).Draw(figures.Input{Runs: []*certify.Run{s}, Alpha: alpha,
		Beside: beside})
}
