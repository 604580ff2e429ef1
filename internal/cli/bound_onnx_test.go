package cli

import (
	"path/filepath"
	"strings"
	"testing"
)

// bound proves files of other programs, and names the operation of which nothing is proved.
func TestBoundONNX(t *testing.T) {
	file := filepath.Join("..", "..", "training", "prove", "testdata", "aol.onnx")
	tsv := filepath.Join(t.TempDir(), "bound.tsv")
	r := withDevice("bound", file, "--out", tsv)
	if r.status != 0 || !strings.Contains(r.out, "Λ = 0.4715") ||
		!strings.Contains(read(t, tsv), "Max \"/1/Max\"\tsort") {
		t.Errorf("status %d, %s\n%s", r.status, r.err, r.out)
	}
	vit := filepath.Join("..", "..", "rs", "sample", "onnx", "testdata", "vit.onnx")
	if r := withDevice("bound", vit); r.status == 0 || !strings.Contains(r.err,
		`LayerNormalization "node4": nothing is proved of this operation`) {
		t.Errorf("status %d, %s", r.status, r.err)
	}
	refused(t, lipsmooth("bound", file, "--data", "mnist"), "--data is for models that lipsmooth")
}

// The slope that is found is in the last row, beside the bound.
func TestObserveONNX(t *testing.T) {
	needONNX(t)
	t.Setenv(backendVariable, "go")
	proved := filepath.Join("..", "..", "training", "prove", "testdata")
	out := strings.TrimSpace(must(t, "bound", filepath.Join(proved, "aol.onnx"), "--observe"))
	if !strings.Contains(out, " s, observed in 100 steps\n") ||
		!strings.HasSuffix(out, "proved from the file           0.12312") {
		t.Error(out)
	}
	refused(t, lipsmooth("bound", filepath.Join(proved, "torchlip-dense.onnx"), "--observe"),
		"--observe: xla: torchlip-dense.onnx: GoMLX has no gradient of Sort")
}
