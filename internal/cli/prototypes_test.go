package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/certify"
)

// Prototypes go through every command with a proved Λ of √2, and more prototypes than images of a
// class are refused before the training.
func TestPrototypes(t *testing.T) {
	t.Setenv(backendVariable, "go") // compiles nothing
	run := filepath.Join(t.TempDir(), "run")
	folder := filepath.Join(run, certify.ModelFolder)
	train := []string{"train", "--data", tiny(), "--arch", "prototypes", "--sigma", "0", "--epochs",
		"1", "--epoch-images", "64", "--batch", "32", "--out", folder}
	refused(t, lipsmooth(append(train, "--width", "100000")...), "take a smaller --width")
	must(t, append(train, "--width", "2")...)
	out := must(t, "bound", folder)
	if !strings.Contains(out, "planes at unit distances") || !strings.Contains(out, "1.414") {
		t.Error(out)
	}
	must(t, "sample", folder, "--data", tiny(), "--images", "4", "--tuning", "2", "--n0", "10", "--n",
		"50", "--sigma", "0.12", "--out", run)
	out = must(t, "certify", run)
	for _, method := range []string{"mono ", "isoperimetric ", "margin "} {
		if !strings.Contains(out, method) {
			t.Errorf("no %s in\n%s", method, out)
		}
	}
	must(t, "attack", run, "--data", tiny(), "--images", "2", "--steps", "2", "--samples", "2",
		"--trial", "10", "--draws", "20", "--classifier", "clean,votes")
	must(t, "verify", run, "--data", tiny())
	must(t, "export", folder, "--onnx", filepath.Join(t.TempDir(), "prototypes.onnx"))
}
