package export_test

import (
	"encoding/json"
	"flag"
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
	modelFolder = flag.String("model", "",
		"the model that TestTrained exports; default: it trains a small one")
	dataset = flag.String("data", "mnist", "the dataset that it was trained on")
)

// trained is the model of the flags, and the test split of its dataset.
func trained(t *testing.T) (*training.Model, *data.Dataset) {
	t.Helper()
	trainSet, testSet, err := data.Open(*dataset)
	if err != nil {
		t.Fatal(err)
	}
	folder := *modelFolder
	if folder == "" {
		c := training.Default()
		c.Width, c.Epochs, c.Images = 4, 1, 1280
		folder = t.TempDir()
		job := training.Job{Config: c, Train: trainSet, Test: testSet, Dir: folder}
		if _, err = training.Train(t.Context(), backend, job); err != nil {
			t.Fatal(err)
		}
	}
	m, err := training.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Fits(testSet); err != nil {
		t.Fatal(err)
	}
	return m, testSet
}

// A trainedFile is a trained model, the test split of its dataset, and the model as a file.
type trainedFile struct {
	model  *training.Model
	test   *data.Dataset
	logits *model.Exec // of the model
	folder string      // of trained.onnx
}

// TestTrained: a trained model has, as a file, the logits that it has here for images of its
// dataset, and the same votes for equal noise.
func TestTrained(t *testing.T) {
	m, d := trained(t)
	dir := t.TempDir()
	f, err := export.Model(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "trained.onnx")
	if said, err := f.WriteFile(path, m); err != nil || !strings.Contains(said, "compared") &&
		!strings.Contains(said, "the model's within") {
		t.Fatalf("%q, %v", said, err)
	}
	exec, err := model.NewExec(backend, m.Store, m.Logits)
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	file := trainedFile{m, d, exec, dir}
	t.Run("Python", file.python)
	t.Run("votes", file.votes)
}

// spread is n images spread over the test split.
func (f trainedFile) spread(t *testing.T, n int) []float32 {
	t.Helper()
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i * f.test.Len() / n
	}
	x := make([]float32, n*f.test.Size())
	if err := f.test.Images(x, indices); err != nil {
		t.Fatal(err)
	}
	return x
}

// ours are the model's logits of images.
func (f trainedFile) ours(t *testing.T, x []float32) []float32 {
	t.Helper()
	d := f.test
	images := tensors.FromFlatDataAndDimensions(x, len(x)/d.Size(), d.Height, d.Width, d.Channels)
	z, err := f.logits.Call1(images)
	if err != nil {
		t.Fatal(err)
	}
	return values(t, z)
}

// python compares logits, and the file's properties with the model's.
func (f trainedFile) python(t *testing.T) {
	m := f.model
	interpreter := python(t)
	x := f.spread(t, count)
	give(t, f.folder, "trained", x, m.Input)
	check(t, interpreter, f.folder)
	theirs, properties := take(t, f.folder, "trained")
	most, size := apart(t, f.ours(t, x), theirs)
	t.Logf("logits of %d images of %s: %.2g apart at most, of %.3g", count, f.test.Name, most, size)
	if !(most <= tolerance) || size < 0.05 {
		t.Errorf("logits are %g apart, the largest %g", most, size)
	}
	names, err := json.Marshal(m.ClassNames)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"model_hash": m.Hash, "architecture": m.Config.Architecture, "dataset": m.Dataset,
		"dataset_hash": m.DataHash, "class_names": string(names),
	} {
		if properties[key] != want {
			t.Errorf("%s is %q, want %q", key, properties[key], want)
		}
	}
	for key, want := range map[string]float64{
		"lipschitz": m.Lambda.Value(), "training_sigma": m.Config.Sigma,
	} {
		if v, err := strconv.ParseFloat(properties[key], 64); err != nil || v != want {
			t.Errorf("%s is %q, want %v to its last bit", key, properties[key], want)
		}
	}
	claim := properties["lipschitz_claim"]
	for _, want := range []string{"proved Lipschitz constant, of real arithmetic",
		m.Lambda.Proof()} {
		if !strings.Contains(claim, want) {
			t.Errorf("no %q in the lipschitz_claim: %q", want, claim)
		}
	}
}

// votes draws the model's votes, and the file's on the same noise.
func (f trainedFile) votes(t *testing.T) {
	if _, err := onnx.Library(); err != nil {
		t.Skip(err)
	}
	const images, n0, n, block, sigma, seed = 3, 100, 500, 100, 0.5, 1
	m, size, classes := f.model, [3]int(f.model.Input), f.model.Classes()
	file, err := onnx.Open(filepath.Join(f.folder, "trained.onnx"),
		onnx.Options{Size: size, Classes: classes})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s, err := sample.New(backend, m, sample.Settings{Block: block})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, x := range slices.Collect(slices.Chunk(f.spread(t, images), f.test.Size())) {
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
		z := f.ours(t, noisy)
		votes, otherwise := make(rs.Votes, classes), 0
		for k := range n {
			vote := func(z []float32) int {
				row := z[k*classes:][:classes]
				return slices.Index(row, slices.Max(row))
			}
			votes[vote(theirs)]++
			if vote(theirs) != vote(z) {
				otherwise++
			}
		}
		t.Logf("image %d: votes %v; %d of %d draws voted otherwise", i, votes, otherwise, n)
		if otherwise > 0 || !slices.Equal(votes, e.Estimation) {
			t.Errorf("image %d: votes %v, of the model %v; %d draws voted otherwise",
				i, votes, e.Estimation, otherwise)
		}
	}
}
