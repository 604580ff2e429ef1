package cli

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
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
	for _, method := range []string{"mono ", "isoperimetric ", "margin ", "distance "} {
		if !strings.Contains(out, method) {
			t.Errorf("no %s in\n%s", method, out)
		}
	}
	must(t, "attack", run, "--data", tiny(), "--images", "2", "--steps", "2", "--samples", "2",
		"--trial", "10", "--draws", "20", "--classifier", "clean,votes")
	must(t, "verify", run, "--data", tiny(), "--redraw", "2")
	// Attacks within [0, 1] are those that the distance certifies.
	inside := filepath.Join(t.TempDir(), "inside")
	must(t, "attack", run, "--data", tiny(), "--images", "2", "--steps", "2", "--samples", "2",
		"--trial", "10", "--draws", "20", "--classifier", "clean", "--box", "--out", inside)
	radii := map[string]float64{} // by method and image
	for _, row := range tsv(t, filepath.Join(run, certify.CertificatesFile)).Rows {
		radius, err := strconv.ParseFloat(row[7], 64)
		if err != nil {
			t.Fatal(row, err)
		}
		radii[row[4]+" "+row[0]] = radius
		if row[4] == "distance" && !(radius >= 0.99*radii["margin "+row[0]]) {
			t.Errorf("image %s: distance %v, margin %v", row[0], radius, radii["margin "+row[0]])
		}
	}
	if len(radii) != 4*(len(rs.DefaultMethods)+1) {
		t.Errorf("radii %v", radii)
	}
	must(t, "export", folder, "--onnx", filepath.Join(t.TempDir(), "prototypes.onnx"))
}
