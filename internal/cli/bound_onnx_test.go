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
	if r := withDevice("bound", file, "--observe"); r.status == 0 {
		t.Error("--observe of an ONNX file is taken")
	}
}
