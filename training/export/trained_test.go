package export_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/sample"
	"github.com/lipsmooth/lipsmooth/rs/sample/onnx"
	"github.com/lipsmooth/lipsmooth/training"
	"github.com/lipsmooth/lipsmooth/training/data"
	"github.com/lipsmooth/lipsmooth/training/export"
)

var (
	modelFolder = flag.String("model", "", "the model that TestTrained exports; default: it trains a small one")
	dataset     = flag.String("data", "mnist", "the dataset that it was trained on")
)

// trained is the model of the flags, and the test split of its dataset.
func trained(t *testing.T) (*training.Model, *data.Dataset) {
	t.Helper()
	trainSet, testSet, err := data.Open(*dataset)
	if err != nil {
		t.Fatal(err)
	}
	var m *training.Model
	if *modelFolder == "" {
		c := training.Default()
		c.Width, c.Epochs, c.Images = 4, 1, 1280
		m, err = training.Train(t.Context(), backend, c, trainSet, testSet, t.TempDir(), training.Options{})
	} else {
		m, err = training.Load(*modelFolder)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Fits(testSet); err != nil {
		t.Fatal(err)
	}
	return m, testSet
}

// A trained model has, as a file, the logits that it has here of images of its dataset, and, of equal noise, the same votes.
func TestTrained(t *testing.T) {
	m, d := trained(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "trained.onnx")
	f, err := export.Model(m)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteTo(out); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	spread := func(n int) []float32 {
		indices := make([]int, n)
		for i := range indices {
			indices[i] = i * d.Len() / n
		}
		x := make([]float32, n*d.Size())
		if err := d.Images(x, indices); err != nil {
			t.Fatal(err)
		}
		return x
	}
	exec, err := model.NewExec(backend, m.Store, m.Logits)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	ours := func(x []float32) []float32 {
		z, err := exec.Call1(tensors.FromFlatDataAndDimensions(x, len(x)/d.Size(), d.Height, d.Width, d.Channels))
		if err != nil {
			t.Fatal(err)
		}
		return values(t, z)
	}
	t.Run("Python", func(t *testing.T) {
		interpreter := python(t)
		x := spread(count)
		give(t, dir, "trained", x, m.Input)
		check(t, interpreter, dir)
		theirs, properties := take(t, dir, "trained")
		most, size := apart(t, ours(x), theirs)
		t.Logf("logits of %d images of %s: %.2g apart at most, of %.3g", count, d.Name, most, size)
		if !(most <= tolerance) || size < 0.05 {
			t.Errorf("logits are %g apart, the largest %g", most, size)
		}
		names, err := json.Marshal(m.ClassNames)
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]string{
			"model_hash": m.Hash, "architecture": m.Config.Architecture, "dataset": m.Dataset, "dataset_hash": m.DataHash, "class_names": string(names),
		} {
			if properties[key] != want {
				t.Errorf("%s is %q, want %q", key, properties[key], want)
			}
		}
		for key, want := range map[string]float64{"lipschitz": m.Lambda.Value(), "training_sigma": m.Config.Sigma} {
			if v, err := strconv.ParseFloat(properties[key], 64); err != nil || v != want {
				t.Errorf("%s is %q, want %v to its last bit", key, properties[key], want)
			}
		}
		if claim := properties["lipschitz_claim"]; !strings.Contains(claim, "proved Lipschitz constant, of real arithmetic") || !strings.Contains(claim, m.Lambda.Proof()) {
			t.Errorf("lipschitz_claim is %q", claim)
		}
	})
	t.Run("votes", func(t *testing.T) {
		if _, err := onnx.Library(); err != nil {
			t.Skip(err)
		}
		const images, n0, n, block, sigma, seed = 3, 100, 500, 100, 0.5, 1
		file, err := onnx.Open(path, onnx.Options{Size: [3]int(m.Input), Classes: m.Classes()})
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		s, err := sample.New(backend, m, sample.Settings{Block: block})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for i, x := range slices.Collect(slices.Chunk(spread(images), d.Size())) {
			e, err := s.Evidence(sample.Example{Image: x, Index: i},
				sample.Request{Sigma: sigma, N0: n0, N: n, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			var noisy []float32
			for b := range n / block {
				draws, err := s.Draws(sample.Example{Image: x, Index: i},
					sample.Request{Sigma: sigma, Seed: seed}, sample.Estimation, b)
				if err != nil {
					t.Fatal(err)
				}
				noisy = append(noisy, draws...)
			}
			theirs, err := file.Logits(noisy, n)
			if err != nil {
				t.Fatal(err)
			}
			z := ours(noisy)
			votes, otherwise := make(rs.Votes, m.Classes()), 0
			for k := range n {
				vote := func(z []float32) int {
					row := z[k*m.Classes():][:m.Classes()]
					return slices.Index(row, slices.Max(row))
				}
				votes[vote(theirs)]++
				if vote(theirs) != vote(z) {
					otherwise++
				}
			}
			t.Logf("image %d: votes %v; %d of %d draws voted otherwise", i, votes, otherwise, n)
			if otherwise > 0 || !slices.Equal(votes, e.Estimation) {
				t.Errorf("image %d: votes %v, of the model %v; %d draws voted otherwise", i, votes, e.Estimation, otherwise)
			}
		}
	})
}
